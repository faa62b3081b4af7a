"""Cron lines become windows: wall-time starts, elapsed durations, in every zone."""

import os
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.windows import Window, wall_time
from gpuwatch.policy.schedule import HORIZON, Schedule

EXAMPLES = 2_000 if os.environ.get("GPUWATCH_SOAK") else 60
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    BERLIN,
    ZoneInfo("UTC"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("Africa/Casablanca"),
]
HOUR = timedelta(hours=1)
ANY_ZONE = st.sampled_from(ZONES)
INSTANTS = st.datetimes(
    datetime(2010, 1, 1),  # noqa: DTZ001 - made aware below
    datetime(2036, 1, 1),  # noqa: DTZ001 - made aware below
).map(lambda at: at.replace(tzinfo=UTC))
FIXED_TIMES = st.builds(
    "{} {} {} {} {}".format,
    st.integers(0, 59),
    st.integers(0, 4),
    st.sampled_from(["*", "*/2", "1,15", "L", "25-31"]),
    st.sampled_from(["*", "3,10", "MAR-APR", "*/2"]),
    st.sampled_from(["*", "0", "7", "SUN", "6-7", "SUN#1", "5L", "*/3"]),
)
ANY_TIMES = st.one_of(
    FIXED_TIMES,
    st.sampled_from(["*/15 * * * *", "30 */2 * * *", "0,20,40 1-3 * * 0", "45 2 29 2 *"]),
)


def _schedule(cron: str, hours: float = 4.0, zone: ZoneInfo = BERLIN) -> Schedule:
    return Schedule("sunday", cron, timedelta(hours=hours), zone)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _refusal(cron: str) -> str:
    try:
        _schedule(cron)
    except ValueError as error:
        return str(error)
    return ""


def _starts(schedule: Schedule, after: str, count: int) -> list[datetime]:
    return [window.start for window in schedule.upcoming(_utc(after), count)]


def test_a_weekly_window_starts_at_its_wall_time() -> None:
    """Sundays at 02:00 in Berlin, four hours each."""
    windows = _schedule("0 2 * * SUN").upcoming(_utc("2026-02-01T12:00"), 2)

    assert windows == (
        Window(_utc("2026-02-08T01:00"), _utc("2026-02-08T05:00"), "sunday"),
        Window(_utc("2026-02-15T01:00"), _utc("2026-02-15T05:00"), "sunday"),
    )


def test_zero_and_seven_are_sunday() -> None:
    """As in Vixie cron."""
    expected = _starts(_schedule("0 2 * * SUN"), "2026-01-01T00:00", 60)

    assert _starts(_schedule("0 2 * * 0"), "2026-01-01T00:00", 60) == expected
    assert _starts(_schedule("0 2 * * 7"), "2026-01-01T00:00", 60) == expected
    assert {wall_time(start, BERLIN).weekday() for start in expected} == {6}


def test_either_of_two_restricted_days_is_enough() -> None:
    """The 13th or a Friday, not only Friday the 13th."""
    starts = _starts(_schedule("0 2 13 * 5"), "2026-03-01T00:00", 5)

    assert [wall_time(start, BERLIN).day for start in starts] == [6, 13, 20, 27, 3]


def test_a_day_field_that_starts_with_a_star_restricts_together_with_the_other() -> None:
    """Every odd day that is a Friday: Vixie cron asks for both when one starts with a star."""
    starts = _starts(_schedule("0 2 */2 * 5"), "2026-03-01T00:00", 3)

    assert [wall_time(start, BERLIN).day for start in starts] == [13, 27, 3]


def test_a_start_that_the_clocks_skip_is_the_first_instant_after() -> None:
    """02:30 does not exist in Berlin on 29 March 2026: the window starts at 03:00 summer time."""
    assert _starts(_schedule("30 2 * * *"), "2026-03-29T00:00", 1) == [_utc("2026-03-29T01:00")]


def test_a_start_that_occurs_twice_is_the_first() -> None:
    """02:30 occurs twice in Berlin on 25 October 2026."""
    starts = _starts(_schedule("30 2 * * *"), "2026-10-24T23:00", 2)

    assert starts == [_utc("2026-10-25T00:30"), _utc("2026-10-26T01:30")]


