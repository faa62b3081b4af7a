"""Joining: a history that could not be read at first goes on, with what was seen meanwhile.

The book that was begun in memory numbers boards and incidents from 1 and took every board for new.
It is replayed onto the book that the file holds, which then takes its place.
"""

from dataclasses import dataclass, replace

from gpuwatch.domain.events import EventKind
from gpuwatch.domain.flag_audit import flag_subject
from gpuwatch.domain.flags import Flag
from gpuwatch.history import events, ledger, rows, rule_sets, sweeps, tables, xid_traces
from gpuwatch.history.bmc_store import join_bmcs, waiting_entries
from gpuwatch.history.boards import NOWHERE, BlindGap, BoardHistory, Counted, Occurrences, Report
from gpuwatch.history.book import HOST, Book, Logged
from gpuwatch.history.captures import join_capture
from gpuwatch.history.flags import audit_row, finding_row, flag_row
from gpuwatch.history.held import Effect, keep_best
from gpuwatch.history.load import load
from gpuwatch.history.proofs import join_proofs
from gpuwatch.history.timeline import Instant

# What the book in memory said only because it knew nothing.
_NAIVE = frozenset({EventKind.BOARD_FIRST_SEEN, EventKind.NEW_EPOCH, EventKind.BMC_ADDED})


@dataclass(frozen=True, slots=True)
class _Joint:
    """The two books, and how numbers of the one read in the other."""

    begun: Book
    book: Book
    boots: dict[int, int]
    epochs: dict[str, str]

    def instant(self, instant: Instant) -> Instant:
        """An instant of the book in memory, in the numbers of the file."""
        return Instant(self.boots.get(instant.boot, 0), instant.boottime)


def join(begun: Book) -> Book:
    """The book of the file, with all that `begun` saw; its rows wait to be committed."""
    entries = waiting_entries(begun)
    captured = begun.store.waiting_rows(tables.CAPTURES)
    begun.store.forget()
    book = load(begun.store)
    boots = {
        boot.number: book.timeline.place(boot.boot_id, boot.wall_offset, 0.0).boot
        for boot in begun.timeline.boots
    }
    joint = _Joint(begun, book, boots, {})
    book.inventoried |= {boots[boot] for boot in begun.inventoried}
    book.timeline.resume(joint.instant(begun.timeline.now))
    _join_epochs(joint)
    if begun.rule_set is not None:  # before the boards: what was seen meanwhile is for these rules
        rule_sets.install(book, begun.rule_set.version)
    numbers = {HOST: HOST}
    for known in begun.boards.values():
        numbers[known.number] = _join_board(joint, known).number
    for known in begun.boards.values():
        _join_departure(joint, known, numbers)
    for instant in begun.host_resets:
        events.reset(book, None, joint.instant(instant), "joined")
    _join_xids(joint, HOST, begun.host_xids, book.host_xids)
    _join_traces(joint, None, begun.host_traces)
    _join_decisions(joint)
    join_bmcs(begun, book, entries.values(), joint.instant)
    for row in captured:
        join_capture(book, row, numbers, joint.instant)
    for logged in begun.recent:
        if logged.event.kind not in _NAIVE and not book.has_met(logged.event.identity):
            board, instant = numbers[logged.board], joint.instant(logged.instant)
            number = book.number(tables.EVENTS)
            book.store.put(tables.EVENTS, rows.event_row(number, board, instant, logged.event))
            book.log(Logged(number, instant, board, logged.event))
    return book


def _join_epochs(joint: _Joint) -> None:
    begun, book = joint.begun, joint.book
    for (boot, driver_load), met in begun.epochs.items():
        place = (joint.boots[boot], driver_load)
        if place not in book.epochs:
            added = book.epochs[place] = replace(met, number=book.number(tables.EPOCHS))
            began = Instant(place[0], met.boottime)
            events.reset(book, None, began, "new_epoch")
            row = (added.number, place[0], met.boottime, driver_load, met.driver_version)
            book.store.put(tables.EPOCHS, row)
        joint.epochs[str(met.number)] = str(book.epochs[place].number)
    book.epoch = begun.epoch
    book.epoch_key = joint.epochs.get(begun.epoch_key, begun.epoch_key)
    if begun.kernel_log is not None:
        book.kernel_log = begun.kernel_log
        book.store.put(tables.KERNEL_LOG, (1, *begun.kernel_log))


def _join_board(joint: _Joint, seen: BoardHistory) -> BoardHistory:
    book, known = joint.book, joint.book.find(seen.board.key)
    if known is None:
        first = joint.instant(seen.first_seen)
        known = _unknown(seen, book.number(tables.BOARDS), first)
        book.add(known)
    known.board, known.slot, known.index, known.state = (
        seen.board,
        seen.slot,
        seen.index,
        seen.state,
    )
    for boot, address in seen.seats.items():
        known.seats[joint.boots[boot]] = address
    gained_from, known.exposure = known.exposure, known.exposure + seen.exposure
    rises = _join_counts(joint, seen, known)
    known.last_seen = joint.instant(seen.last_seen)
    known.last_read = joint.instant(seen.last_read) if seen.last_read else known.last_read
    if (gap := seen.gap) is not None:
        known.gap = BlindGap(joint.boots[gap.boot], gap.start, gap.end)
    known.unattributed += seen.unattributed
    for report in [*(one for case in seen.cases for one in case.reports), *seen.waiting]:
        ledger.enter(book, known, _moved(joint, report, gained_from))
    if rises:
        sweeps.charge(book, known, rises, gained_from, Effect())
    for instant in seen.resets:
        events.reset(book, known, joint.instant(instant), "joined")
    for instant in seen.off_bus:
        events.fall_off(book, known, joint.instant(instant))
    _join_xids(joint, known.number, seen.xids, known.xids)
    _join_traces(joint, known, seen.traces)
    _join_held(joint, seen, known)
    book.store.put(tables.BOARDS, rows.board_row(known))
    book.store.put(tables.CLOCKS, rows.clock_row(known))
    return known


