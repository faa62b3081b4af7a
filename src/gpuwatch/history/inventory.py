"""Inventory: which boards are here, which returned, moved, vanished, or gave their slot up."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from gpuwatch.domain.devices import BoardKey, Device, Slot
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.records import BoardState, Departure
from gpuwatch.history import events
from gpuwatch.history.boards import BoardHistory
from gpuwatch.history.book import Book
from gpuwatch.history.rows import board_row, clock_row
from gpuwatch.history.swaps import (
    Inventoried,
    Places,
    Sighting,
    label,
    same_slot,
    understand,
)
from gpuwatch.history.tables import BOARDS, CLOCKS
from gpuwatch.history.timeline import Instant


def _only_address(one: Slot, other: Slot) -> bool:
    """Whether an address is all by which two places can be compared."""
    by_module = one.module_id is not None and other.module_id is not None
    by_slot = one.slot_number is not None and other.slot_number is not None
    return not (by_module or by_slot)


def arrive(known: BoardHistory, device: Device, now: Instant) -> Sighting | None:
    """Update a remembered board that an inventory found; a sighting when that is news."""
    before, slot = known.state, known.slot
    serial = device.board.key.serial or known.board.key.serial
    known.board = replace(device.board, key=BoardKey(serial, device.board.key.uuid))
    known.slot, known.index, known.state = device.slot, device.index, BoardState.PRESENT
    known.departure = known.successor = None
    moved = slot is not None and not same_slot(slot, device.slot)
    where = f"from {slot.label} to {device.slot.label}" if slot and moved else device.slot.label
    if before is BoardState.LEFT:
        known.returned = now
        return Sighting(EventKind.BOARD_RETURNED, known, f"{where}, after it had left")
    if before is not BoardState.PRESENT:
        return Sighting(EventKind.BOARD_RETURNED, known, where)
    return Sighting(EventKind.BOARD_MOVED, known, where) if moved else None


def depart(
    known: BoardHistory, arrived: Iterable[BoardHistory], newcomers: Collection[int]
) -> Sighting | None:
    """Update a remembered board that an inventory did not find; a sighting when that is news.

    It has left when one of those that `arrived` sits in its slot: a GPU that shared the slot before
    has not taken its place. Addresses shift when a GPU drops out: where they are all there is, only
    one of the `newcomers` (by number), which was not here before, has taken its place. The slot of
    a board that left before may be filled only now.
    """
    known.index = None
    successor = None
    if known.successor is None:
        successor = next((board for board in arrived if _succeeds(board, known, newcomers)), None)
    if successor is not None:
        known.successor = successor.number
        if known.state is not BoardState.LEFT:
            known.state, known.departure = BoardState.LEFT, Departure.REPLACED
            detail = f"{successor.board.key} is in {label(known)} in its place"
            return Sighting(EventKind.BOARD_LEFT, known, detail)
    if known.state is not BoardState.PRESENT:
        return None
    known.state = BoardState.ABSENT
    return Sighting(EventKind.BOARD_LOST, known, f"no longer in {label(known)}")


def _succeeds(board: BoardHistory, gone: BoardHistory, newcomers: Collection[int]) -> bool:
    if board.slot is None or gone.slot is None or not same_slot(board.slot, gone.slot):
        return False
    return board.number in newcomers or not _only_address(board.slot, gone.slot)


def take(book: Book, devices: tuple[Device, ...], now: Instant) -> tuple[Event, ...]:
    """Bring the boards up to one complete inventory, and put what changed."""
    before = {known.number: board_row(known) for known in book.boards.values()}
    first_of_boot = now.boot not in book.inventoried
    book.inventoried.add(now.boot)
    was = Places.of(book)
    present: list[BoardHistory] = []
    sightings: list[Sighting | None] = []
    for device in devices:
        known = book.find(device.board.key)
        if known is None:
            known = _welcome(book, device, now)
            sightings.append(Sighting(EventKind.BOARD_FIRST_SEEN, known, device.slot.label))
        else:
            sightings.append(arrive(known, device, now))
        known.last_seen = now
        known.seats[now.boot] = device.slot.pci_address
        present.append(known)
        if first_of_boot:  # who sat where, for what a crash before the first sweep leaves
            book.store.put(CLOCKS, clock_row(known))
    arrived = [known for known in present if _arrived(known, was.slots.get(known.number))]
    here = {known.number for known in present}
    absent = [known for known in book.boards.values() if known.number not in here]
    newcomers = here - was.slots.keys()
    sightings += [depart(known, arrived, newcomers) for known in absent]
    said: tuple[Event, ...] = ()
    seen = Inventoried(book=book, was=was, present=present, now=now)
    for sighting in understand(seen, filter(None, sightings)):
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
