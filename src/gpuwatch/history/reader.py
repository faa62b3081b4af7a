"""Reader: what history remembers, in the domain's values; for the agent and, alone, for the CLI."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import Event
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.incidents import Memory
from gpuwatch.domain.records import (
    BoardRecord,
    Held,
    SeriesPoint,
    Transition,
    VerdictSince,
    XidCount,
)
from gpuwatch.domain.verdicts import Finding
from gpuwatch.domain.xids import XidTrace
from gpuwatch.history import xid_traces
from gpuwatch.history.boards import BoardHistory, Occurrences
from gpuwatch.history.book import Book, Logged
from gpuwatch.history.flags import audit_of
from gpuwatch.history.happenings import HappeningsReader
from gpuwatch.history.ledger import as_incident
from gpuwatch.history.load import load
from gpuwatch.history.plans import TOTAL
from gpuwatch.history.rule_sets import judged_from
from gpuwatch.history.series import SeriesBook
from gpuwatch.history.store import Store
from gpuwatch.history.tables import AUDIT, CHANGES, LOSSES
from gpuwatch.history.timeline import Instant, Timeline

_XID = "xid"
_SXID = "sxid"
# A board is named by both parts of its key, SERIAL/UUID.
_AUDIT_OF = (
    "where at >= ?1 and (?2 = '' or subject = ?2 or instr('/' || subject || '/', '/' || ?2 || '/'))"
    " order by number desc limit ?3"
)


class Reader(HappeningsReader):
    """Reading access to a book. `Reader.open` is for the CLI when no agent runs."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self._series = SeriesBook(book)
        self._records: dict[int, tuple[tuple[int, int, str], BoardRecord]] = {}
        self._events: tuple[tuple[object, ...], tuple[Event, ...]] | None = None
        self._losses: tuple[tuple[object, ...], tuple[tuple[float, str], ...]] | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the history at `path` as it is now. Raises HistoryError when it cannot be read."""
        return cls(load(Store.reading(path)))

    @property
    def edition(self) -> tuple[str, int]:
        """Another one when numbers or dates changed, so that what was read is to be read again.

        A step of the clock moves dates; a file that could be opened late brings its own numbers.
        """
        return self._book.lineage, self._book.timeline.version

    def records(self) -> Mapping[BoardKey, BoardRecord]:
        """Everything remembered, by board; built anew only for boards that changed."""
        return {known.board.key: self._record(known) for known in self._book.boards.values()}

    def record(self, key: BoardKey) -> BoardRecord | None:
        """What is remembered of one board; also found when only one side knows the serial."""
        known = self._book.find(key)
        return None if known is None else self._record(known)

    def recent_events(self, limit: int, board: BoardKey | None = None) -> tuple[Event, ...]:
        """The latest events, most recent first; of one board, or of the whole host."""
        if board is not None:
            known = self._book.find(board)
            return self._dated(self._book.recent_of.get(known.number, ()) if known else (), limit)
        recent = self._book.recent
        latest = recent[-1] if recent else None
        # Asked at every sweep, and new ones are rare.
        told = (self._book, latest, limit, self._book.timeline.version)
        if self._events is None or self._events[0] != told:
            self._events = (told, self._dated(recent, limit))
        return self._events[1]

    def _dated(self, kept: Iterable[Logged], limit: int) -> tuple[Event, ...]:
        logged = list(kept)
        return tuple(
            _redated(one.event, one.instant, self._book.timeline)
            for one in reversed(logged[-limit:] if limit else [])
        )

    def series(self, board: BoardKey, since: float) -> tuple[SeriesPoint, ...]:
        """The five-minute buckets of a board from Unix second `since` on, in order."""
        known = self._book.find(board)
        return self._series.read(known.number, since) if known else ()

    def transitions(self, board: BoardKey, key: str | None = None) -> tuple[Transition, ...]:
        """The values that signals kept by their changes took, in order; of one `key` or of all."""
        known, store, timeline = self._book.find(board), self._book.store, self._book.timeline
        if known is None:
            return ()
        rows = store.every_row(CHANGES, "where board = ?", (known.number,))
        names = {number: name for name, number in self._book.signals.items()}
        return tuple(
            Transition(names[signal], value, timeline.wall(Instant(boot, boottime)))
            for _, owner, signal, value, boot, boottime in rows
            if owner == known.number and signal in names and key in (None, names[signal])
        )

    def sxids(self) -> Mapping[int, int]:
        """How often each NVSwitch error was reported on this host."""
        counts: dict[int, int] = {}
        for owner in (self._book.host_xids, *(b.xids for b in self._book.boards.values())):
            for (kind, code, _), seen in owner.items():
                if kind == _SXID:
                    counts[code] = counts.get(code, 0) + seen.count
        return counts

    def host_xids(self) -> Mapping[tuple[int, str], XidCount]:
        """Xids that no board could be named for, by (code, source)."""
        return _xids(self._book.host_xids, self._book.timeline)

    def sxid_traces(self) -> Mapping[int, tuple[XidTrace, ...]]:
        """The latest NVSwitch errors of this host by code, oldest first."""
        return xid_traces.traces(self._book, None, _SXID)

    def kernel_log_position(self) -> tuple[str, int] | None:
        """The boot id and sequence number of the last kernel-log record that was taken."""
        return self._book.kernel_log

    def verdicts(self) -> Mapping[str, VerdictSince]:
        """The latest verdict of each subject."""
        timeline = self._book.timeline
        return {
            subject: replace(kept, since=timeline.wall(instant))
            for subject, (kept, instant) in self._book.verdicts.items()
        }

    def rule_set(self) -> tuple[str, float] | None:
        """The version of the rules that judges, and the Unix seconds of its installation.

        Those are 0 where nobody wrote it down. None before any version judged.
        """
        kept, timeline = self._book.rule_set, self._book.timeline
        return None if kept is None else (kept.version, timeline.wall(kept.installed))

    def latched_findings(self) -> tuple[Finding, ...]:
        """Findings that outlive the readings they came from."""
        return tuple(self._book.latched.values())

    def flags(self) -> tuple[Flag, ...]:
        """All flags, closed ones too, by number."""
        return tuple(self._book.flags[number] for number in sorted(self._book.flags))

    def audit(
        self, limit: int = 1000, *, since: float = 0.0, subject: str = ""
    ) -> tuple[AuditRecord, ...]:
        """The latest audit records, the oldest of them first; from Unix second `since` on.

        `subject` limits them to one: "flag 3", a board's serial or UUID, a maintenance.
        """
        if not limit:
            return ()
        rows = self._book.store.rows(AUDIT, _AUDIT_OF, (since, subject, limit))
        kept = {row[0]: audit_of(row) for row in rows}
        kept |= {
            record.number: record
            for record, _ in self._book.audit
            if record.at >= since and (not subject or _is_about(record, subject))
        }
        return tuple(kept[number] for number in sorted(kept)[-limit:])

    def flag_audit(self) -> Mapping[int, tuple[AuditRecord, ...]]:
        """By the number of the flag: the latest audit records about it, the oldest first."""
        return {number: tuple(records) for number, records in self._book.flag_audit.items()}

    def losses(self) -> tuple[tuple[float, str], ...]:
        """When history was lost (Unix seconds) and what is known of it, oldest first."""
        store, timeline = self._book.store, self._book.timeline
        told = (self._book, self._book.numbers.get(LOSSES.name), timeline.version)
        if self._losses is None or self._losses[0] != told:
            dated = tuple(
                (timeline.wall(Instant(boot, boottime)), detail)
                for _, boot, boottime, detail in store.every_row(LOSSES)
            )
            self._losses = (told, dated)
        return self._losses[1]

    @property
    def size_bytes(self) -> int:
        """What history takes on disk."""
        return self._book.store.size_bytes

    def close(self) -> None:
        """Close the file."""
        self._book.store.close()

    def _record(self, known: BoardHistory) -> BoardRecord:
        version = (known.version, self._book.timeline.version, self._book.epoch_key)
        last_seen = self._book.timeline.wall(known.last_seen)
        cached = self._records.get(known.number)
        if cached is None or cached[0] != version:
            record = _build(known, self._book)
        elif cached[1].exposure_seconds == known.exposure and cached[1].last_seen == last_seen:
            return cached[1]
        else:
            record = cached[1].seen(known.exposure, last_seen)
        self._records[known.number] = (version, record)
        return record


def _build(known: BoardHistory, book: Book) -> BoardRecord:
    timeline = book.timeline
    reset = timeline.latest(book.resets(known))
    start = book.epoch_start()
    falls = [fall for fall in known.off_bus if fall.boot == start.boot and fall >= start]
    successor = None if known.successor is None else book.boards.get(known.successor)
    return BoardRecord(
        board=known.board,
        slot=known.slot,
        index=known.index,
        state=known.state,
        first_seen=timeline.wall(known.first_seen),
        last_seen=timeline.wall(known.last_seen),
        exposure_seconds=known.exposure,
        incidents=tuple(as_incident(known, case, timeline) for case in known.cases),
        errors=_errors(known),
        prior={counter: counted.count.prior for counter, counted in known.counts.items()},
        unattributed=known.unattributed,
        xids=_xids(known.xids, timeline),
        traces=xid_traces.traces(book, known, _XID),
        held={
            key: Held(value, timeline.wall(since), timeline.is_after(reset, since))
            for key, (value, since) in known.held.items()
        },
        bests=known.bests_here,
        last_reset_at=None if reset is None else timeline.wall(reset),
        off_bus_at=tuple(timeline.wall(instant) for instant in known.off_bus),
        fell_at=timeline.wall(max(falls)) if falls else None,
        reset_since_incident=bool(known.cases)
        and all(timeline.is_after(reset, report.instant) for report in known.cases[-1].reports),
        judged_from=judged_from(known, timeline),
        departure=known.departure,
        successor=None if successor is None else successor.board.key,
        returned_at=None if known.returned is None else timeline.wall(known.returned),
        flagged_before_return=book.flagged_before_return(known),
    )


def _errors(known: BoardHistory) -> dict[Memory, int]:
    totals = {counter: counted.count.total for counter, counted in known.counts.items()}
    dram, sram = totals.get("dram", 0), totals.get("sram", 0)
    unknown = max(0, totals.get(TOTAL, 0) - dram - sram)
    return {Memory.DRAM: dram, Memory.SRAM: sram, Memory.UNKNOWN: unknown}


def _is_about(record: AuditRecord, subject: str) -> bool:
    return record.subject == subject or subject in record.subject.split("/")


def _xids(
    seen: Mapping[tuple[str, int, str], Occurrences], timeline: Timeline
) -> dict[tuple[int, str], XidCount]:
    return {
        (code, source): XidCount(
            occurrences.count, timeline.wall(occurrences.first), timeline.wall(occurrences.last)
        )
        for (kind, code, source), occurrences in seen.items()
        if kind == _XID
    }


def _redated(event: Event, instant: Instant, timeline: Timeline) -> Event:
    """The event by the timeline's latest word on the wall clock of its boot."""
    at = timeline.wall(instant)
    moved = at - event.at
    if not moved:
        return event
    return replace(
        event,
        at=at,
        not_before=None if event.not_before is None else event.not_before + moved,
        not_after=None if event.not_after is None else event.not_after + moved,
    )
