"""What is to come: windows outside of blackouts, from cron lines, single dates and calendars."""

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.windows import Blackout, Blocked, CalendarState, Window
from gpuwatch.policy.agenda import AHEAD, Agenda, Freeze
from gpuwatch.policy.schedule import HORIZON, Schedule

EXAMPLES = 1_000 if os.environ.get("GPUWATCH_SOAK") else 40
BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
SUNDAYS = Schedule("sunday", "0 2 * * sun", 4 * HOUR, UTC_ZONE)
CRONS = st.sampled_from(
    ["0 2 * * sun", "0 2 * * *", "30 1 1 * *", "0 */6 * * *", "0 9 * * mon-fri"]
)
SCHEDULES = st.builds(
    Schedule,
    st.just("any"),
    CRONS,
    st.integers(1, 30).map(lambda hours: hours * HOUR),
    st.sampled_from([BERLIN, UTC_ZONE]),
)
SPANS = st.tuples(st.integers(-100, 2_000), st.integers(1, 3_000))


def _blackout(first: int, days: int, name: str = "freeze") -> Blackout:
    return Blackout(NOW + first * DAY, NOW + (first + days) * DAY, name, "year end")


def _days(windows: tuple[Window, ...]) -> list[tuple[int, int]]:
    return [(window.start.month, window.start.day) for window in windows]


def test_windows_of_every_source_come_in_time_order() -> None:
    """A cron line, a single date and a calendar file are one list."""
    once = Window(NOW + DAY, NOW + DAY + HOUR, "move")
    told = Window(NOW + 2 * DAY, NOW + 2 * DAY + HOUR, "change 7", "calendar ops")
    calendar = CalendarState(name="ops", path="/c.ics", read_at=1.0, windows=(told,))

    outlook = Agenda(schedules=(SUNDAYS,), windows=(once,)).outlook(NOW, (calendar,))

    assert outlook.windows[:2] == (once, told)
    assert _days(outlook.windows[2:5]) == [(3, 8), (3, 15), (3, 22)]
    assert len(outlook.windows) == 2 + AHEAD
    assert outlook.calendars == (calendar,)


def test_an_open_window_is_listed_once() -> None:
    """Also at the very instant at which it opens."""
    opens = datetime(2026, 3, 8, 2, tzinfo=UTC)
    agenda = Agenda(schedules=(SUNDAYS,))

    for now in (opens, opens + HOUR):
        assert _days(agenda.outlook(now).windows)[:2] == [(3, 8), (3, 15)]


def test_a_single_window_is_gone_when_it_is_over_and_unknown_while_it_is_far() -> None:
    """No plan looks further ahead than the horizon."""
    past = Window(NOW - 2 * HOUR, NOW, "past")
    far = Window(NOW + HORIZON + DAY, NOW + HORIZON + 2 * DAY, "far")

    assert Agenda(windows=(past, far)).outlook(NOW).windows == ()


def test_of_two_windows_with_one_name_and_start_the_longer_counts() -> None:
    """Two calendars tell of the same work."""
    short = Window(NOW + DAY, NOW + DAY + HOUR, "move")
    long = Window(NOW + DAY, NOW + DAY + 2 * HOUR, "move", "calendar ops")

    assert Agenda(windows=(long, short)).outlook(NOW).windows == (long,)


def test_a_window_that_a_blackout_touches_cannot_be_used() -> None:
    """It is listed apart, with the blackout; the ones after it fill the list."""
    freeze = Blackout(NOW + 5 * DAY, datetime(2026, 3, 8, 3, tzinfo=UTC), "freeze")

    outlook = Agenda(schedules=(SUNDAYS,), blackouts=(freeze,)).outlook(NOW)

    first = Window(
        datetime(2026, 3, 8, 2, tzinfo=UTC), datetime(2026, 3, 8, 6, tzinfo=UTC), "sunday"
    )
    assert outlook.blocked == (Blocked(first, freeze),)
    assert _days(outlook.windows)[0] == (3, 15)
    assert len(outlook.windows) == AHEAD
    assert outlook.blackouts == (freeze,)


def test_a_blackout_that_only_touches_a_window_leaves_it() -> None:
    """Both are half open."""
    freeze = Blackout(NOW, datetime(2026, 3, 8, 2, tzinfo=UTC), "freeze")

    assert Agenda(schedules=(SUNDAYS,), blackouts=(freeze,)).outlook(NOW).blocked == ()


def test_an_open_window_that_a_blackout_touches_is_blocked() -> None:
    """Nobody begins a swap that a freeze would interrupt."""
    during = datetime(2026, 3, 8, 3, tzinfo=UTC)
    freeze = Blackout(during + HOUR, during + DAY, "freeze")

    outlook = Agenda(schedules=(SUNDAYS,), blackouts=(freeze,)).outlook(during)

    assert [one.blackout for one in outlook.blocked] == [freeze]
    assert _days(outlook.windows)[0] == (3, 15)