def test_the_second_occurrence_of_a_start_opens_nothing() -> None:
    """After the first 02:30 of 25 October the next window is tomorrow's."""
    starts = _starts(_schedule("30 2 * * *"), "2026-10-25T00:31", 1)

    assert starts == [_utc("2026-10-26T01:30")]


def test_a_duration_is_elapsed_time() -> None:
    """Four hours from 01:00 over the skipped hour end at 06:00 on the wall."""
    (window,) = _schedule("0 1 * * *").upcoming(_utc("2026-03-28T12:00"), 1)

    assert window.end - window.start == 4 * HOUR
    assert wall_time(window.end, BERLIN).hour == 6


def test_starts_that_a_gap_unites_are_one_window() -> None:
    """02:00, 02:20 and 02:40 do not exist on 29 March: one window opens at the end of the gap."""
    starts = _starts(_schedule("0,20,40 2 * * *"), "2026-03-29T00:30", 2)

    assert starts == [_utc("2026-03-29T01:00"), _utc("2026-03-30T00:00")]


def test_a_window_that_opens_now_is_upcoming() -> None:
    """At or after: the planner's notice ends exactly at a start, also at the end of a gap."""
    ordinary = _starts(_schedule("0 2 * * *"), "2026-02-08T01:00", 1)
    after_gap = _starts(_schedule("30 2 * * *"), "2026-03-29T01:00", 1)

    assert ordinary == [_utc("2026-02-08T01:00")]
    assert after_gap == [_utc("2026-03-29T01:00")]


def test_overlapping_windows_are_all_upcoming() -> None:
    """Daily windows of thirty hours overlap; each is listed with its own end."""
    windows = _schedule("0 2 * * *", hours=30).upcoming(_utc("2026-02-01T12:00"), 3)

    assert [earlier.overlaps(later) for earlier, later in pairwise(windows)] == [True, True]


def test_of_overlapping_windows_the_one_that_ends_last_is_open() -> None:
    """Work may go on until then."""
    now = _utc("2026-02-03T02:00")

    window = _schedule("0 2 * * *", hours=30).window_at(now)

    assert window is not None
    assert window.end == _utc("2026-02-04T07:00")


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-02-08T00:59:59", False),
        ("2026-02-08T01:00:00", True),
        ("2026-02-08T04:59:59.999999", True),
        ("2026-02-08T05:00:00", False),
    ],
)
def test_a_window_is_open_from_start_to_before_end(now: str, is_open: bool) -> None:
    """To the microsecond."""
    assert (_schedule("0 2 * * SUN").window_at(_utc(now)) is not None) is is_open


def test_a_window_stays_open_through_the_repeated_hour() -> None:
    """Opened at the first 02:30, it is still open when the clocks show 02:10 again."""
    window = _schedule("30 2 * * *", hours=1).window_at(_utc("2026-10-25T01:10"))

    assert window is not None
    assert window.start == _utc("2026-10-25T00:30")


def test_upcoming_windows_lie_within_the_horizon() -> None:
    """The next leap day is years away: no plan, and no endless search."""
    schedule = _schedule("0 2 29 2 *")

    assert schedule.upcoming(_utc("2026-01-01T00:00"), 3) == ()
    assert schedule.upcoming(_utc("2027-12-01T00:00"), 3) == (
        Window(_utc("2028-02-29T01:00"), _utc("2028-02-29T05:00"), "sunday"),
    )


