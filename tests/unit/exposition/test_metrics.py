"""Metrics: the contract of names, labels and absence, on the real output."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from gpuwatch.domain.records import BoardState
from gpuwatch.domain.signals import Kind
from gpuwatch.domain.snapshot import BackupState, Snapshot
from gpuwatch.exposition.bmc_rows import BMC_ROWS
from gpuwatch.exposition.families import Vocabulary
from gpuwatch.exposition.gpu_rows import GPU_ROWS
from gpuwatch.exposition.host_rows import HOST_ROWS
from gpuwatch.exposition.metrics import MetricsRenderer
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.golden import assert_golden
from tests.support.snapshots import (
    ALERTING_XIDS,
    every_signal,
    gpu_state,
    latest_of,
    rich_snapshot,
    uuid_of,
)

# The library's function has no annotations.
parse_openmetrics: Callable[[str], Iterator[Metric]] = (
    openmetrics_parser.text_string_to_metric_families
)
VOCABULARY = Vocabulary(alerting_xids=ALERTING_XIDS, degraded=("read-only", "disk-full"))
UNITS = {
    "celsius",
    "watts",
    "joules",
    "bytes",
    "ratio",
    "hertz",
    "seconds",
    "rpm",
    "volts",
    "amperes",
}
NOT_BASE = re.compile(
    r"_(percent|percentage|milliwatts?|mw|kw|mhz|megahertz|mib|gib|mb|gb|ms|us|millis\w*|celcius|"
    r"degrees|temp|pct)(_|$)"
)
TARGET_LABELS = {"instance", "job", "host", "hostname"}


def _text(snapshot: Snapshot) -> str:
    return MetricsRenderer(VOCABULARY).text(snapshot).decode()


def _families(snapshot: Snapshot) -> list[Metric]:
    return list(parse_text(_text(snapshot)))


def _samples(snapshot: Snapshot) -> Iterator[Sample]:
    for family in _families(snapshot):
        yield from family.samples


def _of(snapshot: Snapshot, name: str, **labels: str) -> list[float]:
    return [
        sample.value
        for sample in _samples(snapshot)
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def _names_of_gpu(snapshot: Snapshot, index: int) -> set[str]:
    return {
        sample.name for sample in _samples(snapshot) if sample.labels.get("uuid") == uuid_of(index)
    }


def test_the_metrics_of_a_bad_night_are_the_golden_ones() -> None:
    """Every series of one scenario in which no two numbers are equal."""
    assert_golden("metrics.txt", _text(rich_snapshot()))


def test_the_golden_names_are_all_names() -> None:
    """Names are API: one that comes, goes or changes its type or labels shows here."""
    snapshot = rich_snapshot()
    talkative = replace(snapshot.gpus[0], latest=every_signal(0))
    whole = replace(snapshot, gpus=(talkative, *snapshot.gpus[1:]))

    lines = sorted(
        {
            f"{sample.name} {family.type} {' '.join(sorted(sample.labels))}".rstrip()
            for family in _families(whole)
            for sample in family.samples
        }
    )

    assert_golden("metric_names.txt", "\n".join(lines) + "\n")


def test_no_two_numbers_of_the_golden_night_are_equal() -> None:
    """So that a swapped column shows; states (0 and 1) and a histogram's count are no numbers."""
    numbers = Counter(
        sample.value
        for sample in _samples(rich_snapshot())
        if sample.value not in {0.0, 1.0} and not sample.name.endswith("_seconds_count")
    )

    assert [number for number, times in numbers.items() if times > 1] == []


def test_no_labelset_is_published_twice() -> None:
    """Prometheus refuses the whole scrape when one is."""
    seen = Counter(
        (sample.name, *sorted(sample.labels.items())) for sample in _samples(rich_snapshot())
    )

    assert [series for series, times in seen.items() if times > 1] == []


def test_every_name_keeps_the_contract() -> None:
    """Prefix, base units, a sentence of help, a type; promlint does not know these units."""
    broken = [
        family.name
        for family in _families(rich_snapshot())
        if not family.name.startswith("gpuwatch_")
        or NOT_BASE.search(family.name)
        or not family.documentation.endswith(".")
        or family.type in {"unknown", "untyped"}
    ]

    assert broken == []