def test_a_long_freeze_is_passed_over() -> None:
    """More windows are blocked than are listed: the first ones are, and planning goes on after."""
    nightly = Schedule("nightly", "0 2 * * *", HOUR, UTC_ZONE)
    freeze = _blackout(1, 300)

    outlook = Agenda(schedules=(nightly,), blackouts=(freeze,)).outlook(NOW)

    assert len(outlook.blocked) == AHEAD
    assert outlook.windows[1].start >= freeze.end
    assert len(outlook.windows) == AHEAD


def test_a_regular_blackout_blocks_what_it_overlaps() -> None:
    """The first Sunday of each month is for closing the books, from before the window on."""
    closing = Freeze(Schedule("books", "0 22 * * sat#1", 12 * HOUR, UTC_ZONE), "closing")

    outlook = Agenda(schedules=(SUNDAYS,), freezes=(closing,)).outlook(NOW)

    assert _days(outlook.windows)[:4] == [(3, 15), (3, 22), (3, 29), (4, 12)]
    assert _days(tuple(one.window for one in outlook.blocked)) == [(3, 8), (4, 5), (5, 3)]
    assert {one.reason for one in outlook.blackouts} == {"closing"}


def test_a_regular_blackout_that_begins_within_a_window_blocks_it() -> None:
    """It need not hold when the window opens."""
    inside = Freeze(Schedule("backup", "0 4 * * sun", HOUR, UTC_ZONE))

    outlook = Agenda(schedules=(SUNDAYS,), freezes=(inside,)).outlook(NOW)

    assert outlook.windows == ()
    assert len(outlook.blocked) == AHEAD


def test_a_blackout_that_holds_is_listed_with_those_to_come() -> None:
    """People see what holds now, and what has passed no more."""
    weekdays = Freeze(Schedule("office", "0 8 * * mon-fri", 10 * HOUR, UTC_ZONE))
    past = _blackout(-5, 1)

    blackouts = Agenda(freezes=(weekdays,), blackouts=(past,)).outlook(NOW).blackouts

    assert blackouts[0].covers(NOW)
    assert len(blackouts) == 1 + AHEAD


def test_a_calendar_tells_blackouts_too() -> None:
    """They block the windows of every source."""
    told = Blackout(NOW, NOW + 14 * DAY, "freeze", "", "calendar ops")
    calendar = CalendarState(name="ops", path="/c.ics", read_at=1.0, blackouts=(told,))
    agenda = Agenda(schedules=(SUNDAYS,))

    outlook = agenda.outlook(NOW, (calendar,))

    assert _days(outlook.windows)[0] == (3, 22)
    assert agenda.freeze_at(NOW + DAY, (calendar,)) == told


def test_the_freeze_at_an_instant_is_the_one_that_ends_last() -> None:
    """Of single and regular ones; outside of all there is none."""
    short, long = _blackout(0, 2, "short"), _blackout(0, 3, "long")
    weekdays = Freeze(Schedule("office", "0 8 * * mon-fri", 10 * HOUR, UTC_ZONE))
    agenda = Agenda(blackouts=(long, short), freezes=(weekdays,))

    assert agenda.freeze_at(NOW + DAY) == long
    assert agenda.freeze_at(NOW + 3 * DAY) == weekdays.at(NOW + 3 * DAY)
    assert agenda.freeze_at(NOW + 3 * DAY + 10 * HOUR) is None


def test_a_schedule_that_is_blocked_for_ever_ends_the_search() -> None:
    """Windows every few minutes under a blackout of every few minutes."""
    often = Schedule("often", "*/5 * * * *", timedelta(minutes=5), UTC_ZONE)
    always = Freeze(Schedule("always", "*/5 * * * *", timedelta(minutes=5), UTC_ZONE))

    outlook = Agenda(schedules=(often,), freezes=(always,)).outlook(NOW)

    assert outlook.windows == ()


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    schedules=st.lists(SCHEDULES, max_size=2),
    freezes=st.lists(SCHEDULES, max_size=1),
    spans=st.lists(SPANS, max_size=3),
)
def test_no_window_that_can_be_used_meets_a_blackout(
    schedules: list[Schedule], freezes: list[Schedule], spans: list[tuple[int, int]]
) -> None:
    """At any of its instants; every blocked one does, and all come in time order."""
    single = tuple(
        Blackout(NOW + first * HOUR, NOW + (first + hours) * HOUR, "freeze")
        for first, hours in spans
    )
    agenda = Agenda(
        schedules=tuple(schedules),
        freezes=tuple(Freeze(freeze) for freeze in freezes),
        blackouts=single,
    )

    outlook = agenda.outlook(NOW)

    assert all(earlier <= later for earlier, later in pairwise(outlook.windows))
    assert all(window.end > NOW for window in outlook.windows)
    for window in outlook.windows:
        quarters = [window.start + part * timedelta(minutes=15) for part in range(120)]
        inside = [instant for instant in quarters if window.is_open(instant)]
        assert not any(agenda.freeze_at(instant) for instant in inside)
    assert all(one.window.overlaps(one.blackout) for one in outlook.blocked)