def _join_held(joint: _Joint, seen: BoardHistory, known: BoardHistory) -> None:
    book = joint.book
    for key, (value, since) in seen.held.items():
        if key not in known.held or known.held[key][0] != value:
            at = joint.instant(since)
            known.held[key] = (value, at)
            held = (known.number, book.signal(key), value, at.boot, at.boottime)
            book.store.put(tables.HELD, held)
    for key, (best, address) in seen.bests.items():
        keep_best(book, known, key, best, address)


def _join_departure(joint: _Joint, seen: BoardHistory, numbers: dict[int, int]) -> None:
    """How a board left, once every board has its number in the file."""
    known = joint.book.boards[numbers[seen.number]]
    known.departure = seen.departure
    known.successor = None if seen.successor is None else numbers[seen.successor]
    if seen.returned is not None:
        known.returned = joint.instant(seen.returned)
    joint.book.store.put(tables.BOARDS, rows.board_row(known))


def _unknown(seen: BoardHistory, number: int, first: Instant) -> BoardHistory:
    """A board that only the book in memory knows, still without its history."""
    return BoardHistory(
        number=number,
        board=seen.board,
        slot=seen.slot,
        index=seen.index,
        state=seen.state,
        first_seen=first,
        last_seen=first,
    )


def _join_counts(joint: _Joint, seen: BoardHistory, known: BoardHistory) -> dict[str, sweeps.Rise]:
    """Take the counters over; errors that neither book saw happen show as a rise."""
    rises: dict[str, sweeps.Rise] = {}
    for counter, counted in seen.counts.items():
        good = joint.instant(seen.good(counter) or NOWHERE)
        epoch = joint.epochs.get(counted.count.epoch, counted.count.epoch)
        mine = known.counts.get(counter)
        if mine is None:
            known.counts[counter] = Counted(replace(counted.count, epoch=epoch), good)
        else:
            volatile, aggregate = counted.count.volatile_seen, counted.count.aggregate_seen
            advance = mine.count.advance(volatile, aggregate, epoch)
            if (missed := advance.rise - counted.count.total) > 0:
                rises[counter] = sweeps.Rise(missed, mine.good)
            mine.count, mine.good = advance.count, good
        joint.book.store.put(tables.COUNTS, rows.count_row(known, counter))
    return rises


def _moved(joint: _Joint, report: Report, gained_from: float) -> Report:
    return replace(
        report,
        number=joint.book.number(tables.ERROR_SIGNALS),
        instant=joint.instant(report.instant),
        exposure=gained_from + report.exposure,
    )


def _join_xids(
    joint: _Joint,
    board: int,
    seen: dict[tuple[str, int, str], Occurrences],
    known: dict[tuple[str, int, str], Occurrences],
) -> None:
    for key, more in seen.items():
        first, last = joint.instant(more.first), joint.instant(more.last)
        mine = known.setdefault(key, Occurrences(0, first, last))
        mine.count, mine.last = mine.count + more.count, last
        joint.book.store.put(tables.XIDS, rows.xid_row(board, key, mine))


def _join_traces(joint: _Joint, known: BoardHistory | None, seen: xid_traces.Traces) -> None:
    for key, entries in seen.items():
        for entry in entries:
            first, last = joint.instant(entry.first), joint.instant(entry.last)
            xid_traces.take(joint.book, known, key, replace(entry, first=first, last=last))


def _join_decisions(joint: _Joint) -> None:
    begun, book = joint.begun, joint.book
    subjects: dict[str, str] = {}
    numbers: dict[int, int] = {}
    for flag in begun.flags.values():
        known = next((known for known in book.flags.values() if _covers(known, flag)), None)
        if known is not None:
            subjects[flag_subject(flag.number)] = flag_subject(known.number)
            numbers[flag.number] = known.number
            continue
        added = replace(flag, number=book.number(tables.FLAGS))
        subjects[flag_subject(flag.number)] = flag_subject(added.number)
        numbers[flag.number] = added.number
        book.flags[added.number] = added
        if (raised := begun.raised.get(flag.number)) is not None:
            book.raised[added.number] = joint.instant(raised)
        book.store.put(tables.FLAGS, flag_row(added))
    join_proofs(begun, book, numbers)
    for key, finding in begun.latched.items():
        if key in book.latched:
            continue
        book.latched[key] = finding
        book.store.put(tables.LATCHED, finding_row(finding))
    for record, instant in begun.audit:
        subject = subjects.get(record.subject, record.subject)
        added_record = replace(record, number=book.number(tables.AUDIT), subject=subject)
        at = joint.instant(instant)
        book.note_audit(added_record, at)
        book.store.put(tables.AUDIT, audit_row(added_record, at.boot, at.boottime))


def _covers(known: Flag, begun: Flag) -> bool:
    """Whether the file's flag says what memory, which did not know it, raised once more."""
    one, other = known.board, begun.board
    serials = bool(one.serial and other.serial)
    same = one.serial == other.serial if serials else one.uuid == other.uuid
    return (
        same
        and known.code == begun.code
        and (known.is_open or known.evidence_at >= begun.evidence_at)
    )
