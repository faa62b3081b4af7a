"""Keeper: what rules and people decided is written down: verdicts, findings, flags, audit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpuwatch.domain.acceptances import Acceptance, AcceptanceState
from gpuwatch.domain.audit import AuditRecord, Deed
from gpuwatch.domain.captures import Capture, Occasion
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.flag_audit import flag_record
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.known_boards import KnownBoard
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardState, Departure, VerdictSince
from gpuwatch.domain.verdicts import Finding, Verdict
from gpuwatch.history import events, rule_sets, tables
from gpuwatch.history.book import Book
from gpuwatch.history.captures import capture_row, first_too_many, unsettled_of, updated_row
from gpuwatch.history.copies import Copier
from gpuwatch.history.flags import audit_row, finding_row, flag_row
from gpuwatch.history.proofs import put_acceptance, put_known
from gpuwatch.history.reader import Reader
from gpuwatch.history.rows import board_row


class Keeper(Reader):
    """A reader that also keeps decisions. `on_audit` is told of every audit record, once."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self._copier = Copier(book.store.path)
        self.on_audit: Callable[[AuditRecord], None] = lambda _record: None

    @property
    def path(self) -> Path:
        """Where the file is, for who reads beside us."""
        return self._book.store.path

    @property
    def is_written(self) -> bool:
        """Whether all that was decided is on the disk, and none of it waits in memory."""
        return self._book.store.writable and not self._book.store.waiting

    def save_verdict(self, subject: str, verdict: Verdict, reason: str, at: Moment) -> None:
        """Keep the verdict of a subject (a board's UUID, "" for the host) if it is another one."""
        book, now = self._book, self._book.note(at)
        kept = book.verdicts.get(subject)
        if kept is not None and (kept[0].verdict, kept[0].reason) == (verdict, reason):
            return
        same = kept is not None and kept[0].verdict is verdict
        since = kept[1] if kept is not None and same else now
        book.verdicts[subject] = (VerdictSince(verdict, reason, book.timeline.wall(since)), since)
        row = (book.number(tables.VERDICTS), subject, verdict.value, reason)
        book.store.put(tables.VERDICTS, (*row, since.boot, since.boottime))
        book.commit()

    def install_rules(self, version: str) -> bool:
        """Judge by this version of the rules from now on; False when it judged before, too."""
        installed = rule_sets.install(self._book, version)
        if installed:
            self._book.commit()
        return installed

    def save_latched(self, finding: Finding) -> None:
        """Keep a finding that outlives its readings."""
        self._book.latched[finding.code, finding.subject] = replace(finding, latched=True)
        self._book.store.put(tables.LATCHED, finding_row(finding))
        self._book.commit()

    def clear_latched(self, code: str, subject: str) -> None:
        """Let go of a latched finding; nothing happens when there is none."""
        if self._book.latched.pop((code, subject), None) is not None:
            self._book.store.drop(tables.LATCHED, (code, subject))
            self._book.commit()

    def save_flag(self, flag: Flag, deed: Deed) -> Flag:
        """Keep one flag as `save_flags` does; the flag with its number."""
        return self.save_flags(((flag, deed),))[0]

    def save_flags(
        self, changes: Iterable[tuple[Flag, Deed]], unlatched: Iterable[tuple[str, str]] = ()
    ) -> tuple[Flag, ...]:
        """Keep new flags (number 0) or the new state of old ones; the flags with their numbers.

        They, an audit record of each and the end of the `unlatched` findings (code, subject) are
        one transaction. Raises ValueError for a number that history never gave.
        """
        book, saved = self._book, []
        for flag, deed in changes:
            before = book.flags.get(flag.number)
            if not flag.number:
                since = flag.state_since or flag.raised_at
                flag = replace(  # noqa: PLW2901 - the same flag
                    flag, number=book.number(tables.FLAGS), state_since=since
                )
            elif before is None:
                raise ValueError(f"history: there is no flag {flag.number}")
            book.flags[flag.number] = flag
            book.raised.setdefault(flag.number, book.timeline.now)
            book.store.put(tables.FLAGS, flag_row(flag))
            saved.append((flag, self._put_audit(flag_record(before, flag, deed))))
        for key in unlatched:
            if book.latched.pop(key, None) is not None:
                book.store.drop(tables.LATCHED, key)
        self._commit_evidence()
        for _, record in saved:
            self.on_audit(record)
        return tuple(flag for flag, _ in saved)

    def save_acceptance(self, acceptance: Acceptance, *, with_flag: bool = False) -> None:
        """Keep an acceptance; `with_flag` in the transaction of the flag that is saved next."""
        put_acceptance(self._book, acceptance)
        if not with_flag:
            self._book.commit(durable=acceptance.state is not AcceptanceState.RUNNING)

    def save_capture(
        self, board: BoardKey, occasion: Occasion, document: Mapping[str, Any], at: Moment
    ) -> Capture | None:
        """Keep what is known of a board now; None for a board that nobody remembers.

        Raises TypeError or ValueError for a document that is no JSON.
        """
        book, now = self._book, self._book.note(at)
        known = book.find(board)
        if known is None:
            return None
        number = book.number(tables.CAPTURES)
        row = capture_row(number, known.number, occasion, now, document, settled=False)
        book.store.put(tables.CAPTURES, row)
        if (middle := first_too_many(book, known.number)) is not None:
            book.store.drop(tables.CAPTURES, (middle,))
        self._commit_evidence()
        return self._capture(row)

    def update_capture(
        self, capture: Capture, document: Mapping[str, Any], *, settled: bool
    ) -> bool:
        """Keep a capture with what followed; False where it is settled, or kept no more."""
        store, tail = self._book.store, "where number = ?"
        rows = store.every_row(tables.CAPTURES, tail, (capture.number,))
        if found := unsettled_of(rows, capture):
            store.put(tables.CAPTURES, updated_row(found[-1], document, settled=settled))
            self._commit_evidence()
        return bool(found)

    def import_boards(self, boards: Iterable[KnownBoard]) -> int:
        """Keep what other hosts told; how many of it was new."""
        new = sum([put_known(self._book, known) for known in boards])
        self._book.commit()
        return new

    def append_audit(self, record: AuditRecord) -> AuditRecord:
        """Write an audit record, once and for good; the record with its number."""
        record = self._put_audit(record)
        self._commit_evidence()
        self.on_audit(record)
        return record

    def _put_audit(self, record: AuditRecord) -> AuditRecord:
        book, now = self._book, self._book.timeline.now
        record = replace(record, number=book.number(tables.AUDIT))
        book.note_audit(record, now)
        book.store.put(tables.AUDIT, audit_row(record, now.boot, now.boottime))
        return record

    def retire(self, key: BoardKey, actor: str, reason: str, at: Moment) -> tuple[Event, ...]:
        """Say that an absent board has left this host for good, and write down who said so.

        Raises ValueError for an unknown board and for one that is present.
        """
        book = self._book
        book.note(at)
        known = book.find(key)
        if known is None:
            raise ValueError(f"history: no board {key} is remembered (see gpuwatch boards list)")
        if known.state is BoardState.PRESENT:
            raise ValueError(
                f"history: board {key} is present: only an absent board can be retired"
            )
        before, known.state = known.state, BoardState.LEFT
        known.departure = Departure.RETIRED
        known.version += 1
        book.store.put(tables.BOARDS, board_row(known))
        said = events.say(book, EventKind.BOARD_LEFT, known, f"retired by {actor}: {reason}")
        self.append_audit(
            AuditRecord(
                at=at.wall,
                actor=actor,
                action="board-retired",
                subject=str(known.board.key),
                reason=reason,
                before=before.value,
                after=known.state.value,
            )
        )
        return said

    def copy_due(self) -> bool:
        """Whether `copy` should be called: on new evidence once a minute, else once a day."""
        return self._copier.due()

    def copy(self) -> bool:
        """Make a consistent copy beside the file, from any thread; False when it failed."""
        return self._copier.make()

    def _commit_evidence(self) -> None:
        """Write what must not be lost, and ask for a copy of it."""
        if self._book.commit():
            self._copier.want()
