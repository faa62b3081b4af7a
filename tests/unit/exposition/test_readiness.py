"""Readiness: honest about what has been looked at lately."""

from dataclasses import replace

from gpuwatch.domain.snapshot import Snapshot, SourceState
from gpuwatch.exposition.readiness import readiness
from tests.support.snapshots import AT, gpu_state, rich_snapshot


def _with(source: SourceState) -> Snapshot:
    return replace(rich_snapshot(), sources=(source,))


def test_a_host_whose_required_sources_are_fresh_is_ready() -> None:
    """An optional source that is down does not change that, and is listed."""
    report = readiness(rich_snapshot())

    assert report["ready"]
    assert report["sources"][2] == {
        "name": "bmc.node-18",
        "required": False,
        "ready": False,
        "reason": "no answer from the BMC: timed out",
    }


def test_before_any_source_has_reported_a_host_is_not_ready() -> None:
    """Nothing seen is not the same as nothing wrong."""
    report = readiness(replace(rich_snapshot(), sources=()))

    assert not report["ready"]


def test_a_required_source_that_never_succeeded_is_not_ready() -> None:
    """Its reason says so."""
    report = readiness(_with(SourceState(name="nvml", up=True, fresh=False)))

    assert not report["ready"]
    assert report["sources"][0]["reason"] == "has not succeeded yet"


def test_a_stale_required_source_tells_its_age() -> None:
    """Stale means not ready, with the seconds since the last success."""
    report = readiness(_with(SourceState(name="nvml", up=True, fresh=False, last_success=AT - 61)))

    assert not report["ready"]
    assert report["sources"][0]["reason"] == "last succeeded 61 s ago"


def test_a_released_source_is_ready_with_the_reason() -> None:
    """Letting go of the driver on request is not a fault."""
    report = readiness(
        _with(
            SourceState(
                name="nvml", up=False, fresh=False, released=True, released_reason="driver upgrade"
            )
        )
    )

    assert report["ready"]
    assert report["sources"][0]["reason"] == "released: driver upgrade"


def test_a_source_whose_every_gpu_is_set_apart_is_ready_with_the_reason() -> None:
    """The GPUs hang, not gpuwatch; the GPUs are listed."""
    hung = replace(gpu_state(0), set_apart="stuck", fresh=False)
    snapshot = replace(
        _with(SourceState(name="nvml", up=True, fresh=False, last_success=AT - 600)), gpus=(hung,)
    )

    report = readiness(snapshot)

    assert report["ready"]
    assert report["sources"][0]["reason"] == "every GPU is set apart"
    assert report["set_apart"] == [{"uuid": hung.record.key.uuid, "reason": "stuck"}]
