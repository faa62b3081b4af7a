"""BMC logs: entries are taken once each, counted for good, and dated by our own clock.

A log's first entries are its baseline: they happened before anybody looked. The baseline lasts
until a sweep has followed it, so that no kill in the middle of it makes old entries new.
"""

from dataclasses import dataclass, field

from gpuwatch.domain.bmc_logs import LogBatch, LogEntry
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.history import events
from gpuwatch.history.bmcs import (
    BmcHistory,
    KeptEntry,
    LogHistory,
    bounded,
    entry_row,
    log_row,
)
from gpuwatch.history.book import Book
from gpuwatch.history.tables import BMC_COUNTS, BMC_ENTRIES, BMC_LOGS
from gpuwatch.history.timeline import Instant

# An entry may be written down late, but not by more: its BMC's clock was set since.
_LATE_SECONDS = 3600.0


@dataclass(slots=True)
class Taken:
    """What was new: entries in order, and events."""

    entries: list[KeptEntry] = field(default_factory=list)
    events: tuple[Event, ...] = ()


def take(book: Book, known: BmcHistory, batch: LogBatch, now: Instant) -> Taken:
    """Take one delivery; its rows wait to be committed. What was taken before changes nothing."""
    log = known.logs.get(batch.log)
    if log is None:
        log = known.logs[batch.log] = LogHistory(book.number(BMC_LOGS), batch.log)
    taken, reading = Taken(), _Reading(book, known, log, now)
    waiting = {row[1:3] for row in book.store.waiting_rows(BMC_ENTRIES)}
    if log.founded and batch.position != log.position:
        taken.events = _say_losses(book, known, log, batch)
    for told in batch.entries:
        entry = bounded(told)
        digest = log.digest(entry)
        if (log.number, digest) not in waiting and not _is_kept(book, known, log, digest):
            kept = reading.kept(entry, digest, anew=batch.baseline)
            keep(book, known, kept)
            log.follow(entry.told_at)
            taken.entries.append(kept)
    if taken.entries or taken.events or batch.position != log.position:
        log.position, log.read = batch.position, now
        book.store.put(BMC_LOGS, log_row(known, log))
        known.version += 1
    return taken


def keep(book: Book, known: BmcHistory, kept: KeptEntry) -> None:
    """Keep an entry among the recent ones and in the store, and count it unless it is baseline."""
    known.recent.append(kept)
    book.store.put(BMC_ENTRIES, entry_row(kept))
    if not kept.baseline:
        sort = (kept.entry.topic, kept.entry.severity)
        known.counts[sort] = known.counts.get(sort, 0) + 1
        book.store.put(BMC_COUNTS, (known.number, *sort, known.counts[sort]))


def found(book: Book, known: BmcHistory, now: Instant) -> None:
    """A sweep followed the deliveries: what was told of each log so far is told."""
    for log in known.logs.values():
        log.read, log.newest = now, log.latest
        if not log.founded:
            log.founded = True
            book.store.put(BMC_LOGS, log_row(known, log))


def unfound(book: Book, known: BmcHistory) -> None:
    """Another machine answers under this name: whatever its logs hold is a baseline."""
    for log in known.logs.values():
        log.founded, log.newest, log.latest = False, None, None
        book.store.put(BMC_LOGS, log_row(known, log))


def is_news(log: LogHistory, entry: LogEntry) -> bool:
    """Whether an entry of a log that is read anew was not there at the sweep before."""
    if not log.founded or entry.told_at is None or log.newest is None:
        return False
    return entry.told_at > log.newest


def is_stored(book: Book, log: LogHistory, digest: bytes) -> bool:
    """Whether the file has the entry of this digest."""
    tail = "where log = ? and digest = ?"
    return bool(book.store.rows(BMC_ENTRIES, tail, (log.number, digest)))


def _say_losses(
    book: Book, known: BmcHistory, log: LogHistory, batch: LogBatch
) -> tuple[Event, ...]:
    said: tuple[Event, ...] = ()
    if batch.cleared:
        log.cleared += 1
        detail = f"{log.name}: somebody emptied this log"
        said += events.say(book, EventKind.LOG_CLEARED, None, detail, bmc=known.name)
    if batch.wrapped:
        log.wrapped += 1
        detail = f"{log.name}: entries were overwritten before they could be read"
        said += events.say(book, EventKind.LOG_WRAPPED, None, detail, bmc=known.name)
    return said


def _is_kept(book: Book, known: BmcHistory, log: LogHistory, digest: bytes) -> bool:
    """Whether an entry is in memory or in the file."""
    if any(kept.digest == digest and kept.log == log.number for kept in known.recent):
        return True
    return is_stored(book, log, digest)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One log, read now."""

    book: Book
    known: BmcHistory
    log: LogHistory
    now: Instant

    def kept(self, entry: LogEntry, digest: bytes, *, anew: bool) -> KeptEntry:
        """An entry under its number; `anew` when the log is read from its start."""
        baseline = not self.log.founded or (anew and not is_news(self.log, entry))
        return KeptEntry(
            number=self.book.number(BMC_ENTRIES),
            log=self.log.number,
            digest=digest,
            entry=entry,
            instant=self.now,
            age=self._age(entry, baseline=baseline),
            baseline=baseline,
        )

    def _age(self, entry: LogEntry, *, baseline: bool) -> float:
        """By how many seconds an entry is older than its first reading; 0 where nobody can tell.

        It is never younger, and no older than the last reading of the log: it was not there then.
        """
        if entry.told_at is None:
            return 0.0
        timeline, skew = self.book.timeline, self.known.skew or 0.0
        age = max(0.0, timeline.wall(self.now) - (entry.told_at - skew))
        if not baseline and age > timeline.elapsed(self.log.read, self.now) + _LATE_SECONDS:
            return 0.0
        return age
