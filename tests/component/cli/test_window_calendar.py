"""Planned work as an iCalendar file: for people's calendars, and harmless in gpuwatch's own."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from icalendar import Calendar

from gpuwatch.domain.flags import FlagState
from gpuwatch.sources.calendars import CalendarFile, read_calendar, unread
from tests.support.commands import run
from tests.support.fake_agent import FakeAgent
from tests.support.snapshots import AT


def _written(agent: FakeAgent) -> str:
    told = run("windows", "--ics", "--socket", str(agent.path))
    assert told.status == 0, told
    return told.out


def test_a_window_in_which_boards_are_swapped_is_an_event(agent: FakeAgent) -> None:
    """With when, how many boards of which host, and the flags with their papers."""
    calendar = Calendar.from_ical(_written(agent))

    (event,) = calendar.walk("VEVENT")
    assert event.decoded("dtstart") == datetime(2026, 3, 22, 2, tzinfo=UTC)
    assert event.decoded("dtend") == datetime(2026, 3, 22, 6, tzinfo=UTC)
    assert event["summary"] == "Swap 1 board of gpu-node-17"
    assert "board 1654223010009 in module-3" in str(event["description"])
    assert "gpuwatch work-order 15" in str(event["description"])


def test_a_board_that_was_swapped_before_its_window_is_no_work_any_more(agent: FakeAgent) -> None:
    """Its flag keeps the window until the new board is accepted."""
    flags = (replace(one, state=FlagState.VERIFYING) for one in agent.snapshot.flags)
    agent.snapshot = replace(agent.snapshot, flags=tuple(flags))

    calendar = Calendar.from_ical(_written(agent))

    assert calendar.walk("VEVENT") == []


def test_one_form_is_asked_for_at_a_time(agent: FakeAgent) -> None:
    """Neither is silently left out."""
    told = run("windows", "--ics", "--json", "--socket", str(agent.path))

    assert told.status == 2
    assert "--ics and --json exclude each other" in told.out


def test_the_same_work_is_the_same_event_in_every_export(agent: FakeAgent) -> None:
    """Or every import would add another."""
    first, second = (Calendar.from_ical(_written(agent)) for _ in range(2))

    assert [one["uid"] for one in first.walk("VEVENT")] == [
        one["uid"] for one in second.walk("VEVENT")
    ]


def test_gpuwatch_takes_no_event_of_its_own_for_a_window(agent: FakeAgent, tmp_path: Path) -> None:
    """Its work may land in the very calendar that it reads, whatever windows are called there."""
    path = tmp_path / "planned.ics"
    path.write_text(_written(agent), encoding="utf-8")
    file = CalendarFile(name="planned", path=str(path), windows=("gpu",), blackouts=("swap",))

    state = read_calendar(file, unread(file), AT, AT + 90 * 86_400.0).state

    assert (state.problem, state.windows, state.blackouts, state.ignored) == ("", (), (), 1)
