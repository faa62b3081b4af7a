"""Book: what history holds in memory while it writes: the boards, the epochs and the recent past.

The book is whole: the store is what of it survives. Whoever changes it puts the changed rows.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gpuwatch.domain.acceptances import Acceptance
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.devices import BoardKey, Epoch, same_board
from gpuwatch.domain.events import Event
from gpuwatch.domain.flag_audit import flag_number
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.known_boards import KnownBoard
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import VerdictSince
from gpuwatch.domain.verdicts import Finding
from gpuwatch.history.bmcs import BmcHistory
from gpuwatch.history.boards import Alike, BoardHistory, Occurrences, find
from gpuwatch.history.flags import finding_row, flag_row
from gpuwatch.history.store import Store
from gpuwatch.history.tables import BOOTS, FLAGS, LATCHED, META, SIGNALS, Table
from gpuwatch.history.timeline import Instant, Step, Timeline

RECENT_EVENTS = 500
RECENT_OF_A_BOARD = 100
RECENT_OF_A_FLAG = 200
_IDENTITIES = 4096
HOST = 0


@dataclass(slots=True)
class Logged:
    """An event as it is kept in memory, with its place on the timeline."""

    number: int
    instant: Instant
    board: int
    event: Event


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A version of the rules, under its number, and when it was installed here."""

    number: int
    version: str
    installed: Instant


@dataclass(frozen=True, slots=True)
class Met:
    """A driver epoch: its number, seconds since boot when it was first met, and the driver."""

    number: int
    boottime: float
    driver_version: str


@dataclass(slots=True)
class Flood:
    """How many events of one sort were stored within an hour of the boot clock."""

    hour: Instant
    stored: int