def test_no_series_carries_a_label_of_its_target() -> None:
    """Prometheus sets instance and job; a host label would double them.

    Only a BMC may be of another host than the one that is scraped.
    """
    labels = {
        label
        for sample in _samples(rich_snapshot())
        if not sample.name.startswith("gpuwatch_bmc_")
        for label in sample.labels
    }

    assert labels & TARGET_LABELS == set()


def test_every_ratio_is_between_nothing_and_all() -> None:
    """A percentage published as a ratio is a hundred times too large."""
    ratios = [sample for sample in _samples(rich_snapshot()) if sample.name.endswith("_ratio")]

    assert ratios
    assert all(0 <= sample.value <= 1 for sample in ratios)


def test_openmetrics_tells_the_same() -> None:
    """The stricter format parses and carries equal samples."""
    rendered = MetricsRenderer(VOCABULARY).openmetrics(rich_snapshot()).decode()

    strict = {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in parse_openmetrics(rendered)
        for sample in family.samples
    }
    plain = {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for sample in _samples(rich_snapshot())
    }

    assert strict == plain


def test_openmetrics_tells_units() -> None:
    """The unit that the name ends in."""
    rendered = MetricsRenderer(VOCABULARY).openmetrics(rich_snapshot()).decode()

    units = {family.unit for family in parse_openmetrics(rendered)} - {""}

    assert units == UNITS


def test_a_quiet_gpu_costs_few_series_beside_its_readings() -> None:
    """Of the 120 series of a GPU most belong to the signal table."""
    quiet = replace(gpu_state(0), latest=every_signal(0))
    published = {latest.signal.name for latest in quiet.latest}

    own = [
        sample
        for sample in _samples(replace(rich_snapshot(), gpus=(quiet,)))
        if sample.labels.get("uuid")
        and (sample.name not in published or sample.name == "gpuwatch_gpu_recovery_action")
    ]

    assert len(own) <= 23 + len(ALERTING_XIDS)


def test_no_signal_has_the_name_of_a_metric_of_ours() -> None:
    """Two families of one name make a scrape invalid; the recovery action's row is a text."""
    signals = {row.name for row in TABLE if row.kind is not Kind.TEXT}
    of_bmcs = {row.name for row in BMC_ROWS}
    ours = {row.name for row in GPU_ROWS} | {row.name for row in HOST_ROWS} | of_bmcs

    assert signals & ours == set()


def test_a_gap_is_no_sample() -> None:
    """Absent beats wrong: no zero, no NaN, no sentinel."""
    assert _of(rich_snapshot(), "gpuwatch_gpu_power_watts", uuid=uuid_of(5)) == []


def test_gaps_are_counted_by_reason() -> None:
    """The reasons that there are partition the gaps; one that does not occur has no series."""
    counted = {
        sample.labels["reason"]: sample.value
        for sample in _samples(rich_snapshot())
        if sample.name == "gpuwatch_gpu_signal_gap" and sample.labels["uuid"] == uuid_of(5)
    }

    assert counted == {"denied": 2.0, "timed_out": 3.0}


def test_a_text_is_no_sample() -> None:
    """Identity lives on info series; the raw number of a recovery action is never one."""
    names = {sample.name for sample in _samples(rich_snapshot())}

    assert "gpuwatch_gpu_inforom" not in names
    assert all(
        "action" in sample.labels
        for sample in _samples(rich_snapshot())
        if sample.name == "gpuwatch_gpu_recovery_action"
    )


def test_a_recovery_action_is_one_series_per_state() -> None:
    """GPU 3 wants a reset, as raw 1 means under this driver."""
    snapshot = rich_snapshot()

    wanted = _of(snapshot, "gpuwatch_gpu_recovery_action", uuid=uuid_of(3), action="gpu_reset")

    assert wanted == [1.0]
    assert sum(_of(snapshot, "gpuwatch_gpu_recovery_action", uuid=uuid_of(3))) == 1.0


