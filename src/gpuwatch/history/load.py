"""Load: the book as the store holds it."""

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from gpuwatch.domain.flag_audit import flag_number
from gpuwatch.domain.incidents import ECHOES
from gpuwatch.domain.records import VerdictSince
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.history import tables, xid_traces
from gpuwatch.history.bmc_store import load_bmcs
from gpuwatch.history.boards import BoardHistory, Case, Exact
from gpuwatch.history.book import HOST, RECENT_EVENTS, RECENT_OF_A_BOARD, Book, Logged, Met
from gpuwatch.history.events import DATING, KEPT_RESETS, is_echo, remember_exact
from gpuwatch.history.flags import audit_of, finding_of, flag_of
from gpuwatch.history.ledger import put_in_order
from gpuwatch.history.proofs import acceptance_of, known_of
from gpuwatch.history.rows import (
    Stored,
    board_of,
    counted_of,
    event_of,
    occurrences_of,
    report_of,
    set_clock,
    waiting_of,
)
from gpuwatch.history.rule_sets import load_rule_sets
from gpuwatch.history.store import Store
from gpuwatch.history.tables import Table
from gpuwatch.history.timeline import Boot, Instant, Timeline

_Made = TypeVar("_Made")
_NUMBERED = tuple(table for table in tables.TABLES if table.columns[0] == "number")


def load(store: Store) -> Book:
    """Everything that is remembered; an empty book of a new lineage from an empty store."""
    timeline = Timeline(Boot(*row) for row in store.rows(tables.BOOTS))
    lineage = dict(store.rows(tables.META)).get("lineage")
    book = Book(store=store, timeline=timeline, lineage=lineage or uuid.uuid4().hex)
    if lineage is None:
        book.put_lineage()
    for table in _NUMBERED:
        last = store.rows(table, "order by number desc limit 1")
        book.numbers[table.name] = last[0][0] if last else 0
    # An echo that waits has a number among the error signals, whose row it may become.
    signals, waiting = tables.ERROR_SIGNALS.name, tables.WAITING.name
    book.numbers[signals] = max(book.numbers[signals], book.numbers[waiting])
    book.signals = {key: number for number, key in store.rows(tables.SIGNALS)}
    for board in _understood(store, tables.BOARDS, board_of, "order by number"):
        book.add(board)
    _load_counters(book)
    _load_incidents(book)
    _load_happenings(book)
    _load_counted(book)
    _load_decisions(book)
    load_rule_sets(book)
    load_bmcs(book)
    _load_events(book)
    return book


def _understood(
    store: Store, table: Table, make: Callable[[Stored], _Made], tail: str = ""
) -> Iterator[_Made]:
    """What `make` makes of the rows of `table`, without those that it does not understand.

    After a return to an older gpuwatch, rows may hold words that only the newer one knows. They
    stay in the file, are counted, and do not keep the agent from starting.
    """
    for row in store.rows(table, tail):
        try:
            made = make(row)
        except (ValueError, TypeError):
            store.unread[table.name] += 1
        else:
            yield made


def _load_counters(book: Book) -> None:
    for row in book.store.rows(tables.CLOCKS):
        if (known := book.boards.get(row[0])) is not None:
            set_clock(known, row)
            if known.slot is not None:
                known.seats[known.last_seen.boot] = known.slot.pci_address
                book.inventoried.add(known.last_seen.boot)
    for row in book.store.rows(tables.COUNTS):
        if (known := book.boards.get(row[0])) is not None:
            known.counts[row[1]] = counted_of(row)
    names = {number: key for key, number in book.signals.items()}
    for board, signal, value, boot, boottime in book.store.rows(tables.HELD):
        known = book.boards.get(board)
        if known is not None and signal in names:
            known.held[names[signal]] = (value, Instant(boot, boottime))
    for board, signal, value, address in book.store.rows(tables.BESTS):
        known = book.boards.get(board)
        if known is not None and signal in names:
            known.bests[names[signal]] = (value, address)


def _load_incidents(book: Book) -> None:
    cases: dict[int, tuple[BoardHistory, Case]] = {}
    for number, board, boot, boottime, exposure in book.store.rows(tables.INCIDENTS):
        if (known := book.boards.get(board)) is not None:
            cases[number] = (known, Case(number, Instant(boot, boottime), exposure))
    for case, report in _understood(
        book.store, tables.ERROR_SIGNALS, lambda row: (row[1], report_of(row)), "order by number"
    ):
        if case in cases:
            cases[case][1].reports.append(report)
    for known, case in cases.values():
        # An echo that waited for its owner was stored before it; the opener comes first still.
        opener = next((report for report in case.reports if report.kind not in ECHOES), None)
        if opener is not None:
            case.reports.sort(key=lambda report: report is not opener)
            known.cases.append(case)
    for known in book.boards.values():
        put_in_order(known)


