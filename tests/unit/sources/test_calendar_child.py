"""Events of an iCalendar file become windows and blackouts: wall-time starts, elapsed durations."""

import contextlib
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from gpuwatch.domain.windows import resolve
from gpuwatch.sources.calendar_child import OCCURRENCES, RefusedError, _calendar, _expand

EXAMPLES = 1_000 if os.environ.get("GPUWATCH_SOAK") else 40
ASKED: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "windows": ["maintenance"],
    "blackouts": ["freeze", "blackout"],
    "after": datetime(2026, 3, 1, tzinfo=UTC).timestamp(),
    "until": datetime(2027, 4, 5, tzinfo=UTC).timestamp(),
}
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]
# A zone that no database knows, with the clock changes of Berlin.
OWN_ZONE = """BEGIN:VTIMEZONE
TZID:Our own
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""
WALLS = st.datetimes(datetime(2025, 6, 1), datetime(2026, 12, 1)).map(  # noqa: DTZ001 - wall time
    lambda wall: wall.replace(second=0, microsecond=0)
)
RULES = st.sampled_from(
    [
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=SU,WE",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=30",
        "FREQ=MONTHLY;BYDAY=-1SU",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=YEARLY",
    ]
)


ANY_LINES = [
    "DTSTART:20260708T020000Z",
    "DTSTART;VALUE=DATE:20260708",
    "DTSTART;TZID=Mars/Base:20260708T020000",
    "DTSTART:00010101T000000",
    "DTEND:20260708T050000Z",
    "DTEND;VALUE=DATE:20260710",
    "DTEND:99991231T235959Z",
    "DURATION:-PT1H",
    "DURATION:P1W",
    "RRULE:FREQ=DAILY;COUNT=3",
    "RRULE:FREQ=YEARLY;BYMONTH=13",
    "EXDATE:garbage",
    "RDATE:20260709",
    "RECURRENCE-ID:20260708T020000Z",
    "STATUS:?",
    "CATEGORIES:",
    "X-A:b",
]


def _file(*events: str, before: str = "") -> bytes:
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//gpuwatch//test//EN\n"
    return f"{head}{before}{''.join(events)}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def _event(*lines: str, summary: str = "GPU Maintenance", uid: str = "1") -> str:
    body = "".join(f"{line}\n" for line in lines)
    return (
        f"BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nSUMMARY:{summary}\n{body}END:VEVENT\n"
    )


def _read(*events: str, before: str = "", **asked: object) -> dict[str, Any]:
    return _expand(_calendar(_file(*events, before=before)), {**ASKED, **asked})


def _spans(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (f"{_utc(one['start']):%Y-%m-%dT%H:%M}", f"{_utc(one['end']):%Y-%m-%dT%H:%M}")
        for one in told
    ]


def _utc(unix_seconds: float) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)


def _weekly(*lines: str) -> str:
    return _event(
        "DTSTART;TZID=Europe/Berlin:20260301T023000",
        "DTEND;TZID=Europe/Berlin:20260301T063000",
        "RRULE:FREQ=WEEKLY",
        *lines,
    )


def test_a_start_that_the_clocks_skip_is_the_first_instant_after() -> None:
    """02:30 does not exist in Berlin on 29 March 2026; four hours stay four hours."""
    told = _read(_weekly())["windows"]

    assert _spans(told)[3:6] == [
        ("2026-03-22T01:30", "2026-03-22T05:30"),
        ("2026-03-29T01:00", "2026-03-29T05:00"),
        ("2026-04-05T00:30", "2026-04-05T04:30"),
    ]


def test_a_start_that_occurs_twice_is_the_first() -> None:
    """02:30 occurs twice in Berlin on 25 October 2026."""
    told = _read(_weekly())["windows"]

    assert ("2026-10-25T00:30", "2026-10-25T04:30") in _spans(told)


def test_a_zone_of_the_file_itself_is_kept() -> None:
    """Calendars bring their own zones along, under names of their own."""
    event = _event(
        "DTSTART;TZID=Our own:20260327T023000", "DURATION:PT4H", "RRULE:FREQ=DAILY;COUNT=4"
    )

    told = _read(event, before=OWN_ZONE)["windows"]

    assert _spans(told) == [
        ("2026-03-27T01:30", "2026-03-27T05:30"),
        ("2026-03-28T01:30", "2026-03-28T05:30"),
        ("2026-03-29T01:00", "2026-03-29T05:00"),
        ("2026-03-30T00:30", "2026-03-30T04:30"),
    ]


def test_a_zone_of_the_file_itself_means_the_first_of_two_times() -> None:
    """As every other zone does."""
    event = _event("DTSTART;TZID=Our own:20261025T023000", "DURATION:PT4H")

    assert _spans(_read(event, before=OWN_ZONE)["windows"]) == [
        ("2026-10-25T00:30", "2026-10-25T04:30")
    ]


def test_a_duration_is_elapsed_time_over_a_change_of_the_clocks() -> None:
    """By DURATION, and by an end on the wall: the first one's true length is that of all."""
    by_duration = _event("DTSTART;TZID=Europe/Berlin:20260329T010000", "DURATION:PT4H")
    by_end = _event(
        "DTSTART;TZID=Europe/Berlin:20260329T010000",
        "DTEND;TZID=Europe/Berlin:20260329T050000",
        "RRULE:FREQ=DAILY;COUNT=2",
    )

    assert _spans(_read(by_duration)["windows"]) == [("2026-03-29T00:00", "2026-03-29T04:00")]
    assert _spans(_read(by_end)["windows"]) == [
        ("2026-03-29T00:00", "2026-03-29T03:00"),
        ("2026-03-29T23:00", "2026-03-30T02:00"),
    ]