def test_a_stale_gpu_keeps_its_identity_and_loses_its_readings() -> None:
    """Old values that look like the present are worse than none."""
    snapshot = rich_snapshot()

    names = _names_of_gpu(snapshot, 4)

    assert _of(snapshot, "gpuwatch_gpu_present", uuid=uuid_of(4)) == [1.0]
    assert "gpuwatch_gpu_info" in names
    assert names.isdisjoint({latest.signal.name for latest in snapshot.gpus[4].latest})


def test_a_vanished_board_is_absent_and_keeps_its_identity() -> None:
    """Its `present` falls to 0 under the same labels."""
    snapshot = rich_snapshot()

    assert _of(snapshot, "gpuwatch_gpu_present", uuid=uuid_of(6), gpu="6") == [0.0]
    assert _of(snapshot, "gpuwatch_gpu_info", uuid=uuid_of(6), serial="1654223010013") == [1.0]
    assert _of(snapshot, "gpuwatch_gpu_temperature_celsius", uuid=uuid_of(6)) == []


def test_a_vanished_board_leaves_the_others_as_they_were() -> None:
    """Seven GPUs' series are the same whether the eighth is lost or not."""
    snapshot = rich_snapshot()
    whole = replace(snapshot, gpus=(*snapshot.gpus[:6], gpu_state(6), snapshot.gpus[7]))

    others = [
        [
            sample
            for sample in _samples(one)
            if sample.labels.get("uuid", "") not in {"", uuid_of(6)}
        ]
        for one in (snapshot, whole)
    ]

    assert others[0] == others[1]


def test_two_boards_with_one_index_keep_apart() -> None:
    """When indices shift the UUID still tells them apart."""
    gone = replace(gpu_state(3), device=None, present=False, fresh=False, latest=())
    here = gpu_state(4)
    assert here.device is not None
    shifted = replace(here, device=replace(here.device, index=3))

    snapshot = replace(rich_snapshot(), gpus=(gone, shifted))

    assert _of(snapshot, "gpuwatch_gpu_present", gpu="3", uuid=uuid_of(3)) == [0.0]
    assert _of(snapshot, "gpuwatch_gpu_present", gpu="3", uuid=uuid_of(4)) == [1.0]


def test_a_board_without_an_index_has_an_empty_label() -> None:
    """An unknown index is not index 0."""
    state = gpu_state(0)
    lost = replace(
        state, device=None, present=False, latest=(), record=replace(state.record, index=None)
    )

    snapshot = replace(rich_snapshot(), gpus=(lost,))

    assert _of(snapshot, "gpuwatch_gpu_present", gpu="", uuid=uuid_of(0)) == [0.0]


def test_a_board_that_left_has_no_series() -> None:
    """Its `present` ends when it is known to be elsewhere."""
    state = gpu_state(0)
    left = replace(
        state,
        device=None,
        present=False,
        latest=(),
        record=replace(state.record, state=BoardState.LEFT),
    )

    assert _names_of_gpu(replace(rich_snapshot(), gpus=(left,)), 0) == set()


def test_a_board_held_by_another_driver_is_neither_here_nor_missing() -> None:
    """It is told as not managed, so that nobody is paged for a GPU handed to a guest."""
    state = replace(gpu_state(0), managed=False, present=False, device=None, latest=())

    snapshot = replace(rich_snapshot(), gpus=(state,))

    assert _of(snapshot, "gpuwatch_gpu_present") == []
    assert _of(snapshot, "gpuwatch_gpu_verdict") == []
    assert _of(snapshot, "gpuwatch_gpu_managed", uuid=uuid_of(0)) == [0.0]


def test_counters_that_alerts_use_are_there_before_anything_happens() -> None:
    """`increase()` never sees a series that is born at 1; the kernel log is who counts here."""
    snapshot = rich_snapshot()

    counts = _of(snapshot, "gpuwatch_gpu_xid_errors_total", uuid=uuid_of(0), source="kernel_log")

    assert counts == [0.0] * len(ALERTING_XIDS)


def test_without_a_kernel_log_the_binding_counts() -> None:
    """Its counters are then the ones that start at 0."""
    snapshot = replace(rich_snapshot(), sources=rich_snapshot().sources[:1])

    counts = _of(snapshot, "gpuwatch_gpu_xid_errors_total", uuid=uuid_of(0), source="nvml")

    assert counts == [0.0] * len(ALERTING_XIDS)