@dataclass(slots=True)
class Book:
    """Everything in memory. One thread changes it."""

    store: Store
    timeline: Timeline
    lineage: str
    boards: dict[int, BoardHistory] = field(default_factory=dict)
    inventoried: set[int] = field(default_factory=set)  # boots in which boards were counted
    epoch: Epoch | None = None
    epochs: dict[tuple[int, str], Met] = field(default_factory=dict)
    epoch_key: str = "none"
    host_resets: list[Instant] = field(default_factory=list)
    host_xids: dict[tuple[str, int, str], Occurrences] = field(default_factory=dict)
    host_traces: dict[tuple[str, int], list[Alike]] = field(default_factory=dict)
    signals: dict[str, int] = field(default_factory=dict)
    kernel_log: tuple[str, int] | None = None
    recent: deque[Logged] = field(default_factory=lambda: deque(maxlen=RECENT_EVENTS))
    recent_of: dict[int, deque[Logged]] = field(default_factory=dict)
    identities: dict[str, None] = field(default_factory=dict)
    floods: dict[tuple[int, str, str, int | None, str], Flood] = field(default_factory=dict)
    verdicts: dict[str, tuple[VerdictSince, Instant]] = field(default_factory=dict)
    flags: dict[int, Flag] = field(default_factory=dict)
    raised: dict[int, Instant] = field(default_factory=dict)  # when, by the number of the flag
    latched: dict[tuple[str, str], Finding] = field(default_factory=dict)
    acceptances: dict[int, Acceptance] = field(default_factory=dict)
    known_boards: dict[tuple[str, str], KnownBoard] = field(default_factory=dict)
    bmcs: dict[str, BmcHistory] = field(default_factory=dict)
    audit: deque[tuple[AuditRecord, Instant]] = field(
        default_factory=lambda: deque(maxlen=RECENT_EVENTS)
    )
    rule_set: RuleSet | None = None
    flag_audit: dict[int, deque[AuditRecord]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    changes: dict[tuple[int, str], tuple[int, Instant]] = field(default_factory=dict)
    _keys: dict[BoardKey, BoardHistory] = field(default_factory=dict)

    def note(self, moment: Moment) -> Instant:
        """The instant of `moment`, which is the present; a stepped clock redates what is dated."""
        now = self.timeline.note(moment)
        steps, self.timeline.steps = self.timeline.steps, []
        for step in steps:
            self._redate(step)
        return now

    def _redate(self, step: Step) -> None:
        """Decisions carry dates of the wall clock: evidence is compared with evidence by them."""
        for number, flag in self.flags.items():
            raised_at, evidence_at = step.redate(flag.raised_at), step.redate(flag.evidence_at)
            seen_at = flag.acknowledged_at
            self.flags[number] = moved = replace(
                flag,
                raised_at=raised_at,
                evidence_at=evidence_at,
                due_at=flag.due_at + raised_at - flag.raised_at,
                state_since=step.redate(flag.state_since),
                acknowledged_at=None if seen_at is None else step.redate(seen_at),
            )
            if moved != flag:
                self.store.put(FLAGS, flag_row(moved))
        for key, found in self.latched.items():
            since, evidence_at = step.redate(found.since), step.redate(found.evidence_at)
            self.latched[key] = replace(found, since=since, evidence_at=evidence_at)
            self.store.put(LATCHED, finding_row(self.latched[key]))

    def number(self, table: Table) -> int:
        """The next free number of `table`."""
        self.numbers[table.name] = self.numbers.get(table.name, 0) + 1
        return self.numbers[table.name]

    def signal(self, key: str) -> int:
        """The number by which rows name the signal `key`."""
        number = self.signals.get(key)
        if number is None:
            number = self.signals[key] = self.number(SIGNALS)
            self.store.put(SIGNALS, (number, key))
        return number

    def find(self, key: BoardKey) -> BoardHistory | None:
        """The board with `key`, also when only one side knows the serial."""
        known = self._keys.get(key)
        if known is None and (known := find(self.boards.values(), key)) is not None:
            self._keys[key] = known
        return known

    def add(self, known: BoardHistory) -> None:
        """Remember a board."""
        self.boards[known.number] = known
        self._keys.clear()

    def named(self, uuid: str) -> BoardHistory | None:
        """The board whose GPU has this UUID."""
        return next((b for b in self.boards.values() if b.board.key.uuid == uuid), None)

    def at_address(self, pci_address: str, instant: Instant) -> BoardHistory | None:
        """The board that sat at `pci_address` in the boot of `instant`.

        Where that boot was never counted, the one that sat there last and was known by then.
        """
        seats = {known.number: known.seats.get(instant.boot) for known in self.boards.values()}
        here = [known for known in self.boards.values() if seats[known.number] == pci_address]
        if not here:
            here = [
                known
                for known in self.boards.values()
                if seats[known.number] is None
                and known.slot is not None
                and known.slot.pci_address == pci_address
                and not self.precedes_sight(known, instant)
            ]
        order = ("left", "absent", "present")
        return max(
            here, key=lambda known: (order.index(known.state), known.last_seen), default=None
        )

    def precedes_sight(self, known: BoardHistory, instant: Instant) -> bool:
        """Whether `instant` lies before the first sight of the board: what was then is prior.

        A boot in which it was seen, other than that of its first sight, came after it.
        """
        if instant.boot != known.first_seen.boot and instant.boot in known.seats:
            return False
        return self.timeline.is_after(known.first_seen, instant)

    def epoch_start(self) -> Instant:
        """When the current driver epoch began; the first of a boot began with it."""
        now = self.timeline.now
        met = {str(one.number): one for (boot, _), one in self.epochs.items() if boot == now.boot}
        epoch = met.get(self.epoch_key)
        if epoch is None or epoch.number == min(one.number for one in met.values()):
            return Instant(now.boot, 0.0)
        return Instant(now.boot, epoch.boottime)

    def resets(self, known: BoardHistory) -> Iterable[Instant]:
        """The evidenced resets of a board: its own and those of the whole host."""
        return (*self.host_resets, *known.resets)

    def flagged_before_return(self, known: BoardHistory) -> frozenset[int]:
        """The numbers of the flags of a board that were raised before it was seen again."""
        returned = known.returned
        mine = (flag for flag in self.flags.values() if same_board(flag.board, known.board.key))
        if returned is None:
            return frozenset()
        return frozenset(flag.number for flag in mine if self._precedes(flag, returned))

    def _precedes(self, flag: Flag, returned: Instant) -> bool:
        raised = self.raised.get(flag.number)
        if raised is None:  # its audit record was lost
            return flag.raised_at < self.timeline.wall(returned)
        return self.timeline.is_after(returned, raised)

    def has_met(self, identity: str) -> bool:
        """Whether this occurrence was reported before; it is remembered from now on."""
        if identity in self.identities:
            return True
        self.identities[identity] = None
        if len(self.identities) > _IDENTITIES:
            del self.identities[next(iter(self.identities))]
        return False

    def log(self, logged: Logged) -> None:
        """Keep an event among the recent ones."""
        self.recent.append(logged)
        of_board = self.recent_of.setdefault(logged.board, deque(maxlen=RECENT_OF_A_BOARD))
        of_board.append(logged)

    def note_audit(self, record: AuditRecord, instant: Instant) -> None:
        """Keep an audit record among the recent ones, and with the flag that it is about."""
        self.audit.append((record, instant))
        self.note_flag_audit(record)

    def note_flag_audit(self, record: AuditRecord) -> None:
        """Keep an audit record with the flag that it is about."""
        number = flag_number(record.subject)
        if number is not None:
            kept = self.flag_audit.setdefault(number, deque(maxlen=RECENT_OF_A_FLAG))
            kept.append(record)

    def commit(self, *, durable: bool = True) -> bool:
        """Write what has changed in one transaction."""
        for boot in self.timeline.unwritten:
            self.store.put(BOOTS, (boot.number, boot.boot_id, boot.wall_offset))
        self.timeline.unwritten.clear()
        return self.store.commit(durable=durable)

    def put_lineage(self) -> None:
        """Say in the file which history it holds."""
        self.store.put(META, ("lineage", self.lineage))
