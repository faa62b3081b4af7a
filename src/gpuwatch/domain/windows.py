"""Windows: intervals in which boards may be swapped."""

from dataclasses import dataclass
from datetime import datetime


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
