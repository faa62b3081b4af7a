"""Settings of history, and the change that every step of it returns."""

from dataclasses import dataclass

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import Event
from gpuwatch.domain.incidents import Incident
from gpuwatch.domain.snapshot import Logged


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySettings:
    """How history is kept.

    Exposure runs between two good readings at most `max_gap_seconds` apart on the boot clock; what
    lies further apart is a blind gap. `max_waiting_rows` bounds what waits for a sick disk, which
    is tried again every `retry_seconds`.
    """

    max_gap_seconds: float = 120.0
    flush_seconds: float = 60.0
    retry_seconds: float = 10.0
    max_waiting_rows: int = 50_000

    def __post_init__(self) -> None:
        if self.max_gap_seconds <= 0 or self.flush_seconds <= 0:
            raise ValueError("history: max_gap_seconds and flush_seconds are positive")
        if self.max_waiting_rows < 1:
            raise ValueError(f"history: max_waiting_rows {self.max_waiting_rows}: at least 1")


@dataclass(frozen=True, slots=True)
class Change:
    """What one step changed: events to log, incidents opened or extended, boards to judge again.

    `entries` are those of a BMC's log that were new, the baseline of a log included.
    """

    events: tuple[Event, ...] = ()
    incidents: tuple[Incident, ...] = ()
    boards: frozenset[BoardKey] = frozenset()
    entries: tuple[Logged, ...] = ()


NOTHING = Change()
