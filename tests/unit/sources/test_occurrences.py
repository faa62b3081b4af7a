"""Occurrences: the kernel log alone counts, and NVML fills in what it lacks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.sources.occurrences import Deduplicator

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
        for passed in dedup.admit(
            each, monotonic=each.boottime or 0.0, kernel_log_readable=readable
        )
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


def test_what_an_earlier_boot_left_counts() -> None:
    """It has no time of this boot, and confirms nothing in it."""
    left = event(LOG, None)

    assert admit(Deduplicator(), left) == [left]


REPORTS = st.lists(
    st.tuples(
        st.floats(0.0, 20_000.0, allow_nan=False),
        st.sampled_from([31, 48]),
        st.sampled_from(["0000:01:00.0", "0000:02:00.0"]),
    ),
    max_size=60,
    unique=True,
).map(sorted)


@given(REPORTS)
def test_every_nvml_report_with_a_line_is_silent(reports: list[tuple[float, int, str]]) -> None:
    """With a readable log, NVML adds nothing to what the log tells."""
    dedup = Deduplicator()
    pairs = [
        each
        for at, code, pci in reports
        for each in (event(NVML, at, code=code, pci=pci), event(LOG, at, code=code, pci=pci))
    ]

    passed = admit(dedup, *pairs) + list(dedup.settle(1e6))

    assert {each.source for each in passed} <= {LOG}
    assert len(passed) == len(reports)


@given(REPORTS)
def test_every_nvml_report_counts_once_where_the_log_is_silent(
    reports: list[tuple[float, int, str]],
) -> None:
    """Sooner or later, and never twice."""
    dedup = Deduplicator()

    passed = admit(dedup, *(event(NVML, at, code=code, pci=pci) for at, code, pci in reports))
    passed += dedup.settle(1e6)

    assert len({each.identity for each in passed}) == len(passed) == len(reports)
