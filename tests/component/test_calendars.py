"""iCalendar files as real files, read by a real child: absent, broken, huge, endless, changing."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpuwatch.agent.calendars import CalendarWatch
from gpuwatch.sources.calendars import CalendarFile, Reading, glance, read_calendar, unread
from tests.support.agents import eventually

NOW = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
UNTIL = datetime(2027, 3, 1, tzinfo=UTC).timestamp()
EVENT = """BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:20260308T020000Z
DURATION:PT4H
RRULE:{rule}
SUMMARY:{summary}
END:VEVENT
"""


def _write(path: Path, summary: str = "maintenance", rule: str = "FREQ=WEEKLY") -> None:
    event = EVENT.format(uid=1, rule=rule, summary=summary)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n{event}END:VCALENDAR\n"
    path.write_text(text)


def _read(file: CalendarFile, before: Reading | None = None, seconds: float = 30.0) -> Reading:
    known = unread(file) if before is None else before
    return read_calendar(file, known, NOW, UNTIL, deadline_seconds=seconds)


def _make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _make_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the calendar lies."""
    return tmp_path / "ops.ics"


@pytest.fixture
def file(path: Path) -> CalendarFile:
    """A calendar of the settings."""
    return CalendarFile(name="ops", path=str(path))


def test_a_file_tells_windows_and_blackouts(file: CalendarFile, path: Path) -> None:
    """With who told of them; what is known of a file before is nothing."""
    _write(path)

    state = _read(file).state

    assert unread(file).state.read_at is None
    assert (state.read_at, state.problem, len(state.windows)) == (NOW, "", 52)
    assert {window.source for window in state.windows} == {"calendar ops"}
    assert state.windows[0].start == datetime(2026, 3, 8, 2, tzinfo=UTC)


def test_a_file_that_did_not_change_is_not_expanded_again(file: CalendarFile, path: Path) -> None:
    """It is the same state; a changed one is read."""
    _write(path)
    first = _read(file)

    again = _read(file, first)
    _write(path, summary="code freeze")
    changed = _read(file, again)

    assert again.state is first.state
    assert (len(changed.state.windows), len(changed.state.blackouts)) == (0, 52)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (Path.unlink, "does not exist (is its file system mounted?)"),
        (lambda path: path.write_text("<html>"), "is no iCalendar file:"),
        (lambda path: path.write_bytes(b"A" * (5 << 20)), "is larger than 4 MiB (is it the right"),
        (_make_a_folder, "is not a file (name the .ics file itself)"),
        (_make_a_pipe, "is not a file (name the .ics file itself)"),
        (lambda path: _write(path, rule="FREQ=SECONDLY"), "event 'maintenance' recurs too often"),
        (lambda path: _write(path, rule="FREQ=HOURLY"), "tells more than 1000 windows"),
    ],
)
def test_a_file_that_is_spoilt_keeps_what_it_said(
    file: CalendarFile, path: Path, spoil: object, says: str
) -> None:
    """One sentence with the way out; a file that nobody ever read tells nothing."""
    _write(path)
    good = _read(file)

    spoil(path)  # type: ignore[operator]
    after, never = _read(file, good), _read(file)

    assert after.state.problem.startswith(f"{path} {says}")
    assert after.state.windows == good.state.windows
    assert after.state.read_at == NOW
    assert (never.state.problem, never.state.read_at) == (after.state.problem, None)


def test_a_file_that_is_mended_has_no_problem(file: CalendarFile, path: Path) -> None:
    """And one that stays broken is not parsed again and again."""
    path.write_text("broken")
    broken = _read(file)
    still = _read(file, broken)
    _write(path)

    mended = _read(file, still)

    assert still.state is broken.state
    assert (mended.state.problem, mended.refused) == ("", False)


def test_a_child_that_takes_too_long_is_ended(file: CalendarFile, path: Path) -> None:
    """Its time is over before it can answer; what it would have said does not matter."""
    _write(path)

    hung = _read(file, seconds=0.001)

    assert hung.hung
    assert "was not read within 0 s" in hung.state.problem
    assert _read(file, hung).state.problem == ""


def test_a_glance_says_what_keeps_a_file_from_being_read(path: Path) -> None:
    """Its content is not looked at."""
    absent = glance(str(path))
    path.write_text("broken")

    assert absent == "does not exist (is its file system mounted?)"
    assert glance(str(path)) == ""


@pytest.fixture
def watch() -> Iterator[CalendarWatch]:
    """A watch that has nothing to watch yet."""
    one = CalendarWatch(lambda: NOW, news=lambda: None)
    yield one
    one.stop()


def test_a_watch_reads_its_files_and_reads_them_again(
    watch: CalendarWatch, file: CalendarFile, path: Path
) -> None:
    """At once when it is told of them, and when they changed; no thread without a file."""
    idle = watch.states()
    _write(path)
    watch.watch((file,))
    first = watch.states()[0].read_at
    eventually(lambda: watch.states()[0].windows, "the windows are told")

    path.unlink()
    watch.look()
    eventually(lambda: watch.states()[0].problem, "the problem is told")

    assert (idle, first) == ((), None)
    assert len(watch.states()[0].windows) > 50
    watch.watch(())
    assert watch.states() == ()
    assert watch.alive


def test_a_watch_tells_its_news_once(file: CalendarFile, path: Path) -> None:
    """Looking again at the same file is no news."""
    told: list[float] = []
    watch = CalendarWatch(lambda: NOW, news=lambda: told.append(time.monotonic()))
    _write(path)
    watch.watch((file,))
    eventually(lambda: told, "the first news")

    watch.look()
    path.write_text("broken")
    watch.look()
    eventually(lambda: watch.states()[0].problem, "the problem is told")

    watch.stop()
    assert len(told) == 2
