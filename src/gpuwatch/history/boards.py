"""Boards: everything that history remembers of one board, as it is kept in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gpuwatch.domain.counts import ErrorCount
from gpuwatch.domain.devices import Board, BoardKey, Slot
from gpuwatch.domain.incidents import ErrorKind, Memory
from gpuwatch.domain.readings import Gap, Value
from gpuwatch.domain.records import BoardState, Departure
from gpuwatch.domain.xids import XidAdvice
from gpuwatch.history.plans import Plan
from gpuwatch.history.timeline import Instant

NOWHERE = Instant(0, 0.0)


@dataclass(slots=True)
class Counted:
    """One error counter of a board and the last instant at which it could be read.

    `load` are its last reading before the present driver load and its first under it, where this
    process saw both.
    """

    count: ErrorCount
    good: Instant
    load: tuple[Instant, Instant] | None = None


@dataclass(slots=True, kw_only=True)
class Report:
    """A stored error signal: when, how many seconds earlier or later it may have been."""

    number: int
    kind: ErrorKind
    instant: Instant
    exposure: float
    seconds_before: float = 0.0
    seconds_after: float = 0.0
    memory: Memory = Memory.UNKNOWN
    count: int = 1

    @property
    def exact(self) -> bool:
        """Whether the instant is known, not only an interval."""
        return not self.seconds_before and not self.seconds_after


@dataclass(frozen=True, slots=True)
class Exact:
    """An instant that the kernel log gave an error, and the exposure clock then where known.

    `echo`: the error may have been a peer's.
    """

    instant: Instant
    exposure: float | None
    echo: bool


@dataclass(frozen=True, slots=True)
class BlindGap:
    """A time in which a board could not be read, in seconds since one boot."""

    boot: int
    start: float
    end: float


NO_GAP = BlindGap(0, 0.0, 0.0)


@dataclass(slots=True)
class Case:
    """A stored incident: its anchor on the timeline and on the exposure clock."""

    number: int
    opened: Instant
    exposure: float
    reports: list[Report] = field(default_factory=list)


@dataclass(slots=True)
class Occurrences:
    """How often a code was reported, first and last."""

    count: int
    first: Instant
    last: Instant


@dataclass(slots=True, kw_only=True)
class Alike:
    """Occurrences of one Xid that are alike, as history keeps them."""

    number: int
    process: str
    subcode: str
    advice: XidAdvice
    count: int
    first: Instant
    last: Instant

    @property
    def words(self) -> tuple[str, str, XidAdvice]:
        """What they have in common beside their day."""
        return self.process, self.subcode, self.advice


@dataclass(slots=True)
class Swept:
    """The last sweep of some cadences: the values that history watches and what follows."""

    plan: Plan
    values: tuple[Value | Gap, ...]
    at: Instant
    epoch: str
    readable: bool
    seen: bool


@dataclass(slots=True, kw_only=True)
class BoardHistory:
    """One board. Mutable: the writer's thread alone touches it."""

    number: int
    board: Board
    slot: Slot | None
    index: int | None
    state: BoardState
    first_seen: Instant
    last_seen: Instant
    exposure: float = 0.0
    last_read: Instant | None = None
    gap: BlindGap | None = None  # the latest one
    unattributed: int = 0
    counts: dict[str, Counted] = field(default_factory=dict)
    held: dict[str, tuple[Value, Instant]] = field(default_factory=dict)
    bests: dict[str, tuple[float, str]] = field(default_factory=dict)  # and at which PCI address
    cases: list[Case] = field(default_factory=list)
    waiting: list[Report] = field(default_factory=list)
    resets: list[Instant] = field(default_factory=list)
    off_bus: list[Instant] = field(default_factory=list)
    xids: dict[tuple[str, int, str], Occurrences] = field(default_factory=dict)
    traces: dict[tuple[str, int], list[Alike]] = field(default_factory=dict)
    exact: list[Exact] = field(default_factory=list)
    swept: dict[frozenset[str], Swept] = field(default_factory=dict)
    judged_from: Instant | None = None  # what is older was known to an older rule set
    seats: dict[int, str] = field(default_factory=dict)  # its PCI address by the number of a boot
    departure: Departure | None = None
    successor: int | None = None  # the number of the board that is in its slot since it left
    returned: Instant | None = None  # when it was seen again after it had left
    version: int = 0
    unflushed: bool = False

    @property
    def bests_here(self) -> dict[str, float]:
        """The greatest values of its links where it sits now, by `Signal.key`."""
        here = self.slot.pci_address if self.slot else ""
        return {key: best for key, (best, address) in self.bests.items() if address == here}

    def good(self, counter: str) -> Instant | None:
        """The last instant at which `counter` could be read, None when it never was."""
        counted = self.counts.get(counter)
        if counted is None:
            return None
        latest = counted.good
        for swept in self.swept.values():
            readable = any(
                not isinstance(swept.values[place], Gap)
                for place in swept.plan.counters.get(counter, ())
            )
            if readable and (swept.at.boot != latest.boot or swept.at > latest):
                latest = swept.at
        return latest

    def exposure_at(self, instant: Instant) -> float:
        """The exposure clock at an instant that is now or a little earlier, in seconds.

        It stood still in a blind gap: what came to light after one is no earlier by its length.
        """
        if self.last_read is None or instant.boot != self.last_read.boot:
            return self.exposure
        earlier = max(0.0, self.last_read.boottime - instant.boottime)
        if self.gap is not None and self.gap.boot == instant.boot:
            blind = min(self.last_read.boottime, self.gap.end) - max(
                instant.boottime, self.gap.start
            )
            earlier -= max(0.0, blind)
        return max(0.0, self.exposure - earlier)


def find(boards: Iterable[BoardHistory], key: BoardKey) -> BoardHistory | None:
    """The remembered board with `key`; a serial that became readable, or unreadable, is no swap."""
    near = None
    for known in boards:
        if known.board.key == key:
            return known
        same = known.board.key.uuid == key.uuid
        if same and not (known.board.key.serial and key.serial):
            near = known
    return near
