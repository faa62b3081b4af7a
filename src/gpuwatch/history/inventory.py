"""Inventory: which boards are here, which returned, moved, vanished, or gave their slot up."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from gpuwatch.domain.devices import BoardKey, Device, Slot
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.records import BoardState
from gpuwatch.history import events
from gpuwatch.history.boards import BoardHistory
from gpuwatch.history.book import Book
from gpuwatch.history.rows import board_row, clock_row
from gpuwatch.history.tables import BOARDS, CLOCKS
from gpuwatch.history.timeline import Instant


@dataclass(frozen=True, slots=True)
class Sighting:
    """What an inventory says of one board: an event for people, with its detail."""

    kind: EventKind
    board: BoardHistory
    detail: str


def same_slot(one: Slot, other: Slot) -> bool:
    """Whether two descriptions mean one place: by module, platform slot or address, as known."""
    if one.module_id is not None and other.module_id is not None:
        return one.module_id == other.module_id
    if one.slot_number is not None and other.slot_number is not None:
        return (one.chassis_serial, one.slot_number) == (other.chassis_serial, other.slot_number)
    return one.pci_address == other.pci_address


def _only_address(one: Slot, other: Slot) -> bool:
    """Whether an address is all by which two places can be compared."""
    by_module = one.module_id is not None and other.module_id is not None
    by_slot = one.slot_number is not None and other.slot_number is not None
    return not (by_module or by_slot)


def arrive(known: BoardHistory, device: Device) -> Sighting | None:
    """Update a remembered board that an inventory found; a sighting when that is news."""
    before, slot = known.state, known.slot
    serial = device.board.key.serial or known.board.key.serial
    known.board = replace(device.board, key=BoardKey(serial, device.board.key.uuid))
    known.slot, known.index, known.state = device.slot, device.index, BoardState.PRESENT
    moved = slot is not None and not same_slot(slot, device.slot)
    where = f"from {slot.label} to {device.slot.label}" if slot and moved else device.slot.label
    if before is not BoardState.PRESENT:
        return Sighting(EventKind.BOARD_RETURNED, known, where)
    return Sighting(EventKind.BOARD_MOVED, known, where) if moved else None


def depart(
    known: BoardHistory, arrived: Iterable[BoardHistory], newcomers: Collection[int]
) -> Sighting | None:
    """Update a remembered board that an inventory did not find; a sighting when that is news.

    It has left when one of those that `arrived` sits in its slot: a GPU that shared the slot before
    has not taken its place. Addresses shift when a GPU drops out: where they are all there is, only
    one of the `newcomers` (by number), which was not here before, has taken its place.
    """
    known.index = None
    successor = next((board for board in arrived if _succeeds(board, known, newcomers)), None)
    label = known.slot.label if known.slot else "an unknown slot"
    if successor is not None and known.state is not BoardState.LEFT:
        known.state = BoardState.LEFT
        return Sighting(
            EventKind.BOARD_LEFT, known, f"{successor.board.key} is in {label} in its place"
        )
    if known.state is not BoardState.PRESENT:
        return None
    known.state = BoardState.ABSENT
    return Sighting(EventKind.BOARD_LOST, known, f"no longer in {label}")


def _succeeds(board: BoardHistory, gone: BoardHistory, newcomers: Collection[int]) -> bool:
    if board.slot is None or gone.slot is None or not same_slot(board.slot, gone.slot):
        return False
    return board.number in newcomers or not _only_address(board.slot, gone.slot)


def take(book: Book, devices: tuple[Device, ...], now: Instant) -> tuple[Event, ...]:
    """Bring the boards up to one complete inventory, and put what changed."""
    before = {known.number: board_row(known) for known in book.boards.values()}
    book.inventoried.add(now.boot)
    places = {b.number: b.slot for b in book.boards.values() if b.state is BoardState.PRESENT}
    present: list[BoardHistory] = []
    sightings: list[Sighting | None] = []
    for device in devices:
        known = book.find(device.board.key)
        if known is None:
            known = _welcome(book, device, now)
            sightings.append(Sighting(EventKind.BOARD_FIRST_SEEN, known, device.slot.label))
        else:
            sightings.append(arrive(known, device))
        known.last_seen = now
        known.seats[now.boot] = device.slot.pci_address
        present.append(known)
    arrived = [known for known in present if _arrived(known, places.get(known.number))]
    here = {known.number for known in present}
    absent = [known for known in book.boards.values() if known.number not in here]
    newcomers = here - places.keys()
    sightings += [depart(known, arrived, newcomers) for known in absent]
    said: tuple[Event, ...] = ()
    for sighting in filter(None, sightings):
        said += events.say(book, sighting.kind, sighting.board, sighting.detail)
    for known in book.boards.values():
        if (row := board_row(known)) != before.get(known.number):
            book.store.put(BOARDS, row)
            book.store.put(CLOCKS, clock_row(known))
            known.version += 1
    return said


def _arrived(known: BoardHistory, place: Slot | None) -> bool:
    """Whether a board that is present was not in its slot before; `place` is where it was."""
    return place is None or known.slot is None or not same_slot(place, known.slot)


def _welcome(book: Book, device: Device, now: Instant) -> BoardHistory:
    known = BoardHistory(
        number=book.number(BOARDS),
        board=device.board,
        slot=device.slot,
        index=device.index,
        state=BoardState.PRESENT,
        first_seen=now,
        last_seen=now,
    )
    book.add(known)
    return known
