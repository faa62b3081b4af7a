"""Swaps: boards that changed places, gave one up, or left with a bigger piece of the host."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from gpuwatch.domain.devices import Fru, Slot, same_board
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.records import BoardState, Departure
from gpuwatch.history.boards import BoardHistory
from gpuwatch.history.book import Book
from gpuwatch.history.timeline import Instant

_STANDING = frozenset({FlagState.OPEN, FlagState.IN_HANDS})
_LEAST = 2  # one board of a host of two is a swap of a board


@dataclass(frozen=True, slots=True)
class Sighting:
    """What an inventory says of one board, or of the host: an event, with its detail."""

    kind: EventKind
    board: BoardHistory | None
    detail: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where the boards were before an inventory, by number: the slots of those that were present.

    `filled` are boards whose successor was known, `left` those that had left; `chassis` are the
    serial numbers of the chassis as the boards told them.
    """

    slots: Mapping[int, Slot | None]
    filled: frozenset[int]
    left: frozenset[int]
    chassis: frozenset[str]

    @classmethod
    def of(cls, book: Book) -> "Places":
        """The places as they are now."""
        boards = book.boards.values()
        present = [known for known in boards if known.state is BoardState.PRESENT]
        latest = present or [known for known in boards if known.state is BoardState.ABSENT]
        return cls(
            slots={known.number: known.slot for known in present},
            filled=frozenset(known.number for known in boards if known.successor is not None),
            left=frozenset(known.number for known in boards if known.state is BoardState.LEFT),
            chassis=_chassis(latest),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventoried:
    """The boards after an inventory: who is here, who is not, who gave a slot up in it."""

    book: Book
    was: Places
    present: Sequence[BoardHistory]
    now: Instant

    @property
    def absent(self) -> list[BoardHistory]:
        """Every remembered board that is not here."""
        here = {known.number for known in self.present}
        return [known for known in self.book.boards.values() if known.number not in here]

    @property
    def gone(self) -> list[BoardHistory]:
        """Boards that were here at the inventory before."""
        return [known for known in self.absent if known.number in self.was.slots]

    @property
    def replaced(self) -> list[BoardHistory]:
        """Boards whose slot was filled in this inventory, whenever they went."""
        filled = (known for known in self.absent if known.successor is not None)
        return [known for known in filled if known.number not in self.was.filled]

    @property
    def by_half(self) -> bool:
        """Whether half of the boards went away at once: no matter of single boards."""
        gone = len(self.gone)
        return gone >= _LEAST and 2 * gone >= len(self.was.slots)

    @property
    def other_chassis(self) -> bool:
        """Whether the boards tell another chassis than before."""
        chassis = _chassis(self.present)
        return bool(chassis and self.was.chassis) and chassis.isdisjoint(self.was.chassis)

    @property
    def other_platform(self) -> bool:
        """Whether half of the boards, or the chassis, is another one."""
        replaced = {known.successor for known in self.replaced}
        known = {known.number for known in self.replaced} | self.was.slots.keys()
        return self.other_chassis or (len(replaced) >= _LEAST and 2 * len(replaced) >= len(known))

    def flag_of(self, known: BoardHistory) -> Flag | None:
        """The flag on which somebody still has to act for this board."""
        flags = self.book.flags.values()
        mine = (flag for flag in flags if same_board(flag.board, known.board.key))
        return next((flag for flag in mine if flag.state in _STANDING), None)

    def flagged(self) -> Iterator[tuple[BoardHistory, Flag]]:
        """Flagged boards that left in this inventory."""
        for known in self.absent:
            just_left = known.state is BoardState.LEFT and known.number not in self.was.left
            if just_left and (flag := self.flag_of(known)) is not None:
                yield known, flag


def same_slot(one: Slot, other: Slot) -> bool:
    """Whether two descriptions mean one place: by module, platform slot or address, as known."""
    if one.module_id is not None and other.module_id is not None:
        return one.module_id == other.module_id
    if one.slot_number is not None and other.slot_number is not None:
        return (one.chassis_serial, one.slot_number) == (other.chassis_serial, other.slot_number)
    return one.pci_address == other.pci_address


def label(known: BoardHistory) -> str:
    """The slot of a board, or where it was last, for people."""
    return known.slot.label if known.slot else "an unknown slot"


def understand(seen: Inventoried, sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """What people are told of an inventory: of a change of the platform one thing, not eight.

    Also lets boards leave that nothing replaced: those in hands, and what left along with one.
    """
    told = [*sightings, *_taken_out(seen), *_exchanges(seen)]
    along: list[BoardHistory] = []
    for known, flag in list(seen.flagged()):
        others = list(_leave_along(seen, known, flag))
        along += others
        if others:
            names = ", ".join(other.board.key.serial or other.board.key.uuid for other in others)
            detail = f"with {known.board.key} of flag {flag.number} left: {names}"
            told.append(Sighting(EventKind.DEPARTED_WITH_FRU, known, detail))
    if seen.other_platform:
        return (_platform(seen),)
    numbers = {known.number for known in along}
    return tuple(one for one in told if not _is_outdated(one, numbers))


def _is_outdated(one: Sighting, along: set[int]) -> bool:
    """Whether it says of a single board what is said of all together, or what it was at first."""
    if one.board is None:
        return False
    lost = one.kind is EventKind.BOARD_LOST and one.board.state is BoardState.LEFT
    return lost or one.board.number in along


def _taken_out(seen: Inventoried) -> Iterator[Sighting]:
    """A board whose flag was in hands and that is gone after a boot has left."""
    for known in seen.absent:
        flag = seen.flag_of(known)
        in_hands = flag is not None and flag.state is FlagState.IN_HANDS
        booted = known.last_seen.boot != seen.now.boot
        if flag and in_hands and booted and known.state is BoardState.ABSENT:
            known.state, known.departure = BoardState.LEFT, Departure.IN_HANDS
            detail = f"gone from {label(known)} after a boot, its flag {flag.number} in hands"
            yield Sighting(EventKind.BOARD_LEFT, known, detail)


def _leave_along(seen: Inventoried, flagged: BoardHistory, flag: Flag) -> Iterator[BoardHistory]:
    """Boards that left with the flagged one: its other GPUs, and what is one piece with it.

    A single board that is missing beside it is missing, however big the piece to replace is.
    """
    whole = flag.fru not in ("", Fru.MODULE) and seen.by_half
    for known in seen.gone:
        if known is flagged:
            continue
        mine = same_board(known.board.key, flagged.board.key) and known.departure is None
        if mine or (whole and seen.flag_of(known) is None):
            known.state, known.departure = BoardState.LEFT, Departure.WITH_FRU
            yield known


def _exchanges(seen: Inventoried) -> Iterator[Sighting]:
    """Boards that sit in each other's slots; a flag follows its board."""
    moved = [known for known in seen.present if _moved(known, seen.was)]
    for known, other in combinations(moved, 2):
        mine, theirs = seen.was.slots[known.number], seen.was.slots[other.number]
        if not (_is_in(known, theirs) and _is_in(other, mine)):
            continue
        flags = [flag for one in (known, other) if (flag := seen.flag_of(one)) is not None]
        follows = "".join(f"; flag {flag.number} follows {flag.board}" for flag in flags)
        detail = f"{known.board.key} is in {label(known)}, {other.board.key} in {label(other)}"
        yield Sighting(EventKind.BOARDS_EXCHANGED, known, detail + follows)


def _moved(known: BoardHistory, was: Places) -> bool:
    place = was.slots.get(known.number)
    return place is not None and not _is_in(known, place)


def _is_in(known: BoardHistory, place: Slot | None) -> bool:
    return known.slot is not None and place is not None and same_slot(known.slot, place)


def _platform(seen: Inventoried) -> Sighting:
    """The one thing to say of another platform; what it left behind has left with it."""
    remaining = any(known.number in seen.was.slots for known in seen.present)
    flags = [flag.number for _, flag in seen.flagged()]
    for known in seen.gone:
        leaves = known.successor is not None or seen.other_chassis or not remaining
        if leaves and known.departure in (None, Departure.REPLACED):
            known.state, known.departure = BoardState.LEFT, Departure.PLATFORM_CHANGED
    old = ", ".join(sorted(_name(known) for known in seen.replaced))
    new = ", ".join(
        sorted(_name(known) for known in seen.present if known.number not in seen.was.slots)
    )
    chassis = ""
    if seen.other_chassis:
        before, after = "/".join(sorted(seen.was.chassis)), "/".join(sorted(_chassis(seen.present)))
        chassis = f"chassis {before} is now {after}; "
    flagged = f"; with flag {', '.join(map(str, flags))}" if flags else ""
    detail = f"{chassis}{len(seen.replaced)} boards out: {old}; in: {new}{flagged}"
    return Sighting(EventKind.PLATFORM_CHANGED, None, detail)


def _name(known: BoardHistory) -> str:
    return known.board.key.serial or known.board.key.uuid


def _chassis(boards: Iterable[BoardHistory]) -> frozenset[str]:
    slots = (known.slot for known in boards)
    return frozenset(slot.chassis_serial for slot in slots if slot and slot.chassis_serial)