def test_whole_days_last_from_midnight_to_midnight() -> None:
    """In the zone of the settings, as does a time without a zone."""
    days = _event(
        "DTSTART;VALUE=DATE:20261218", "DTEND;VALUE=DATE:20270104", summary="Year-end freeze"
    )
    floating = _event("DTSTART:20260708T020000", "DURATION:PT2H", uid="2")

    told = _read(days, floating)

    assert _spans(told["blackouts"]) == [("2026-12-17T23:00", "2027-01-03T23:00")]
    assert _spans(told["windows"]) == [("2026-07-08T00:00", "2026-07-08T02:00")]


def test_exceptions_and_moved_occurrences_are_kept() -> None:
    """EXDATE takes one away, RECURRENCE-ID moves one, RDATE adds one with an end of its own."""
    series = _weekly(
        "EXDATE;TZID=Europe/Berlin:20260308T023000",
        "RDATE;TZID=Europe/Berlin;VALUE=PERIOD:20260310T100000/PT1H",
    )
    moved = _event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20260315T023000",
        "DTSTART;TZID=Europe/Berlin:20260316T220000",
        "DURATION:PT2H",
    )

    told = _read(series, moved)["windows"]

    assert _spans(told)[:4] == [
        ("2026-03-01T01:30", "2026-03-01T05:30"),
        ("2026-03-10T09:00", "2026-03-10T10:00"),
        ("2026-03-16T21:00", "2026-03-16T23:00"),
        ("2026-03-22T01:30", "2026-03-22T05:30"),
    ]


@pytest.mark.parametrize(
    ("lines", "summary", "kinds"),
    [
        ((), "GPU MAINTENANCE row 7", (1, 0, 0)),
        ((), "Code Freeze", (0, 1, 0)),
        ((), "maintenance during the freeze", (0, 1, 0)),
        (("CATEGORIES:ops,Freeze",), "Year end", (0, 1, 0)),
        (("CATEGORIES:ops", "CATEGORIES:maintenance"), "Row 7", (1, 0, 0)),
        ((), "Birthday", (0, 0, 1)),
        (("STATUS:CANCELLED",), "GPU maintenance", (0, 0, 1)),
        (("STATUS:TENTATIVE",), "GPU maintenance", (0, 0, 1)),
        (("STATUS:TENTATIVE",), "Freeze", (0, 1, 0)),
        (("STATUS:CONFIRMED",), "GPU maintenance", (1, 0, 0)),
    ],
)
def test_words_make_an_event_a_window_or_a_blackout(
    lines: tuple[str, ...], summary: str, kinds: tuple[int, int, int]
) -> None:
    """In the summary or as a category; what is not certain is no window, but a blackout."""
    told = _read(_event("DTSTART:20260708T020000Z", "DURATION:PT2H", *lines, summary=summary))

    assert (len(told["windows"]), len(told["blackouts"]), told["ignored"]) == kinds


def test_a_swap_of_which_gpuwatch_told_is_neither() -> None:
    """Whatever words are in the name of its host."""
    told = _read(
        _event("DTSTART:20260708T020000Z", "DURATION:PT2H", summary="freeze-7", uid="5f@gpuwatch")
    )

    assert (told["windows"], told["blackouts"], told["ignored"]) == ([], [], 1)


def test_a_blackout_tells_its_reason_in_short() -> None:
    """The description, on one line; texts are cut, whatever somebody pasted there."""
    event = _event(
        "DTSTART:20260708T020000Z",
        "DURATION:PT2H",
        f"DESCRIPTION:no changes\\nuntil \\, Monday {'x' * 900}",
        summary=f"freeze {'y' * 300}",
    )

    (told,) = _read(event)["blackouts"]

    assert told["reason"].startswith("no changes until , Monday xxx")
    assert (len(told["name"]), len(told["reason"])) == (64, 200)


