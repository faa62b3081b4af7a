"""Xid traces: the Xids of one device in bounded memory, so that rules can tell how they came about.

Occurrences that are alike (see XidTrace) are one entry. A storm of one program therefore grows a
count, and cannot push out the days before it: of a day, code and advice a few entries are kept, of
a code the latest entries, of a device the latest codes. All bounds are counts: no clock deletes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gpuwatch.domain.events import Event
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.xids import XidAdvice, XidTrace
from gpuwatch.history.boards import Alike, BoardHistory
from gpuwatch.history.book import HOST, Book
from gpuwatch.history.rows import Stored
from gpuwatch.history.tables import XID_TRACES, Row
from gpuwatch.history.timeline import Instant, Timeline

ENTRIES_A_CODE = 16
ENTRIES_A_DAY = 4
CODES_A_DEVICE = 64

Traces = dict[tuple[str, int], list[Alike]]
_Place = tuple[bool, float]


def follow(book: Book, known: BoardHistory | None, event: Event, instant: Instant) -> None:
    """Take one occurrence into the traces of its board, or of the host (None)."""
    entry = Alike(
        number=0,
        process=event.process,
        subcode=event.subcode,
        advice=event.advice,
        count=1,
        first=instant,
        last=instant,
    )
    take(book, known, (event.kind.value, event.code or 0), entry)


def take(book: Book, known: BoardHistory | None, key: tuple[str, int], entry: Alike) -> None:
    """Put an entry where it belongs: into one that is alike, or behind the others of its code."""
    kept = book.host_traces if known is None else known.traces
    entries = kept.setdefault(key, [])
    resets = _Resets(book, known)
    day, life = _day(book, entry.last), resets.since(entry.last)
    today = [
        each
        for each in entries
        if each.advice is entry.advice
        and _day(book, each.last) == day
        and resets.since(each.last) == life
    ]
    alike = next((each for each in today if each.words == entry.words), None)
    if alike is None and len(today) >= ENTRIES_A_DAY:
        alike = today[-1]
    if alike is None:
        entry.number = book.number(XID_TRACES)
        entries.append(alike := entry)
    else:
        alike.count += entry.count
        if book.timeline.is_after(alike.first, entry.first):
            alike.first = entry.first
        if book.timeline.is_after(entry.last, alike.last):
            alike.last = entry.last
    book.store.put(XID_TRACES, row_of(known, key, alike))
    _bound(book, kept, entries)


def rows_of(known: BoardHistory | None, kept: Traces) -> Iterator[Row]:
    """Every entry as the store keeps it."""
    return (row_of(known, key, entry) for key, entries in kept.items() for entry in entries)


def row_of(known: BoardHistory | None, key: tuple[str, int], entry: Alike) -> Row:
    """One entry's row."""
    return (
        entry.number,
        HOST if known is None else known.number,
        *key,
        entry.process,
        entry.subcode,
        entry.advice.value,
        entry.count,
        entry.first.boot,
        entry.first.boottime,
        entry.last.boot,
        entry.last.boottime,
    )


def load(book: Book, row: Stored) -> None:
    """Put a stored row among the traces. Raises ValueError for an advice of a newer gpuwatch."""
    number, board, kind, code, process, subcode, advice, count = row[:8]
    entry = Alike(
        number=number,
        process=process,
        subcode=subcode,
        advice=XidAdvice(advice),
        count=count,
        first=Instant(row[8], row[9]),
        last=Instant(row[10], row[11]),
    )
    known = book.boards.get(board)
    if known is None and board != HOST:
        return
    kept = book.host_traces if known is None else known.traces
    kept.setdefault((kind, code), []).append(entry)


def traces(book: Book, known: BoardHistory | None, kind: str) -> Mapping[int, tuple[XidTrace, ...]]:
    """What rules may know of a device's Xids, or of the host's SXids, by code, oldest first."""
    kept = book.host_traces if known is None else known.traces
    if not kept:
        return {}
    resets, timeline = _Resets(book, known), book.timeline
    return {
        code: tuple(
            XidTrace(
                code=code,
                advice=entry.advice,
                count=entry.count,
                first_at=timeline.wall(entry.first),
                last_at=timeline.wall(entry.last),
                process=entry.process,
                subcode=entry.subcode,
                resets_since=resets.since(entry.last),
            )
            for entry in entries
        )
        for (of_kind, code), entries in kept.items()
        if of_kind == kind
    }


@dataclass(slots=True)
class _Resets:
    """The evidenced resets of a device in order, to count those after an instant."""

    _timeline: Timeline
    _places: list[_Place]

    def __init__(self, book: Book, known: BoardHistory | None) -> None:
        self._timeline = book.timeline
        resets: Iterable[Instant] = book.host_resets if known is None else book.resets(known)
        self._places = sorted(map(self._place, resets))

    def since(self, instant: Instant) -> int:
        """How many resets came after `instant`; a boot since then is one, whether seen or not."""
        place = self._place(instant)
        after = len(self._places) - bisect_right(self._places, place)
        return after if place[0] else max(after, 1)

    def _place(self, instant: Instant) -> _Place:
        """This boot comes after all others, which only the wall clock orders."""
        current = self._timeline.current
        if current is None or instant.boot == current.number:
            return True, self._timeline.wall(instant)
        return False, self._timeline.wall(instant)


def _bound(book: Book, kept: Traces, entries: list[Alike]) -> None:
    while len(entries) > ENTRIES_A_CODE:
        book.store.drop(XID_TRACES, (entries.pop(0).number,))
    if len(kept) > CODES_A_DEVICE:
        stalest = min(kept, key=lambda key: kept[key][-1].number)
        for entry in kept.pop(stalest):
            book.store.drop(XID_TRACES, (entry.number,))


def _day(book: Book, instant: Instant) -> int:
    return int(book.timeline.wall(instant) // SECONDS_PER_DAY)
