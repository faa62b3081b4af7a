"""Records: what history remembers of one board, as the rules and the exposition read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gpuwatch.domain.devices import Board, BoardKey, Slot
from gpuwatch.domain.incidents import Incident, Memory
from gpuwatch.domain.readings import Value
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.domain.xids import XidTrace


class BoardState(StrEnum):
    """Whether a remembered board is here, vanished, or known to have left this host."""

    PRESENT = "present"
    ABSENT = "absent"
    LEFT = "left"


class Departure(StrEnum):
    """How a board left this host: what the inventory showed, or what a person said."""

    REPLACED = "replaced"
    IN_HANDS = "in_hands"
    WITH_FRU = "departed_with_fru"
    PLATFORM_CHANGED = "platform_changed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class XidCount:
    """Occurrences of one code from one source: how many, the first and the last (Unix seconds)."""

    count: int
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class Held:
    """The latest value of a signal kept by its changes, and since when (Unix seconds).

    `reset_since` says whether a reset of the board was evidenced since; instants of two boots do
    not tell, because one of their clocks may have been wrong.
    """

    value: Value
    since: float
    reset_since: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRecord:
    """Everything remembered of one board that a rule or a page may ask for.

    Instants are Unix seconds. `errors` are uncorrectable errors counted since first sight (max of
    the volatile and the aggregate sums, see history); `prior` what the board brought along: shown,
    never judged. `xids` are keyed by (code, source); `traces` are the Xids since first sight by
    code, a bounded number of each, oldest first. `held` are signals kept by their changes, by
    `Signal.key`. `last_reset_at` is the last evidenced reset; `off_bus_at` when it fell off the
    bus, oldest first; `bests` the greatest values that links reached where the board sits now, by
    `Signal.key`; `fell_at` the last fall under the driver that is loaded now, None without
    one. `reset_since_incident` says whether a reset was evidenced after the latest incident.
    Evidence up to `judged_from` was known when the present rule set was installed: an older one has
    judged it.
    `departure` says how a board that left did, `successor` which board is in its slot since;
    `returned_at` when a board that had left was seen again, None while that never happened, and
    `flagged_before_return` the numbers of the flags that it had by then.
    """

    board: Board
    slot: Slot | None
    index: int | None
    state: BoardState
    first_seen: float
    last_seen: float
    exposure_seconds: float
    incidents: tuple[Incident, ...] = ()
    errors: Mapping[Memory, int] = field(default_factory=dict)
    prior: Mapping[str, int] = field(default_factory=dict)
    unattributed: int = 0
    xids: Mapping[tuple[int, str], XidCount] = field(default_factory=dict)
    traces: Mapping[int, tuple[XidTrace, ...]] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)
    bests: Mapping[str, float] = field(default_factory=dict)
    last_reset_at: float | None = None
    off_bus_at: tuple[float, ...] = ()
    fell_at: float | None = None
    reset_since_incident: bool = False
    judged_from: float = 0.0
    departure: Departure | None = None
    successor: BoardKey | None = None
    returned_at: float | None = None
    flagged_before_return: frozenset[int] = frozenset()

    @property
    def key(self) -> BoardKey:
        """The board's key."""
        return self.board.key

    def seen(self, exposure_seconds: float, last_seen: float) -> "BoardRecord":
        """The same a sweep later. dataclasses.replace() would take three times as long."""
        return BoardRecord(
            board=self.board,
            slot=self.slot,
            index=self.index,
            state=self.state,
            first_seen=self.first_seen,
            last_seen=last_seen,
            exposure_seconds=exposure_seconds,
            incidents=self.incidents,
            errors=self.errors,
            prior=self.prior,
            unattributed=self.unattributed,
            xids=self.xids,
            traces=self.traces,
            held=self.held,
            bests=self.bests,
            last_reset_at=self.last_reset_at,
            off_bus_at=self.off_bus_at,
            fell_at=self.fell_at,
            reset_since_incident=self.reset_since_incident,
            judged_from=self.judged_from,
            departure=self.departure,
            successor=self.successor,
            returned_at=self.returned_at,
            flagged_before_return=self.flagged_before_return,
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """A value that a signal kept by its changes took, and when (Unix seconds)."""

    key: str
    value: Value
    at: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, mean and greatest reading of one signal within a bucket, in its base unit."""

    least: float
    mean: float
    greatest: float


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One five-minute bucket of one board: its first reading's Unix seconds, spreads by key."""

    at: float
    spreads: Mapping[str, Spread]


@dataclass(frozen=True, slots=True)
class VerdictSince:
    """A verdict that history keeps, why, and since when (Unix seconds)."""

    verdict: Verdict
    reason: str
    since: float