@pytest.mark.parametrize(
    ("event", "left_out"),
    [
        (
            _event("DTSTART:20260708T020000Z"),
            "event 'GPU Maintenance' is left out: it has no length (give it an end)",
        ),
        (
            _event("DTSTART:20260708T020000Z", "DURATION:P8D"),
            "window 'GPU Maintenance' is left out: it is longer than 7d (split it)",
        ),
    ],
)
def test_an_event_that_cannot_be_used_is_left_out_and_told(event: str, left_out: str) -> None:
    """The others count."""
    told = _read(event, _event("DTSTART:20260709T020000Z", "DURATION:PT2H", uid="2"))

    assert (len(told["windows"]), told["left_out"]) == (1, left_out)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no iCalendar file: .* \\(see RFC 5545\\)"),
        (b"\x00\xff\xfe not a calendar", "is no iCalendar file"),
        (b"<html>moved</html>", "is no iCalendar file"),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "is no iCalendar file|holds no VCALENDAR"),
        (_file(_event("DTSTART:next Sunday")), "event 'GPU Maintenance'"),
        (_file(_event("DURATION:PT4H")), "event 'GPU Maintenance' has no DTSTART"),
        (
            _file(_event("DTSTART;TZID=Mars/Base:20260708T020000", "DURATION:PT1H")),
            "event 'GPU Maintenance' is in a zone that nobody knows: Mars/Base",
        ),
        (
            _file(_event("DTSTART:20260708T020000", "DTEND:20260708T050000Z")),
            "event 'GPU Maintenance'",
        ),
        (
            _file(_event("DTSTART:20260708T020000Z", "DURATION:PT1H", "RRULE:FREQ=SECONDLY")),
            "event 'GPU Maintenance' recurs too often: SECONDLY",
        ),
        (
            _file(_event("DTSTART:20260708T020000Z", "DTEND:20260707T020000Z")),
            "event 'GPU Maintenance' ends before it starts",
        ),
        (
            _file(_event("DTSTART:20260708T020000Z", "DURATION:PT1H", "RRULE:FREQ=OFTEN")),
            "event",
        ),
        (
            _file(_event("DTSTART:20260301T020000Z", "DURATION:PT1M", "RRULE:FREQ=HOURLY")),
            f"tells more than {OCCURRENCES} windows and blackouts",
        ),
    ],
)
def test_what_cannot_be_understood_is_refused_as_a_whole(content: bytes, says: str) -> None:
    """A blackout may be among it: half a calendar is none."""
    with pytest.raises(RefusedError, match=says):
        _expand(_calendar(content), ASKED)


def test_a_broken_event_that_no_word_names_is_nobodys_business() -> None:
    """Somebody's birthday without a date refuses no window."""
    told = _read(
        _event("DTSTART:tomorrow", "RRULE:FREQ=SECONDLY", summary="Birthday", uid="2"),
        _event("DTSTART:20260708T020000Z", "DURATION:PT2H"),
    )

    assert (len(told["windows"]), told["ignored"]) == (1, 1)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    wall=WALLS,
    rule=RULES,
    zone=st.sampled_from(ZONES),
    minutes=st.integers(5, 2_000),
)
def test_starts_agree_with_the_library_on_the_wall_in_every_zone(
    wall: datetime, rule: str, zone: str, minutes: int
) -> None:
    """The library's wall times, each made the instant that it means; all of one true length."""
    start = f"{wall:%Y%m%dT%H%M%S}"
    lines = (f"DURATION:PT{minutes}M", f"RRULE:{rule}")
    naive = Calendar.from_ical(_file(_event(f"DTSTART:{start}", *lines)))
    first, last = datetime(2026, 2, 25), datetime(2027, 4, 8)  # noqa: DTZ001 - wall time
    walls = recurring_ical_events.of(naive).between(first, last)
    length = timedelta(minutes=minutes)
    begun = sorted({resolve(one["DTSTART"].dt, ZoneInfo(zone)) for one in walls})
    inside = [
        at.timestamp()
        for at in begun
        if (at + length).timestamp() > ASKED["after"] and at.timestamp() <= ASKED["until"]
    ]

    told = _read(_event(f"DTSTART;TZID={zone}:{start}", *lines))["windows"]

    assert [one["start"] for one in told] == inside
    assert {one["end"] - one["start"] for one in told} <= {length.total_seconds()}


@settings(max_examples=EXAMPLES, deadline=None)
@given(lines=st.lists(st.sampled_from(ANY_LINES), max_size=6))
def test_no_event_does_worse_than_be_refused(lines: list[str]) -> None:
    """Whatever somebody's program exports, it is a calendar or one clear refusal."""
    told: dict[str, Any] = {}
    with contextlib.suppress(RefusedError):
        told = _read(_event(*lines))

    assert set(told) in (set(), {"windows", "blackouts", "ignored", "left_out"})
