"""BMC metrics: what is told, what is absent, on the real output."""

from collections.abc import Iterator
from dataclasses import replace
from math import inf, nan

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from gpuwatch.domain.bmc import BmcProtocol, BmcSweep, Part, PowerSupply, Quantity
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.exposition.bmc_families import FIXED
from gpuwatch.exposition.bmc_rows import BMC_ROWS
from gpuwatch.exposition.families import Vocabulary
from gpuwatch.exposition.metrics import MetricsRenderer
from tests.support.bmc_states import dead_bmc, hgx_bmc, main_bmc, measured, new_bmc
from tests.support.snapshots import AT, rich_snapshot, uuid_of

KNOWN_WITHOUT_AN_ANSWER = {
    "gpuwatch_bmc_info",
    "gpuwatch_bmc_verdict",
    "gpuwatch_bmc_log_events_total",
    "gpuwatch_bmc_log_cleared_total",
    "gpuwatch_bmc_log_wrapped_total",
}


def _samples(*bmcs: BmcState, snapshot: Snapshot | None = None) -> list[Sample]:
    shown = replace(snapshot or rich_snapshot(), bmcs=bmcs)
    text = MetricsRenderer(Vocabulary()).text(shown).decode()
    return [
        sample
        for family in parse_text(text)
        for sample in family.samples
        if sample.name.startswith("gpuwatch_bmc_")
    ]


def _of(samples: list[Sample], name: str, **labels: str) -> list[float]:
    return [
        sample.value
        for sample in samples
        if sample.name == f"gpuwatch_bmc_{name}" and labels.items() <= sample.labels.items()
    ]


def _told(**changes: object) -> list[Sample]:
    """The samples of a BMC that told exactly this."""
    main = main_bmc(AT)
    assert main.sweep is not None
    bare = BmcSweep(bmc="main", at=main.sweep.at, seconds=0.25)
    sweep = replace(bare, **changes)  # type: ignore[arg-type]  # fields of the sweep
    return _samples(replace(main, sweep=sweep))


def _documented() -> Iterator[tuple[str, frozenset[str]]]:
    for row in BMC_ROWS:
        yield row.name, frozenset((*FIXED, *row.labels))


def test_every_series_has_the_labels_of_its_row() -> None:
    """And every row of the table is seen in the night of the golden files."""
    seen = {(one.name, frozenset(one.labels)) for one in _samples(*rich_snapshot().bmcs)}

    assert seen == set(_documented())


def test_a_bmc_of_this_host_has_an_empty_host() -> None:
    """Prometheus takes it for no label at all: the target says which host it is."""
    samples = _samples(main_bmc(AT), dead_bmc(AT))

    assert {(one.labels["bmc"], one.labels["host"]) for one in samples} == {
        ("main", ""),
        ("node-18", "gpu-node-18"),
    }


def test_a_bmc_that_was_never_asked_is_neither_up_nor_down() -> None:
    """Only what is known without an answer is told; its counters are there at 0."""
    samples = _samples(new_bmc(AT))

    assert {one.name for one in samples} == KNOWN_WITHOUT_AN_ANSWER
    assert sum(_of(samples, "log_events_total")) == 0.0


def test_a_dead_bmc_keeps_its_identity_and_loses_its_readings() -> None:
    """Old values that look like the present are worse than none."""
    samples = _samples(dead_bmc(AT))

    assert {one.name for one in samples} == KNOWN_WITHOUT_AN_ANSWER | {
        "gpuwatch_bmc_up",
        "gpuwatch_bmc_trouble",
        "gpuwatch_bmc_last_success_timestamp_seconds",
        "gpuwatch_bmc_finding",
    }
    assert _of(samples, "up") == [0.0]
    assert _of(samples, "trouble", reason="unreachable") == [1.0]
    assert sum(_of(samples, "trouble")) == 1.0
    assert _of(samples, "info", serial="SRV0118", firmware="1.74") == [1.0]


