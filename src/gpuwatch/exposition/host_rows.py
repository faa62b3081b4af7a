"""Host rows: the metrics about the host, its sources, its history and gpuwatch itself."""

from collections.abc import Callable, Iterator
from itertools import chain
from math import isinf

from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily

from gpuwatch import __version__
from gpuwatch.domain.snapshot import Snapshot, SourceState
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.exposition.families import Row, Sample, Scene, Type, states
from gpuwatch.exposition.upkeep_rows import UPKEEP_ROWS, one
from gpuwatch.exposition.views import blackout_holds, next_window, window_is_open

_TESTED_ROUTES = ("page", "window", "info")
_MAINTENANCE_SCOPES = ("host", "board", "bmc")


def _each_source(
    take: Callable[[SourceState], float | None],
) -> Callable[[Scene], Iterator[Sample]]:
    """A family of one series per source; none for a source where `take` gives None."""

    def samples(scene: Scene) -> Iterator[Sample]:
        for source in scene.snapshot.sources:
            value = take(source)
            if value is not None:
                yield {"source": source.name}, float(value)

    return samples


def _build(scene: Scene) -> Iterator[Sample]:
    yield {"version": __version__, "rules": scene.snapshot.rules_version}, 1.0


def _config(scene: Scene) -> Iterator[Sample]:
    yield {"hash": scene.snapshot.config_hash}, 1.0


def _host(scene: Scene) -> Iterator[Sample]:
    yield {**scene.snapshot.labels, "driver": scene.driver}, 1.0


def _verdict(scene: Scene) -> Iterator[Sample]:
    yield from states("verdict", Verdict, scene.snapshot.host_verdict)


def _findings(scene: Scene) -> Iterator[Sample]:
    held = {
        (finding.code, finding.route, finding.remedy) for finding in scene.snapshot.host_findings
    }
    for code, route, remedy in sorted(held):
        yield {"code": code, "urgency": route.value, "remedy": remedy.value}, 1.0


def _board_flags(scene: Scene) -> Iterator[Sample]:
    # A flag on a board without a readable serial cannot be recognised in another host.
    open_flags = {
        (flag.board.serial, flag.code, flag.disposition)
        for flag in scene.snapshot.flags
        if flag.is_open and flag.board.serial
    }
    for serial, code, disposition in sorted(open_flags):
        yield {"serial": serial, "code": code, "disposition": disposition.value}, 1.0


def _degraded(scene: Scene) -> Iterator[Sample]:
    now = scene.snapshot.degraded
    for reason in dict.fromkeys(chain(scene.vocabulary.degraded, now)):
        yield {"reason": reason}, float(reason in now)


def _maintenance(scene: Scene) -> Iterator[Sample]:
    scopes = {maintenance.scope for maintenance in scene.snapshot.maintenance}
    for scope in _MAINTENANCE_SCOPES:
        yield {"scope": scope}, float(scope in scopes)


def _sxids(scene: Scene) -> Iterator[Sample]:
    for code, number in sorted(scene.snapshot.sxids.items()):
        yield {"sxid": str(code)}, float(number)


def _failures(scene: Scene) -> Iterator[Sample]:
    for job, number in scene.snapshot.failures.items():
        yield {"task": job}, float(number)


def _alert_tests(scene: Scene) -> Iterator[Sample]:
    for route in _TESTED_ROUTES:
        yield {"route": route}, float(route in scene.snapshot.alert_tests)


def _window_start(snapshot: Snapshot) -> float | None:
    window = next_window(snapshot)
    return None if window is None else window.start.timestamp()


