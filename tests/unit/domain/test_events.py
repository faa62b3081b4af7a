"""An event is dated exactly, or by the interval in which it must have happened."""

import pytest

from gpuwatch.domain.events import Event, EventKind, EventSource


def _event(not_before: float | None = None, not_after: float | None = None) -> Event:
    return Event(
        kind=EventKind.XID,
        at=50.0,
        source=EventSource.KERNEL_LOG,
        identity="boot/0000:01:00.0/48/",
        boot_id="boot",
        not_before=not_before,
        not_after=not_after,
    )


def test_an_exact_event_happened_at_its_instant() -> None:
    """Earliest and latest are the instant itself."""
    assert (_event().earliest, _event().latest) == (50.0, 50.0)


def test_an_event_seen_between_two_looks_happened_in_between() -> None:
    """Earliest and latest are the last good look and the first that saw it."""
    event = _event(not_before=40.0, not_after=60.0)

    assert (event.earliest, event.latest) == (40.0, 60.0)


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        (EventKind.FELL_OFF_BUS, None, True),
        (EventKind.XID, 79, True),
        (EventKind.XID, 48, False),
        (EventKind.SXID, 79, False),
    ],
)
def test_a_fall_off_the_bus_is_told_by_a_line_or_an_xid(
    kind: EventKind, code: int | None, *, expected: bool
) -> None:
    """A switch's error with the same number is none."""
    event = Event(
        kind=kind, at=1.0, source=EventSource.KERNEL_LOG, identity="x", boot_id="b", code=code
    )

    assert event.is_off_bus is expected
