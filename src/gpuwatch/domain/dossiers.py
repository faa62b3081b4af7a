"""Dossiers: all that history holds of one flag and its board, gathered at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpuwatch.domain.acceptances import Acceptance
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.captures import Capture
from gpuwatch.domain.events import Event
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.records import BoardRecord, SeriesPoint, Transition
from gpuwatch.domain.snapshot import Logged


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What is handed to whoever has to judge a flag from afar. Instants are Unix seconds.

    `record` is None for a board that history has forgotten. `transitions` are the values that
    signals kept by their changes took, `series` the five-minute buckets, `events` what happened to
    the board, `resets` its evidenced resets, `epochs` when each driver was met and its version,
    `audit` what was done about the flag, the board or what came in its place; each oldest first.
    `entries` are those of the event logs of this server by the name of the BMC, oldest first.
    `acceptance` is that of what came in the board's place, `diagnostic` the output that was
    attached to it, None where it is not kept any more.
    """

    flag: Flag
    record: BoardRecord | None
    transitions: tuple[Transition, ...] = ()
    series: tuple[SeriesPoint, ...] = ()
    events: tuple[Event, ...] = ()
    resets: tuple[float, ...] = ()
    epochs: tuple[tuple[float, str], ...] = ()
    audit: tuple[AuditRecord, ...] = ()
    entries: Mapping[str, tuple[Logged, ...]] = field(default_factory=dict)
    captures: tuple[Capture, ...] = ()
    acceptance: Acceptance | None = None
    diagnostic: bytes | None = None

    def driver(self, instant: float) -> str:
        """The driver's version then; "" before any was known."""
        return next((version for at, version in reversed(self.epochs) if at <= instant), "")
