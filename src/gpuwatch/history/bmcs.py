"""BMCs: what history holds in memory of each of them, and how that becomes rows and back."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from gpuwatch.domain.bmc_logs import LogEntry, LogSeverity, LogTopic
from gpuwatch.history.boards import NOWHERE
from gpuwatch.history.rows import Stored
from gpuwatch.history.tables import Row
from gpuwatch.history.timeline import Instant

RECENT_ENTRIES = 200
KEPT_RESTARTS = 16
# What is kept of an entry, in characters: the law of the file's size is for hostile BMCs, too.
_TEXT = 500
_NAME = 200
_RAW = 2_000
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry of a log as it is kept: first read at `instant`, `age` seconds after it happened."""

    number: int
    log: int
    digest: bytes
    entry: LogEntry
    instant: Instant
    age: float
    baseline: bool


@dataclass(slots=True)
class LogHistory:
    """One log of a BMC.

    `read` is when it is known to have been read to its end. It is `founded` once a sweep followed
    its first entries: those before are the baseline, however many deliveries they took. `newest` is
    what the BMC's clock said of the latest entry of the sweeps before, `latest` of this one.
    `cleared` counts how often somebody emptied it: record numbers begin anew with each time.
    """

    number: int
    name: str
    position: str = ""
    founded: bool = False
    read: Instant = NOWHERE
    cleared: int = 0
    wrapped: int = 0
    newest: float | None = None
    latest: float | None = None

    def digest(self, entry: LogEntry) -> bytes:
        """What is equal for two deliveries of one entry, and for no other entry of this log."""
        told = "" if entry.told_at is None else repr(float(entry.told_at))
        words = "\0".join((str(self.cleared), entry.record, told, entry.raw))
        return blake2b(words.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()

    def follow(self, told_at: float | None) -> None:
        """Note what the BMC's clock said of an entry."""
        if told_at is not None:
            self.latest = told_at if self.latest is None else max(self.latest, told_at)


@dataclass(slots=True)
class BmcHistory:
    """One BMC. `skew` is by how many seconds its clock was ahead at the last sweep, at `swept`.

    It is `starting` while its sweeps say so.
    """

    number: int
    name: str
    serial: str = ""
    firmware: str = ""
    power: bool | None = None
    power_since: Instant = NOWHERE
    restarts: deque[Instant] = field(default_factory=lambda: deque(maxlen=KEPT_RESTARTS))
    seen_well: frozenset[str] = frozenset()
    starting: bool = False
    skew: float | None = None
    swept: Instant = NOWHERE
    logs: dict[str, LogHistory] = field(default_factory=dict)
    counts: dict[tuple[LogTopic, LogSeverity], int] = field(default_factory=dict)
    recent: deque[KeptEntry] = field(default_factory=lambda: deque(maxlen=RECENT_ENTRIES))
    version: int = 0


def bounded(entry: LogEntry) -> LogEntry:
    """The entry in no more words than are kept of one."""
    return replace(
        entry,
        record=entry.record[:_NAME],
        text=entry.text[:_TEXT],
        sensor=entry.sensor[:_NAME],
        sensor_key=entry.sensor_key[:_NAME],
        raw=entry.raw[:_RAW],
    )


def bmc_row(known: BmcHistory) -> Row:
    """A BMC's row."""
    return (
        known.number,
        known.name,
        known.serial,
        known.firmware,
        None if known.power is None else int(known.power),
        known.power_since.boot,
        known.power_since.boottime,
        json.dumps(sorted(known.seen_well)),
    )


def bmc_of(row: Stored) -> BmcHistory:
    """A BMC from its row; its logs and the rest are added by who loads them."""
    number, name, serial, firmware, power, power_boot, power_at, seen_well = row
    return BmcHistory(
        number=number,
        name=name,
        serial=serial,
        firmware=firmware,
        power=None if power is None else bool(power),
        power_since=Instant(power_boot, power_at),
        seen_well=frozenset(json.loads(seen_well)),
    )


def log_row(known: BmcHistory, log: LogHistory) -> Row:
    """The row of one log."""
    return (
        log.number,
        known.number,
        log.name,
        log.position,
        int(log.founded),
        log.read.boot,
        log.read.boottime,
        log.cleared,
        log.wrapped,
    )


def log_of(row: Stored) -> LogHistory:
    """One log from its row."""
    number, _, name, position, founded, boot, boottime, cleared, wrapped = row
    read = Instant(boot, boottime)
    return LogHistory(number, name, position, bool(founded), read, cleared, wrapped)


def entry_row(kept: KeptEntry) -> Row:
    """An entry's row."""
    entry = kept.entry
    return (
        kept.number,
        kept.log,
        kept.digest,
        entry.record,
        entry.told_at,
        entry.topic.value,
        entry.severity.value,
        entry.text,
        entry.sensor,
        entry.sensor_key,
        None if entry.asserted is None else int(entry.asserted),
        entry.raw,
        kept.instant.boot,
        kept.instant.boottime,
        kept.age,
        int(kept.baseline),
    )


def entry_of(row: Stored, log: str) -> KeptEntry:
    """An entry of the log of that name, from its row."""
    number, owner, digest, record, told_at, topic, severity, text, sensor, key = row[:10]
    asserted, raw, boot, boottime, age, baseline = row[10:]
    entry = LogEntry(
        log=log,
        record=record,
        told_at=told_at,
        topic=LogTopic(topic),
        severity=LogSeverity(severity),
        text=text,
        sensor=sensor,
        sensor_key=key,
        asserted=None if asserted is None else bool(asserted),
        raw=raw,
    )
    return KeptEntry(number, owner, digest, entry, Instant(boot, boottime), age, bool(baseline))


def entries_of(rows: Iterable[Stored], logs: Mapping[int, str]) -> Iterator[KeptEntry]:
    """The entries of these rows that belong to one of the `logs`, whose names are by number."""
    return (entry_of(row, logs[row[1]]) for row in rows if row[1] in logs)