def test_a_bmc_that_just_failed_is_down_while_its_sweep_is_still_fresh() -> None:
    """Its readings stay until they are too old, and it does not answer all the same."""
    dead = dead_bmc(AT)

    samples = _samples(replace(dead, fresh=True))

    assert _of(samples, "up") == [0.0]
    assert _of(samples, "server_power_watts") == [5_812.0]


def test_every_topic_and_severity_is_counted_from_the_start() -> None:
    """`increase()` never sees a series that is born at 1."""
    samples = _samples(main_bmc(AT))

    assert len(_of(samples, "log_events_total")) == len(LogTopic) * len(LogSeverity)
    assert _of(samples, "log_events_total", topic="power", severity="critical") == [52.0]
    assert _of(samples, "log_events_total", topic="gpu", severity="info") == [0.0]


def test_what_is_not_known_of_a_supply_has_no_series() -> None:
    """Unknown is neither well nor failed."""
    samples = _samples(main_bmc(AT))

    assert _of(samples, "psu_state", psu="PS3", state="failed") == [1.0]
    assert _of(samples, "psu_state", psu="PS1", state="failed") == [0.0]
    assert _of(samples, "psu_state", psu="PS5") == []
    assert _of(samples, "psu_state", psu="PS6") == [0.0]


@pytest.mark.parametrize("value", [nan, inf, -inf, None])
def test_what_is_no_number_has_no_series(value: float | None) -> None:
    """No NaN ever, whatever a BMC says."""
    strange = measured("Strange", Quantity.POWER, Part.BOARD, value)

    samples = _told(sensors=(strange,), watts=value)

    assert _of(samples, "power_watts") == _of(samples, "server_power_watts") == []


def test_a_gap_has_no_series_and_its_sensor_no_state() -> None:
    """CPU2's sensor does not answer."""
    samples = _samples(main_bmc(AT))

    assert _of(samples, "temperature_celsius", sensor="CPU2 Temp") == []
    assert _of(samples, "sensor_state", sensor="CPU2 Temp") == []


def test_two_supplies_of_one_name_do_not_spoil_the_scrape() -> None:
    """Prometheus refuses a scrape with two series of one labelset: the first is told."""
    twins = (PowerSupply(name="PSU", failed=True), PowerSupply(name="PSU", failed=False))

    samples = _told(supplies=twins)

    assert _of(samples, "psu_state", psu="PSU", state="failed") == [1.0]


def test_a_gpu_has_the_serial_and_uuid_that_the_driver_tells() -> None:
    """The BMC names one by serial alone and one by a UUID without its prefix."""
    samples = _samples(hgx_bmc(AT))

    assert _of(samples, "gpu_temperature_celsius", uuid=uuid_of(3)) == [71.5]
    assert _of(samples, "gpu_health", state="critical", serial="1654223010010") == [1.0]
    assert _of(samples, "gpu_errors_total", counter="uncorrectable") == [57.0]


def test_a_gpu_of_another_host_keeps_what_its_bmc_tells() -> None:
    """Boards of this host are no boards of that one."""
    far = replace(hgx_bmc(AT), host="gpu-node-20")

    samples = _samples(far)

    assert {one.labels["uuid"] for one in samples if "uuid" in one.labels} == {""}


def test_the_protocol_is_told_before_the_first_answer() -> None:
    """It comes from the settings."""
    samples = _samples(replace(new_bmc(AT), protocol=BmcProtocol.REDFISH))

    assert _of(samples, "info", protocol="redfish", cipher_suite="") == [1.0]


def test_alerts_see_the_route_of_a_finding() -> None:
    """What is kept from people is not published as a page."""
    main = main_bmc(AT)
    quiet = tuple(replace(one, route=Urgency.INFO) for one in main.findings)

    samples = _samples(replace(main, findings=quiet))

    assert _of(samples, "finding", code="redundancy-lost", urgency="info") == [1.0]
    assert _of(samples, "finding", urgency="page") == []
