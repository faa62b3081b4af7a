"""Calendars: a thread that reads the iCalendar files again, so that no file can hold the loop."""

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog

from gpuwatch.agent.watching import Watching
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.windows import CalendarState
from gpuwatch.policy.schedule import HORIZON
from gpuwatch.sources.calendars import CalendarFile, Reading, read_calendar, unread

log = structlog.get_logger("gpuwatch.calendars")

PERIOD_SECONDS = 60.0
# After a child that had to be ended: what exhausted it once is not tried every minute.
PAUSE_ROUNDS = 60
_FRESH_SECONDS = SECONDS_PER_DAY
_MARGIN = timedelta(days=2)


class CalendarWatch(Watching):
    """Every file of the settings, read at once and then every minute when it has changed.

    `wall` gives Unix seconds, `news` is called, in the thread of this watch, when a file says
    something else.
    """

    def __init__(self, wall: Callable[[], float], news: Callable[[], object]) -> None:
        super().__init__("calendars", PERIOD_SECONDS)
        self._wall = wall
        self._news = news
        self._readings: dict[CalendarFile, Reading] = {}
        self._states: tuple[CalendarState, ...] = ()
        self._pauses: dict[CalendarFile, int] = {}
        self._lock = threading.Lock()

    def states(self) -> tuple[CalendarState, ...]:
        """Every file as it was last read (any thread)."""
        return self._states

    def watch(self, files: tuple[CalendarFile, ...]) -> None:
        """Read these files from now on; of those read before everything known stays."""
        with self._lock:
            known = self._readings
            self._readings = {file: known.get(file) or unread(file) for file in files}
            self._pauses.clear()
            self._publish()
        if files:
            self._begin()

    def look(self) -> None:
        """Read again now: the clock stepped."""
        self._wake()

    def _look(self) -> None:
        for file in tuple(self._readings):
            if not self._stopping:
                self._look_at(file)

    def _look_at(self, file: CalendarFile) -> None:
        before = self._readings.get(file)
        pause = self._pauses.get(file, 0)
        self._pauses[file] = max(pause - 1, 0)
        if before is None or pause:
            return
        now = self._wall()
        aged = not 0 <= now - before.after < _FRESH_SECONDS
        until = now + (HORIZON + _MARGIN).total_seconds()
        reading = read_calendar(file, before, now, until, fresh=aged and not before.refused)
        if reading.hung:
            self._pauses[file] = PAUSE_ROUNDS
        with self._lock:
            if file not in self._readings:
                return
            self._readings[file] = reading
            self._publish()
        if reading.state != before.state:
            _tell(before.state, reading.state)
            self._news()

    def _publish(self) -> None:
        self._states = tuple(reading.state for reading in self._readings.values())


def _tell(before: CalendarState, after: CalendarState) -> None:
    """One line for a file that says something else, or whose problem changed."""
    if after.problem and after.problem != before.problem:
        log.warning("calendar-refused", calendar=after.name, problem=after.problem)
        return
    log.info(
        "calendar-read",
        calendar=after.name,
        windows=len(after.windows),
        blackouts=len(after.blackouts),
        ignored=after.ignored,
    )
