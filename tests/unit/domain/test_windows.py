"""Windows are half-open intervals; wall time becomes one instant, also when clocks change."""

import os
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.windows import Blackout, CalendarState, Outlook, Window, resolve, wall_time

EXAMPLES = 4_000 if os.environ.get("GPUWATCH_SOAK") else 100
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Pacific/Apia",
    )
]
WALL = st.datetimes(datetime(2008, 1, 1), datetime(2037, 1, 1))  # noqa: DTZ001 - wall time
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _window(start_hour: float, end_hour: float) -> Window:
    return Window(NOON + timedelta(hours=start_hour), NOON + timedelta(hours=end_hour), "sunday")


def _wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_window_is_open_from_its_start_until_before_its_end() -> None:
    """Half open: at its end it is closed."""
    window = _window(0, 4)

    assert [window.is_open(NOON + timedelta(hours=hour)) for hour in (-1, 0, 3, 4)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("other", "expected"), [((1, 2), True), ((3, 9), True), ((4, 9), False), ((-2, 0), False)]
)
def test_windows_overlap_when_an_instant_lies_in_both(
    other: tuple[float, float], expected: bool
) -> None:
    """Windows that only touch do not."""
    assert _window(0, 4).overlaps(_window(*other)) is expected
    assert _window(*other).overlaps(_window(0, 4)) is expected


def test_a_blackout_covers_its_start_and_not_its_end() -> None:
    """Half open, as a window is; one that ends before it starts is unbuildable."""
    blackout = Blackout(NOON, NOON + timedelta(hours=4), "freeze")

    covered = [blackout.covers(NOON + timedelta(hours=hour)) for hour in (-1, 0, 3, 4)]

    assert covered == [False, True, True, False]
    with pytest.raises(ValueError, match="blackout freeze: ends before it starts"):
        Blackout(NOON, NOON, "freeze")


def test_an_outlook_is_settled_once_every_calendar_was_read() -> None:
    """An unread calendar may tell of a blackout."""
    unread = CalendarState(name="ops", path="/ops.ics", problem="does not exist")
    read = CalendarState(name="dc", path="/dc.ics", read_at=1.0)

    assert [Outlook(calendars=some).settled for some in ((), (read,), (read, unread))] == [
        True,
        True,
        False,
    ]


def test_a_window_without_a_time_zone_is_unbuildable() -> None:
    """A naive start or end is not an instant."""
    with pytest.raises(ValueError, match="window sunday: start and end need a time zone"):
        Window(NOON.replace(tzinfo=None), NOON, "sunday")


def test_a_window_that_ends_before_it_starts_is_unbuildable() -> None:
    """An empty window opens never."""
    with pytest.raises(ValueError, match="window sunday: ends before it starts"):
        _window(1, 1)


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("UTC", "2026-03-29T02:30", "2026-03-29T02:30"),
        ("Europe/Berlin", "2026-03-28T02:30", "2026-03-28T01:30"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T02:59:59.999999", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),
    ],
)
def test_wall_time_resolves_to_one_instant(zone: str, local: str, expected: str) -> None:
    """Skipped: the first instant after the gap. Twice: the first. A skipped day is a gap too."""
    assert resolve(_wall(local), ZoneInfo(zone)) == _wall(expected).replace(tzinfo=UTC)


@settings(max_examples=EXAMPLES, deadline=None)
@given(local=WALL, zone=st.sampled_from(ZONES))
def test_resolving_gives_the_first_instant_that_shows_the_time(
    local: datetime, zone: ZoneInfo
) -> None:
    """Wall clocks show it or later then, and not yet a second before."""
    instant = resolve(local, zone)

    assert instant.tzinfo is UTC
    assert wall_time(instant, zone) >= local
    assert wall_time(instant - timedelta(seconds=1), zone) < local


@settings(max_examples=EXAMPLES, deadline=None)
@given(at=st.datetimes(datetime(2008, 1, 1), datetime(2037, 1, 1)), zone=st.sampled_from(ZONES))  # noqa: DTZ001
def test_what_a_wall_clock_shows_resolves_to_then_or_to_the_first_time(
    at: datetime, zone: ZoneInfo
) -> None:
    """Never to a later instant."""
    instant = at.replace(tzinfo=UTC)

    assert resolve(wall_time(instant, zone), zone) <= instant


def test_an_instant_is_no_wall_time() -> None:
    """A time that carries a zone already is one."""
    with pytest.raises(ValueError, match="resolved in a zone, it has none"):
        resolve(NOON, ZoneInfo("Europe/Berlin"))


class _WithoutFold(tzinfo):
    """Berlin's change of 29 March 2026, of which this zone knows no fold."""

    def utcoffset(self, at: datetime | None) -> timedelta:
        summer = at is not None and at.replace(tzinfo=None) >= _wall("2026-03-29T02:00")
        return timedelta(hours=2 if summer else 1)

    def tzname(self, at: datetime | None) -> str:
        return "CEST" if self.dst(at) else "CET"

    def dst(self, at: datetime | None) -> timedelta:
        return self.utcoffset(at) - timedelta(hours=1)

    def fromutc(self, at: datetime) -> datetime:
        summer = at.replace(tzinfo=None) >= _wall("2026-03-29T01:00")
        return at + timedelta(hours=2 if summer else 1)


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2026-03-29T01:30", "2026-03-29T00:30"),
        ("2026-03-29T02:30", "2026-03-29T01:00"),
        ("2026-03-29T03:30", "2026-03-29T01:30"),
    ],
)
def test_a_gap_in_a_zone_that_knows_no_fold_is_passed_too(local: str, instant: str) -> None:
    """Zones that calendar files bring along are of that kind."""
    assert resolve(_wall(local), _WithoutFold()) == _wall(instant).replace(tzinfo=UTC)
