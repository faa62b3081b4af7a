"""Windows: when boards may be swapped, blackouts in which none may, wall time made an instant."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

SETTINGS = "settings"
PLANNED_UID = "@gpuwatch"  # how the UID of an event ends by which gpuwatch itself tells of a swap
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One maintenance window: [start, end), aware datetimes in UTC, its name, who told of it.

    `source` is "settings" or "calendar NAME". A name and a start are one window.
    """

    start: datetime
    end: datetime
    name: str
    source: str = SETTINGS

    def __post_init__(self) -> None:
        _check(f"window {self.name}", self.start, self.end)

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies in the window."""
        return self.start <= at < self.end

    def overlaps(self, other: "Window | Blackout") -> bool:
        """Whether some instant lies in both; windows that only touch do not overlap."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, order=True)
class Blackout:
    """A time in which no board may be swapped: [start, end) in UTC, its name, and why."""

    start: datetime
    end: datetime
    name: str
    reason: str = ""
    source: str = SETTINGS

    def __post_init__(self) -> None:
        _check(f"blackout {self.name}", self.start, self.end)

    def covers(self, at: datetime) -> bool:
        """Whether `at` lies in the blackout."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Blocked:
    """A window that cannot be used, because a blackout lies in it, wholly or in part."""

    window: Window
    blackout: Blackout


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarState:
    """One iCalendar file as it was last read.

    `read_at` are Unix seconds of the last reading that succeeded, None before the first; `problem`
    is "" or why the latest one failed. `ignored` counts events that are neither window nor blackout
    by the settings.
    """

    name: str
    path: str
    read_at: float | None = None
    problem: str = ""
    windows: tuple[Window, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    ignored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is to come, as of one instant.

    `windows` are the open one and those to come that no blackout touches, in time order; `blocked`
    are windows that one does, at least the first of each schedule. `blackouts` are those that hold
    and the next ones of each source.
    """

    windows: tuple[Window, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    calendars: tuple[CalendarState, ...] = ()
    boards_per_window: int = 2

    @property
    def settled(self) -> bool:
        """Whether every calendar has been read once; before that a blackout may be unknown."""
        return all(calendar.read_at is not None for calendar in self.calendars)


def _check(what: str, start: datetime, end: datetime) -> None:
    if start.utcoffset() is None or end.utcoffset() is None:
        raise ValueError(f"{what}: start and end need a time zone")
    if end <= start:
        raise ValueError(f"{what}: ends before it starts")


def resolve(local: datetime, zone: tzinfo) -> datetime:
    """The first instant, in UTC, at which the wall clocks of `zone` show `local` or later.

    A time that occurs twice means its first occurrence; one that a change of the clocks skips means
    the first instant after the gap. Raises ValueError when `local` carries a time zone.
    """
    if local.tzinfo is not None:
        raise ValueError(f"{local.isoformat()}: wall time is resolved in a zone, it has none")
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_time(instant, zone) == local:
        return instant
    # In a gap fold=0 lies after the change and fold=1 before it (PEP 495); zones that files bring
    # along know no fold there. Zone data changes offsets at whole seconds.
    other = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    first, last = min(instant, other), max(instant, other)
    if first == last:
        first, last = first - _DAY, last + _DAY
    first = first.replace(microsecond=0)
    seconds = range(int((last - first).total_seconds()) + 1)
    return first + timedelta(
        seconds=bisect_left(
            seconds,
            x=True,
            key=lambda second: wall_time(first + timedelta(seconds=second), zone) >= local,
        )
    )


def wall_time(at: datetime, zone: tzinfo) -> datetime:
    """What the wall clocks of `zone` show at `at`: naive, without saying which of two it is."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)
