"""Held: values kept by their changes, and what a change of them tells of a reset."""

from dataclasses import dataclass, field

from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.readings import Gap, Value
from gpuwatch.domain.signals import Role, Signal
from gpuwatch.history import events
from gpuwatch.history.boards import BoardHistory, Case
from gpuwatch.history.book import Book
from gpuwatch.history.plans import is_urgent
from gpuwatch.history.tables import BESTS, CHANGES, HELD
from gpuwatch.history.timeline import Instant

_HOUR_SECONDS = 3600.0
_NO_ACTION = "0"


@dataclass(slots=True)
class Effect:
    """What one step changed. `urgent` changes are written at once."""

    events: list[Event] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    urgent: bool = False
    changed: bool = False

    def add(self, other: "Effect | None") -> None:
        """Take in what another step changed."""
        if other is not None:
            self.events += other.events
            self.cases += other.cases
            self.urgent = self.urgent or other.urgent
            self.changed = self.changed or other.changed


def hold(book: Book, known: BoardHistory, row: Signal, value: Value) -> Effect | None:
    """Keep a value since when it holds, and the transition; None when it is not new.

    Notices what a reset leaves behind.
    """
    key, now = row.key, book.timeline.now
    if row.role is Role.CAPABILITY and not isinstance(value, str):
        keep_best(book, known, key, value, known.slot.pci_address if known.slot else "")
    held = known.held.get(key)
    if held is not None and held[0] == value:
        return None
    known.held[key] = (value, now)
    number = book.signal(key)
    book.store.put(HELD, (known.number, number, value, now.boot, now.boottime))
    _keep_change(book, known, row, number, value)
    effect = Effect(changed=True, urgent=is_urgent(row))
    if held is not None and _tells_of_reset(row, held[0], value):
        effect.events += _reset(book, known, row)
    return effect


def keep_best(book: Book, known: BoardHistory, key: str, value: float, address: str) -> None:
    """Keep the greatest value of a signal that the board had at one PCI address.

    A board that moved begins anew: the slot may be wired with fewer lanes.
    """
    best = known.bests.get(key)
    if best is not None and best[1] == address and best[0] >= value:
        return
    known.bests[key] = (value, address)
    known.version += 1
    book.store.put(BESTS, (known.number, book.signal(key), value, address))


def _keep_change(book: Book, known: BoardHistory, row: Signal, signal: int, value: Value) -> None:
    """Add a transition; of a plain counter one an hour, whose later value replaces the earlier."""
    now, key = book.timeline.now, (known.number, row.key)
    last = None if is_urgent(row) else book.changes.get(key)
    if last is None or book.timeline.elapsed(last[1], now) >= _HOUR_SECONDS:
        last = book.changes[key] = (book.number(CHANGES), now)
    book.store.put(CHANGES, (last[0], known.number, signal, value, now.boot, now.boottime))


def _tells_of_reset(row: Signal, before: Value, value: Value) -> bool:
    if row.role is Role.REMAP_PENDING:
        return bool(before) and not value
    return row.role is Role.RECOVERY_ACTION and str(before) != _NO_ACTION and str(value) == "0"


def _last_read(known: BoardHistory, row: Signal) -> Instant | None:
    """When the row was read before this sweep, by whichever cadences it was asked.

    The first sweep after a release asks everything at once: the last one that did so is long ago.
    """
    read = [
        swept.at
        for swept in known.swept.values()
        for watched, value in zip(swept.plan.watched, swept.values, strict=True)
        if watched.key == row.key and not isinstance(value, Gap)
    ]
    return max(read, key=lambda at: (at.boot, at.boottime)) if read else None


def _reset(book: Book, known: BoardHistory, row: Signal) -> tuple[Event, ...]:
    """Record a reset between the last two readings, unless it is on record already."""
    now, previous = book.timeline.now, _last_read(known, row)
    half = 0.0
    if previous is not None:
        half = max(0.0, book.timeline.elapsed(previous, now)) / 2
    recorded = [book.timeline.elapsed(reset, now) for reset in book.resets(known)]
    if any(age <= 2 * half for age in recorded):
        return ()
    instant = Instant(now.boot, now.boottime - half)
    events.reset(book, known, instant, row.role.value)
    return events.say(
        book,
        EventKind.RESET,
        known,
        f"{row.role.value} returned to none",
        instant=instant,
        seconds_before=half,
        seconds_after=half,
    )
