"""Window shapes: what the documents about windows and blackouts look like; see `shapes`."""

from typing import TypedDict

from gpuwatch.exposition.flag_shapes import FlagShape
from gpuwatch.exposition.shapes import WindowShape


class BlackoutShape(TypedDict):
    """A time in which no board may be swapped: [start, end)."""

    name: str
    reason: str
    start: str
    end: str
    source: str
    holds: bool


class BlockedShape(TypedDict):
    """A window that cannot be used, because a blackout lies in it."""

    name: str
    start: str
    end: str
    source: str
    blackout: str


class CalendarShape(TypedDict):
    """An iCalendar file as it was last read."""

    name: str
    path: str
    read_at: str | None
    problem: str
    windows: int
    blackouts: int
    ignored: int


class PlanShape(TypedDict):
    """What is to come: what `gpuwatch windows --json` prints."""

    at: str
    host: str
    windows: list[WindowShape]
    blocked: list[BlockedShape]
    blackouts: list[BlackoutShape]
    calendars: list[CalendarShape]
    boards_per_window: int
    settled: bool
    flags: list[FlagShape]
    without_window: list[int]
    late: list[int]
