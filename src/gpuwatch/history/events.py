"""Events: stored once per occurrence, counted always, and thinned out when they flood."""

from dataclasses import replace

from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.incidents import ErrorKind, Memory
from gpuwatch.history import xid_traces
from gpuwatch.history.boards import BoardHistory, Exact, Occurrences, Report
from gpuwatch.history.book import HOST, Book, Flood, Logged
from gpuwatch.history.rows import event_row, xid_row
from gpuwatch.history.tables import ERROR_SIGNALS, EVENTS, OFF_BUS, RESETS, XIDS
from gpuwatch.history.timeline import Instant

# https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
_OWNERS: dict[int, tuple[ErrorKind, Memory]] = {
    48: (ErrorKind.XID_48, Memory.UNKNOWN),
    171: (ErrorKind.XID_171, Memory.DRAM),
    172: (ErrorKind.XID_172, Memory.SRAM),
}
_ECHOES: dict[int, ErrorKind] = {
    94: ErrorKind.XID_94,
    95: ErrorKind.XID_95,
    140: ErrorKind.XID_140,
}
# Codes that the driver logs when an uncorrectable error happens: their instant dates the error.
DATING = frozenset({*_OWNERS, *_ECHOES, 63, 64})

_STORED_PER_HOUR = 10
_HOUR_SECONDS = 3600.0
_EXACT_INSTANTS = 16
# A board off the bus may answer from caches for a moment.
_STALE_SECONDS = 60.0
_COUNTED = frozenset({EventKind.XID, EventKind.SXID})
KEPT_RESETS = 200


def store(book: Book, known: BoardHistory | None, event: Event, instant: Instant) -> bool:
    """Count an event and keep it; False when it is one too many of its sort within the hour."""
    board = HOST if known is None else known.number
    if event.kind in _COUNTED and event.code is not None:
        _count(book, known, event, instant)
        if known is None or not book.precedes_sight(known, instant):
            xid_traces.follow(book, known, event, instant)
    key = (board, event.bmc, event.kind.value, event.code, event.source.value)
    hour = Instant(instant.boot, instant.boottime // _HOUR_SECONDS)
    flood = book.floods.get(key)
    if flood is None or flood.hour != hour:
        flood = book.floods[key] = Flood(hour, 0)
    flood.stored += 1
    if flood.stored > _STORED_PER_HOUR:
        return False
    number = book.number(EVENTS)
    book.store.put(EVENTS, event_row(number, board, instant, event))
    book.log(Logged(number, instant, board, event))
    return True


def say(
    book: Book,
    kind: EventKind,
    known: BoardHistory | None,
    detail: str,
    *,
    instant: Instant | None = None,
    seconds_before: float = 0.0,
    seconds_after: float = 0.0,
    bmc: str = "",
) -> tuple[Event, ...]:
    """An event of gpuwatch's own, stored; empty when it is one too many of its sort."""
    place = book.timeline.now if instant is None else instant
    at = book.timeline.wall(place)
    event = Event(
        kind=kind,
        at=at,
        source=EventSource.GPUWATCH,
        identity=f"gpuwatch/{book.lineage}/{book.numbers.get(EVENTS.name, 0) + 1}",
        boot_id=book.timeline.boot_id(place),
        board=None if known is None else known.board.key,
        pci_address="" if known is None or known.slot is None else known.slot.pci_address,
        detail=detail,
        not_before=at - seconds_before if seconds_before else None,
        not_after=at + seconds_after if seconds_after else None,
        boottime=place.boottime,
        bmc=bmc,
    )
    return (event,) if store(book, known, event, place) else ()


def report_of(book: Book, known: BoardHistory, event: Event, instant: Instant) -> Report | None:
    """The error signal that an event is for its board, None for other events."""
    if event.kind is EventKind.DOUBLE_BIT_ERROR:
        kind, memory = ErrorKind.DOUBLE_BIT_EVENT, Memory.UNKNOWN
    elif event.kind is not EventKind.XID or event.code is None:
        return None
    elif event.code in _OWNERS:
        kind, memory = _OWNERS[event.code]
    elif event.code in _ECHOES:
        kind, memory = _ECHOES[event.code], Memory.UNKNOWN
    else:
        return None
    return Report(
        number=book.number(ERROR_SIGNALS),
        kind=kind,
        instant=instant,
        exposure=known.exposure_at(instant),
        seconds_before=max(0.0, event.at - event.earliest),
        seconds_after=max(0.0, event.latest - event.at),
        memory=memory,
    )


def dates(event: Event) -> bool:
    """Whether the event's instant is that of an uncorrectable error, by the driver's own log."""
    return (
        event.source is EventSource.KERNEL_LOG
        and event.kind is EventKind.XID
        and event.code in DATING
        and event.earliest == event.latest
    )


def is_echo(code: int | None) -> bool:
    """Whether a board reports this Xid for a peer's errors, too."""
    return code in _ECHOES


def remember_exact(known: BoardHistory, exact: Exact) -> None:
    """Keep an instant by which a counter's rise may be dated later."""
    known.exact.append(exact)
    del known.exact[:-_EXACT_INSTANTS]


def fall_off(book: Book, known: BoardHistory, instant: Instant) -> None:
    """Record that a board fell off the bus; many lines say so, it falls once until it is back."""
    last = next((fall for fall in reversed(known.off_bus) if fall.boot == instant.boot), None)
    if last is not None and not _is_back(known, last):
        return
    known.off_bus.append(instant)
    book.store.put(OFF_BUS, (book.number(OFF_BUS), known.number, instant.boot, instant.boottime))


def _is_back(known: BoardHistory, fall: Instant) -> bool:
    """Whether it was read again in the boot in which it fell: no other boot's clock tells."""
    read = known.last_read
    if read is None or read.boot != fall.boot:
        return False
    return read.boottime > fall.boottime + _STALE_SECONDS


def reset(book: Book, known: BoardHistory | None, instant: Instant, evidence: str) -> None:
    """Record the evidence of a reset of one board, or of all (None)."""
    resets = book.host_resets if known is None else known.resets
    resets.append(instant)
    del resets[:-KEPT_RESETS]
    board = HOST if known is None else known.number
    book.store.put(RESETS, (book.number(RESETS), board, instant.boot, instant.boottime, evidence))


def _count(book: Book, known: BoardHistory | None, event: Event, instant: Instant) -> None:
    counts = book.host_xids if known is None else known.xids
    key = (event.kind.value, event.code or 0, event.source.value)
    seen = counts.get(key)
    if seen is None:
        seen = counts[key] = Occurrences(0, instant, instant)
    seen.count += 1
    seen.last = instant
    book.store.put(XIDS, xid_row(HOST if known is None else known.number, key, seen))


def owned(event: Event, known: BoardHistory | None) -> Event:
    """The event with its board named."""
    return event if known is None else replace(event, board=known.board.key)