def _load_happenings(book: Book) -> None:
    for board, echo in _understood(
        book.store, tables.WAITING, lambda row: (row[1], waiting_of(row)), "order by number"
    ):
        if (known := book.boards.get(board)) is not None:
            known.waiting.append(echo)
    for _, board, boot, boottime in book.store.rows(tables.OFF_BUS, "order by number"):
        if (known := book.boards.get(board)) is not None:
            known.off_bus.append(Instant(boot, boottime))
    traced = partial(xid_traces.load, book)
    for _ in _understood(book.store, tables.XID_TRACES, traced, "order by number"):
        pass
    for _, boot_id, sequence in book.store.rows(tables.KERNEL_LOG):
        book.kernel_log = (boot_id, sequence)
    for number, boot, boottime, driver_load, version in book.store.rows(tables.EPOCHS):
        book.epochs[boot, driver_load] = Met(number, boottime, version)
        book.timeline.lived.add(boot)


def _load_counted(book: Book) -> None:
    """Resets and Xids; a board that is not understood takes its own along, and charges nobody."""
    resets = {HOST: book.host_resets} | {each.number: each.resets for each in book.boards.values()}
    xids = {HOST: book.host_xids} | {each.number: each.xids for each in book.boards.values()}
    for _, board, boot, boottime, _evidence in book.store.rows(tables.RESETS, "order by number"):
        if board in resets:
            resets[board].append(Instant(boot, boottime))
            del resets[board][:-KEPT_RESETS]
    for row in book.store.rows(tables.XIDS):
        if row[0] in xids:
            xids[row[0]][row[1], row[2], row[3]] = occurrences_of(row)


def _load_decisions(book: Book) -> None:
    for flag in _understood(book.store, tables.FLAGS, flag_of, "order by number"):
        book.flags[flag.number] = flag
    for finding in _understood(book.store, tables.LATCHED, finding_of):
        book.latched[finding.code, finding.subject] = finding
    for acceptance in _understood(book.store, tables.ACCEPTANCES, acceptance_of):
        book.acceptances[acceptance.flag] = acceptance
    for known in _understood(book.store, tables.KNOWN_BOARDS, known_of):
        book.known_boards[known.key.uuid, known.host] = known
    for row in reversed(book.store.rows(tables.AUDIT, "order by number desc limit 500")):
        book.audit.append((audit_of(row), Instant(row[2], row[3])))
    for row in book.store.rows(tables.AUDIT, "where subject like 'flag %' order by number"):
        record = audit_of(row)
        book.note_flag_audit(record)
        number = flag_number(record.subject)
        if number is not None and not record.before:  # that it was raised
            book.raised.setdefault(number, Instant(row[2], row[3]))
    latest = "where number in (select max(number) from verdicts group by subject)"
    verdict_of = partial(_verdict, book)
    book.verdicts.update(_understood(book.store, tables.VERDICTS, verdict_of, latest))


def _verdict(book: Book, row: Stored) -> tuple[str, tuple[VerdictSince, Instant]]:
    _, subject, verdict, reason, boot, boottime = row
    instant = Instant(boot, boottime)
    since = VerdictSince(Verdict(verdict), reason, book.timeline.wall(instant))
    return subject, (since, instant)


def _load_events(book: Book) -> None:
    latest = "order by number desc limit"
    logged_of = partial(_logged, book)
    recent = [*_understood(book.store, tables.EVENTS, logged_of, f"{latest} {RECENT_EVENTS}")]
    for logged in reversed(recent):
        book.recent.append(logged)
        book.has_met(logged.event.identity)
    for number, known in book.boards.items():
        of_board = f"where board = {number:d} {latest} {RECENT_OF_A_BOARD}"
        recent = [*_understood(book.store, tables.EVENTS, logged_of, of_board)][::-1]
        book.recent_of[number] = deque(recent, maxlen=RECENT_OF_A_BOARD)
        for logged in recent:
            if logged.event.source == "kernel_log" and logged.event.code in DATING:
                exposure = _exposure(known, logged.instant)
                exact = Exact(logged.instant, exposure, is_echo(logged.event.code))
                remember_exact(known, exact)


def _exposure(known: BoardHistory, instant: Instant) -> float | None:
    """The exposure clock at an instant, where an error signal of that instant tells it."""
    reports = (report for case in known.cases for report in case.reports)
    return next((report.exposure for report in reports if report.instant == instant), None)


def _logged(book: Book, row: Stored) -> Logged:
    board = row[4]
    known = book.boards.get(board)
    event = event_of(row, known.board.key if known else None, book.timeline)
    return Logged(row[0], Instant(row[9], row[10]), board, event)
