"""Windows: intervals in which boards may be swapped, and wall time resolved into instants."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One maintenance window: [start, end), aware datetimes in UTC, and its name."""

    start: datetime
    end: datetime
    name: str

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError(f"window {self.name}: start and end need a time zone")
        if self.end <= self.start:
            raise ValueError(f"window {self.name}: ends before it starts")

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies in the window."""
        return self.start <= at < self.end

    def overlaps(self, other: "Window") -> bool:
        """Whether some instant lies in both; windows that only touch do not overlap."""
        return self.start < other.end and other.start < self.end


def resolve(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which the wall clocks of `zone` show `local` or later.

    A time that occurs twice means its first occurrence; one that a change of the clocks skips means
    the first instant after the gap. Raises ValueError when `local` carries a time zone.
    """
    if local.tzinfo is not None:
        raise ValueError(f"{local.isoformat()}: wall time is resolved in a zone, it has none")
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_time(instant, zone) == local:
        return instant
    # In a gap fold=0 lies after the change and fold=1 before it (PEP 495); zone data changes
    # offsets at whole seconds.
    before = local.replace(tzinfo=zone, fold=1, microsecond=0).astimezone(UTC)
    seconds = range(int((instant - before).total_seconds()) + 1)
    return before + timedelta(
        seconds=bisect_left(
            seconds,
            x=True,
            key=lambda second: wall_time(before + timedelta(seconds=second), zone) >= local,
        )
    )


def wall_time(at: datetime, zone: ZoneInfo) -> datetime:
    """What the wall clocks of `zone` show at `at`: naive, without saying which of two it is."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)