HOST_ROWS: tuple[Row[Scene], ...] = (
    Row("gpuwatch_build_info", Type.INFO, "Versions of gpuwatch and of its rules.", _build),
    Row("gpuwatch_config_info", Type.INFO, "Hash of the effective settings.", _config),
    Row("gpuwatch_host_info", Type.INFO, "Driver and the operator's labels.", _host),
    Row("gpuwatch_host_verdict", Type.GAUGE, "What all findings of the host say.", _verdict),
    Row(
        "gpuwatch_host_finding",
        Type.GAUGE,
        "1 for every rule that holds for the host; urgency is the one that alerts use.",
        _findings,
    ),
    Row(
        "gpuwatch_board_flag_info",
        Type.INFO,
        "Boards with an open flag, to be recognised in another host.",
        _board_flags,
    ),
    Row(
        "gpuwatch_source_up",
        Type.GAUGE,
        "Whether the source works.",
        _each_source(lambda source: source.up),
    ),
    Row(
        "gpuwatch_source_released",
        Type.GAUGE,
        "Whether the source lets go of the driver on request.",
        _each_source(lambda source: source.released),
    ),
    Row(
        "gpuwatch_source_last_success_timestamp_seconds",
        Type.GAUGE,
        "When the source last looked at everything.",
        _each_source(lambda source: source.last_success),
    ),
    Row(
        "gpuwatch_source_timeouts_total",
        Type.COUNTER,
        "Deadlines that the source missed.",
        _each_source(lambda source: source.timeouts),
    ),
    Row(
        "gpuwatch_source_restarts_total",
        Type.COUNTER,
        "Times that a child of the source was started again.",
        _each_source(lambda source: source.restarts),
    ),
    Row(
        "gpuwatch_source_unkillable_children",
        Type.GAUGE,
        "Children of the source that even SIGKILL cannot end.",
        _each_source(lambda source: source.unkillable),
    ),
    Row(
        "gpuwatch_kernel_log_lost_total",
        Type.COUNTER,
        "Kernel log records lost before they were read.",
        one(lambda snapshot: snapshot.kernel_log_lost),
    ),
    Row("gpuwatch_sxid_errors_total", Type.COUNTER, "NVSwitch errors by code.", _sxids),
    Row(
        "gpuwatch_history_degraded",
        Type.GAUGE,
        "Whether history is not written, or not whole, by reason.",
        _degraded,
    ),
    Row(
        "gpuwatch_history_size_bytes",
        Type.GAUGE,
        "Size of the history database.",
        one(lambda snapshot: snapshot.history_bytes),
    ),
    *UPKEEP_ROWS,
    Row(
        "gpuwatch_alert_test",
        Type.GAUGE,
        "Whether a marked test alert is sent along this route.",
        _alert_tests,
    ),
    Row(
        "gpuwatch_clock_synchronized",
        Type.GAUGE,
        "Whether the kernel, or the service that keeps it, holds the wall clock for synchronised.",
        one(lambda snapshot: snapshot.clock_synchronized),
    ),
    Row(
        "gpuwatch_clock_steps_total",
        Type.COUNTER,
        "Steps of the wall clock by more than a second.",
        one(lambda snapshot: snapshot.clock_steps),
    ),
    Row(
        "gpuwatch_agent_failures_total",
        Type.COUNTER,
        "Tasks of the agent itself that failed: what they were about is not counted or not shown.",
        _failures,
    ),
    Row(
        "gpuwatch_maintenance",
        Type.GAUGE,
        "Whether somebody works on the host, on one of its boards, or on what a BMC watches.",
        _maintenance,
    ),
    Row(
        "gpuwatch_maintenance_blackout",
        Type.GAUGE,
        "Whether a blackout holds: no board may be swapped.",
        one(blackout_holds),
    ),
    Row(
        "gpuwatch_maintenance_window_open",
        Type.GAUGE,
        "Whether boards may be swapped now.",
        one(window_is_open),
    ),
    Row(
        "gpuwatch_maintenance_window_start_timestamp_seconds",
        Type.GAUGE,
        "Start of the open window, else of the next.",
        one(_window_start),
    ),
    Row(
        "gpuwatch_start_timestamp_seconds",
        Type.GAUGE,
        "When the agent started.",
        one(lambda snapshot: snapshot.started_at),
    ),
    Row(
        "gpuwatch_snapshot_timestamp_seconds",
        Type.GAUGE,
        "The instant that all of this describes.",
        one(lambda snapshot: snapshot.at.wall),
    ),
)


def poll_durations(scene: Scene) -> Iterator[Metric]:
    """How long each source's polls took: one histogram per source that has polled."""
    histogram = HistogramMetricFamily(
        "gpuwatch_source_poll_duration_seconds",
        "How long the polls of the source took.",
        labels=("source",),
        unit="seconds",
    )
    for source in scene.snapshot.sources:
        if source.durations:
            buckets = [(_bound(bound), polls) for bound, polls in source.durations]
            histogram.add_metric((source.name,), buckets, source.durations_sum)
    if histogram.samples:
        yield histogram


def _bound(seconds: float) -> str:
    return "+Inf" if isinf(seconds) else str(float(seconds))
