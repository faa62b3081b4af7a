"""Occurrences: the kernel log alone counts, NVML fills in, floods are limited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.sources.occurrences import FLOOD_SECONDS, Deduplicator

LOG, NVML = EventSource.KERNEL_LOG, EventSource.NVML


def event(
    source: EventSource,
    boottime: float | None,
    *,
    code: int = 94,
    pci: str = "0000:01:00.0",
    name: str = "",
) -> Event:
    """An Xid as a source reports it."""
    return Event(
        kind=EventKind.XID,
        at=1_000.0 + (boottime or 0.0),
        source=source,
        identity=f"{source}/{pci}/{code}/{boottime}/{name}",
        boot_id="b",
        pci_address=pci,
        code=code,
        boottime=boottime,
    )


def admit(dedup: Deduplicator, *events: Event, readable: bool = True) -> list[Event]:
    """What passes at once when each event is reported as it happens."""
    return [
        passed
        for each in events
        for passed in dedup.admit(each, boottime=each.boottime or 0.0, kernel_log_readable=readable)
    ]


def test_the_same_report_counts_once() -> None:
    """A record read again after a restart of the reader has the same identity."""
    first = event(LOG, 5.0)

    assert admit(Deduplicator(), first, first) == [first]


def test_nvml_after_its_line_is_silent() -> None:
    """The usual order: the driver prints, then raises the event."""
    dedup, line = Deduplicator(), event(LOG, 5.0)

    assert admit(dedup, line, event(NVML, 5.2)) == [line]
    assert dedup.settle(60.0) == ()


def test_nvml_before_its_line_is_silent_too() -> None:
    """The event may win the race to the agent."""
    dedup, line = Deduplicator(), event(LOG, 5.2)

    assert admit(dedup, event(NVML, 5.0), line) == [line]
    assert dedup.settle(60.0) == ()


def test_nvml_without_a_line_counts_after_ten_seconds() -> None:
    """Not before, and as NVML's."""
    dedup, alone = Deduplicator(), event(NVML, 5.0)

    assert admit(dedup, alone) == []
    assert dedup.settle(15.0) == ()
    assert dedup.settle(15.1) == (alone,)
    assert dedup.settle(99.0) == ()


@pytest.mark.parametrize(
    "line", [event(LOG, 5.0, code=95), event(LOG, 5.0, pci="0000:02:00.0"), event(LOG, 16.0)]
)
def test_a_line_of_another_matter_confirms_nothing(line: Event) -> None:
    """Another code, another board, or too late."""
    dedup, alone = Deduplicator(), event(NVML, 5.0)

    assert admit(dedup, alone, line) == [line]
    assert dedup.settle(20.0) == (alone,)


def test_without_a_readable_log_nvml_counts_at_once() -> None:
    """Nobody else will report it."""
    alone = event(NVML, 5.0)

    assert admit(Deduplicator(), alone, readable=False) == [alone]


def test_a_double_bit_event_waits_for_no_line() -> None:
    """It has no line of its own in the kernel log."""
    double = Event(
        kind=EventKind.DOUBLE_BIT_ERROR,
        at=1.0,
        source=NVML,
        identity="d",
        boot_id="b",
        pci_address="0000:01:00.0",
        boottime=1.0,
    )

    assert admit(Deduplicator(), double) == [double]


def test_a_flood_passes_its_first_then_a_count_an_hour() -> None:
    """The count carries the span and the last text."""
    dedup = Deduplicator(allowance=2)
    flood = [event(LOG, float(second)) for second in range(5)]

    passed = admit(dedup, *flood)
    (summary,) = dedup.settle(FLOOD_SECONDS)

    assert passed == flood[:2]
    assert (summary.count, summary.at) == (3, flood[4].at)
    assert (summary.earliest, summary.latest) == (flood[2].at, flood[4].at)


def test_a_single_event_held_back_comes_out_as_it_was() -> None:
    """There is nothing to sum up."""
    dedup = Deduplicator(allowance=1)
    flood = [event(LOG, 1.0), event(LOG, 2.0)]

    admit(dedup, *flood)

    assert dedup.settle(FLOOD_SECONDS + 1.0) == (flood[1],)


def test_a_flood_of_one_code_leaves_others_alone() -> None:
    """Xid 31 by the thousand must not hide an Xid 48."""
    dedup = Deduplicator(allowance=1)
    other = event(LOG, 3.0, code=48)

    assert other in admit(dedup, event(LOG, 1.0), event(LOG, 2.0), other)


def test_what_an_earlier_boot_left_is_not_limited() -> None:
    """It has no place in an hour of this boot."""
    dedup = Deduplicator(allowance=1)
    left = [event(LOG, None, name=str(number)) for number in range(3)]

    assert admit(dedup, *left) == left


def test_an_allowance_of_none_is_refused() -> None:
    """The first event of a flood always passes."""
    with pytest.raises(ValueError, match="always passes"):
        Deduplicator(allowance=0)


REPORTS = st.lists(
    st.tuples(
        st.floats(0.0, 20_000.0, allow_nan=False),
        st.sampled_from([31, 48]),
        st.sampled_from(["0000:01:00.0", "0000:02:00.0"]),
    ),
    max_size=60,
    unique=True,
).map(sorted)


@given(REPORTS, st.integers(1, 5))
def test_counts_of_the_log_are_kept_whole(
    reports: list[tuple[float, int, str]], allowance: int
) -> None:
    """However events are limited, their counts add up to what was reported."""
    dedup = Deduplicator(allowance)

    passed = admit(dedup, *(event(LOG, at, code=code, pci=pci) for at, code, pci in reports))
    passed += dedup.settle(1e6)

    assert sum(each.count for each in passed) == len(reports)


@given(REPORTS)
def test_every_nvml_report_with_a_line_is_silent(reports: list[tuple[float, int, str]]) -> None:
    """With a readable log, NVML adds nothing to what the log tells."""
    dedup = Deduplicator(allowance=1_000)
    pairs = [
        each
        for at, code, pci in reports
        for each in (event(NVML, at, code=code, pci=pci), event(LOG, at, code=code, pci=pci))
    ]

    passed = admit(dedup, *pairs) + list(dedup.settle(1e6))

    assert {each.source for each in passed} <= {LOG}
    assert len(passed) == len(reports)