def test_an_xid_that_no_alert_uses_appears_when_seen() -> None:
    """It is told with who reported it."""
    snapshot = rich_snapshot()

    seen = _of(snapshot, "gpuwatch_gpu_xid_errors_total", uuid=uuid_of(1), xid="31", source="nvml")

    assert seen == [23.0]
    assert _of(snapshot, "gpuwatch_gpu_xid_errors_total", uuid=uuid_of(0), xid="31") == []


def test_alerts_see_the_route_of_a_finding() -> None:
    """A window finding that the settings keep from people is published as info."""
    urgency = [
        sample.labels["urgency"]
        for sample in _samples(rich_snapshot())
        if sample.name == "gpuwatch_host_finding"
    ]

    assert urgency == ["info"]


def test_a_clock_that_does_not_tell_is_no_sample() -> None:
    """Unknown is neither synchronised nor not."""
    snapshot = replace(rich_snapshot(), clock_synchronized=None)

    assert _of(snapshot, "gpuwatch_clock_synchronized") == []


def test_history_that_cannot_write_says_why() -> None:
    """Each known reason is there at 0 or 1."""
    snapshot = rich_snapshot()

    assert _of(snapshot, "gpuwatch_history_degraded", reason="disk-full") == [1.0]
    assert _of(snapshot, "gpuwatch_history_degraded", reason="read-only") == [0.0]


def test_a_hostile_name_stays_within_its_label() -> None:
    """Quotes, newlines and backslashes of a board's name are escaped and read back whole."""
    snapshot = rich_snapshot()

    names = [
        sample.labels["name"]
        for sample in _samples(snapshot)
        if sample.name == "gpuwatch_gpu_info" and sample.labels["uuid"] == uuid_of(7)
    ]

    assert names == [snapshot.gpus[7].record.board.name]


@pytest.mark.parametrize(
    "name", ["gpuwatch_gpu_power_watts", "gpuwatch_gpu_xid_errors_total", "gpuwatch_build_info"]
)
def test_a_filter_by_name_leaves_that_family_only(name: str) -> None:
    """`name[]` names a series, as Prometheus knows it."""
    rendered = MetricsRenderer(VOCABULARY).text(rich_snapshot(), frozenset({name})).decode()

    names = {sample.name for family in parse_text(rendered) for sample in family.samples}

    assert names == {name}


def test_a_histogram_is_cumulative_and_ends_at_infinity() -> None:
    """As Prometheus wants it, straight from the source's durations."""
    snapshot = rich_snapshot()

    infinite = _of(
        snapshot, "gpuwatch_source_poll_duration_seconds_bucket", source="nvml", le="+Inf"
    )
    total = _of(snapshot, "gpuwatch_source_poll_duration_seconds_sum", source="nvml")

    assert infinite == [51_425.0]
    assert total == [9_201.125]


def test_a_fresh_reading_is_published_in_its_base_unit() -> None:
    """1,700 MHz are 1.7e9 Hz, 90 % is 0.9, 311,200 mW are 311.2 W."""
    gpu = replace(gpu_state(0), latest=latest_of(0, {}, count(5)))
    snapshot = replace(rich_snapshot(), gpus=(gpu,))

    assert _of(snapshot, "gpuwatch_gpu_sm_clock_hertz") == [1.7e9]
    assert _of(snapshot, "gpuwatch_gpu_utilization_ratio") == [0.9]
    assert _of(snapshot, "gpuwatch_gpu_power_watts") == [311.2]


def test_backups_of_which_nothing_is_known_have_not_succeeded_and_not_failed() -> None:
    """Until the folder has been looked at only that they are on is told; else that they are off."""
    unknown = replace(rich_snapshot(), backups=BackupState())
    off = replace(rich_snapshot(), backups=None)

    assert _of(unknown, "gpuwatch_backup_enabled") == [1.0]
    assert _of(unknown, "gpuwatch_backup_failed") == []
    assert _of(unknown, "gpuwatch_backup_last_success_timestamp_seconds") == []
    assert _of(off, "gpuwatch_backup_enabled") == [0.0]
    assert _of(off, "gpuwatch_backup_failed") == []