def test_a_schedule_that_fired_long_ago_is_closed() -> None:
    """The last leap day's window is over."""
    assert _schedule("0 2 29 2 *").window_at(_utc("2026-01-01T00:00")) is None


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("0 0 31 2 *", r"window sunday: cron '0 0 31 2 \*': Bad day-of-month .*see man 5 crontab"),
        ("0 0 30 4,6 SAT#9", "Bad day-of-week"),
        ("61 2 * * 0", "Bad minute"),
        ("0 2 * * FRI-SUN", "Bad day-of-week"),
        ("0 2 * *", "has 4 fields, not 5: minute hour day-of-month month day-of-week"),
        ("0 0 2 * * SUN", "has 6 fields, not 5"),
        ("@daily", "has 1 fields, not 5"),
        ("0 0 */29 2 1#5", r"cron '0 0 \*/29 2 1#5' never fires"),
    ],
)
def test_a_bad_cron_line_is_refused(cron: str, says: str) -> None:
    """The message names the window, the line, what is wrong and the way out."""
    with pytest.raises(ValueError, match=says):
        _schedule(cron)


@pytest.mark.parametrize("hours", [0.0, -1.0])
def test_a_window_of_no_length_is_refused(hours: float) -> None:
    """Zero and negative durations open nothing."""
    with pytest.raises(ValueError, match=r'window sunday: duration .* is none \(say "4h"\)'):
        _schedule("0 2 * * SUN", hours)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    fields=st.lists(
        st.text("0123456789*/,-#LWSUN ", min_size=1, max_size=5), min_size=5, max_size=5
    )
)
def test_no_text_does_worse_than_be_refused(fields: list[str]) -> None:
    """Whatever stands in the settings, it is a schedule or a ValueError."""
    refusal = _refusal(" ".join(fields))

    assert not refusal or refusal.startswith("window sunday: cron")


def test_instants_without_a_time_zone_are_refused() -> None:
    """A naive instant is nobody's."""
    schedule = _schedule("0 2 * * SUN")
    naive = datetime.fromisoformat("2026-02-01T12:00")

    with pytest.raises(ValueError, match="2026-02-01T12:00:00: an instant needs a time zone"):
        schedule.upcoming(naive, 1)
    with pytest.raises(ValueError, match="2026-02-01T12:00:00: an instant needs a time zone"):
        schedule.window_at(naive)


@settings(max_examples=EXAMPLES, deadline=None)
@given(cron=FIXED_TIMES, zone=ANY_ZONE, after=INSTANTS)
def test_fixed_times_agree_with_the_parser_in_every_zone(
    cron: str, zone: ZoneInfo, after: datetime
) -> None:
    """The parser's own handling of clock changes (Debian cron's) gives the same starts.

    A day earlier is asked of it, since it does not repeat a start that a gap moves.
    """
    parsed = (at.astimezone(UTC) for at in CronSim(cron, (after - 26 * HOUR).astimezone(zone)))
    expected = list(islice((at for at in parsed if at >= after), 4))

    windows = _schedule(cron, zone=zone).upcoming(after, 4)

    assert [window.start for window in windows] == [at for at in expected if at <= after + HORIZON]


@settings(max_examples=EXAMPLES, deadline=None)
@given(cron=ANY_TIMES, zone=ANY_ZONE, after=INSTANTS)
def test_starts_rise_and_show_a_time_of_the_line(
    cron: str, zone: ZoneInfo, after: datetime
) -> None:
    """Strictly rising, at or after the instant asked for, each of the promised length."""
    windows = _schedule(cron, zone=zone).upcoming(after, 5)

    starts = [window.start for window in windows]
    assert all(earlier < later for earlier, later in pairwise(starts))
    assert all(after <= start <= after + HORIZON for start in starts)
    assert {window.end - window.start for window in windows} <= {4 * HOUR}


@settings(max_examples=EXAMPLES, deadline=None)
@given(cron=ANY_TIMES, zone=ANY_ZONE, after=INSTANTS, part=st.floats(0.0, 1.5))
def test_a_window_that_was_upcoming_is_open_in_its_time(
    cron: str, zone: ZoneInfo, after: datetime, part: float
) -> None:
    """What was promised is kept: the two questions agree at every instant."""
    schedule = _schedule(cron, zone=zone)
    promised = schedule.upcoming(after, 1)
    now = promised[0].start + part * schedule.duration if promised else after
    begun = schedule.upcoming(now - schedule.duration, 40)
    expected = [window for window in begun if window.is_open(now)]

    found = schedule.window_at(now)

    assert found == (expected[-1] if expected else None)
