"""BMC store: how BMCs are loaded from the file, put into a new one, and joined to those of another.

Joining is for a file that could not be read at the start: see `joining`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.history import tables
from gpuwatch.history.bmc_logs import is_news, is_stored, keep
from gpuwatch.history.bmc_reader import ENTRIES_OF
from gpuwatch.history.bmc_sweeps import RESTARTS
from gpuwatch.history.bmcs import (
    KEPT_RESTARTS,
    RECENT_ENTRIES,
    BmcHistory,
    KeptEntry,
    LogHistory,
    bmc_of,
    bmc_row,
    entries_of,
    entry_of,
    entry_row,
    log_of,
    log_row,
)
from gpuwatch.history.book import Book
from gpuwatch.history.store import Store
from gpuwatch.history.tables import Table
from gpuwatch.history.timeline import Instant

_NEWEST_OF_LOGS = (
    "where number in (select number from (select number, row_number() over"
    " (partition by log order by told_at desc) as place from bmc_entries"
    " where told_at is not null) where place = 1)"
)
_RESTARTS = (
    f"where bmc = ? and kind in ({', '.join('?' * len(RESTARTS))}) order by number desc limit ?"
)


def load_bmcs(book: Book) -> None:
    """Take up what was told of every BMC; rows with words of a newer gpuwatch are counted."""
    store = book.store
    owners: dict[int, BmcHistory] = {}
    logs: dict[int, LogHistory] = {}
    for row in store.rows(tables.BMCS):
        with _counted(store, tables.BMCS):
            known = owners[row[0]] = bmc_of(row)
            book.bmcs[known.name] = known
    for row in store.rows(tables.BMC_LOGS):
        if row[1] in owners:
            log = logs[row[0]] = log_of(row)
            owners[row[1]].logs[log.name] = log
    for row in store.rows(tables.BMC_ENTRIES, _NEWEST_OF_LOGS) if logs else ():
        if row[1] in logs:
            logs[row[1]].newest = logs[row[1]].latest = row[4]
    for row in store.rows(tables.BMC_COUNTS):
        if row[0] in owners:
            with _counted(store, tables.BMC_COUNTS):
                owners[row[0]].counts[LogTopic(row[1]), LogSeverity(row[2])] = row[3]
    for known in owners.values():
        _load_recent(store, known, logs)
        rows = store.rows(tables.EVENTS, _RESTARTS, (known.name, *RESTARTS, KEPT_RESTARTS))
        known.restarts.extend(Instant(row[9], row[10]) for row in reversed(rows))


def _load_recent(store: Store, known: BmcHistory, logs: dict[int, LogHistory]) -> None:
    rows = store.rows(tables.BMC_ENTRIES, ENTRIES_OF, (known.number, RECENT_ENTRIES))
    for row in reversed(rows):
        with _counted(store, tables.BMC_ENTRIES):
            known.recent.append(entry_of(row, logs[row[1]].name))


@contextmanager
def _counted(store: Store, table: Table) -> Iterator[None]:
    """Pass a row over that is not understood, and count it."""
    try:
        yield
    except ValueError:
        store.unread[table.name] += 1


def put_bmcs(book: Book) -> None:
    """Put all of them that memory can tell: the file was made anew."""
    for known in book.bmcs.values():
        book.store.put(tables.BMCS, bmc_row(known))
        for log in known.logs.values():
            book.store.put(tables.BMC_LOGS, log_row(known, log))
        for kept in known.recent:
            book.store.put(tables.BMC_ENTRIES, entry_row(kept))
        for sort, count in known.counts.items():
            book.store.put(tables.BMC_COUNTS, (known.number, *sort, count))


def waiting_entries(book: Book) -> dict[int, KeptEntry]:
    """Every entry that only memory holds, by its number."""
    names = {log.number: log.name for bmc in book.bmcs.values() for log in bmc.logs.values()}
    waiting = entries_of(book.store.waiting_rows(tables.BMC_ENTRIES), names)
    recent = (kept for known in book.bmcs.values() for kept in known.recent)
    return {kept.number: kept for kept in (*waiting, *recent)}


def join_bmcs(
    begun: Book, book: Book, entries: Iterable[KeptEntry], moved: Callable[[Instant], Instant]
) -> None:
    """Take over what `begun` was told, with its `entries`; `moved` gives its instants in `book`."""
    for seen in begun.bmcs.values():
        known = book.bmcs.get(seen.name)
        if known is None:
            known = BmcHistory(book.number(tables.BMCS), seen.name)
            book.bmcs[seen.name] = known
        _join_bmc(seen, known, moved)
        book.store.put(tables.BMCS, bmc_row(known))
        mine = [kept for kept in entries if kept.log in {log.number for log in seen.logs.values()}]
        for log in seen.logs.values():
            _join_log(book, known, log, [kept for kept in mine if kept.log == log.number], moved)


def _join_bmc(seen: BmcHistory, known: BmcHistory, moved: Callable[[Instant], Instant]) -> None:
    replaced = known.serial and seen.serial and known.serial != seen.serial
    known.serial, known.firmware = seen.serial or known.serial, seen.firmware or known.firmware
    if seen.power is not None and (replaced or seen.power is not known.power):
        known.power, known.power_since = seen.power, moved(seen.power_since)
    known.seen_well = seen.seen_well | (frozenset() if replaced else known.seen_well)
    known.restarts.extend(map(moved, seen.restarts))
    known.skew, known.swept = seen.skew, moved(seen.swept)
    known.version += 1


def _join_log(
    book: Book,
    known: BmcHistory,
    seen: LogHistory,
    entries: Iterable[KeptEntry],
    moved: Callable[[Instant], Instant],
) -> None:
    """Add what the file does not hold. What came after its last entry is no baseline."""
    log = known.logs.get(seen.name)
    if log is None:
        log = known.logs[seen.name] = LogHistory(book.number(tables.BMC_LOGS), seen.name)
    log.cleared += seen.cleared
    log.wrapped += seen.wrapped
    for kept in sorted(entries, key=lambda one: one.number):
        digest = log.digest(kept.entry)
        if not is_stored(book, log, digest):
            added = replace(
                kept,
                number=book.number(tables.BMC_ENTRIES),
                log=log.number,
                digest=digest,
                instant=moved(kept.instant),
                baseline=kept.baseline and not is_news(log, kept.entry),
            )
            keep(book, known, added)
            log.follow(kept.entry.told_at)
    log.position, log.read, log.founded = seen.position, moved(seen.read), seen.founded
    log.newest = log.latest
    book.store.put(tables.BMC_LOGS, log_row(known, log))
