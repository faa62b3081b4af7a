"""Rewrite: after the file was lost or rebuilt while we ran, everything in memory is put again."""

from gpuwatch.history import rows, tables, xid_traces
from gpuwatch.history.bmc_store import put_bmcs
from gpuwatch.history.book import HOST, Book
from gpuwatch.history.flags import audit_row, finding_row, flag_row
from gpuwatch.history.proofs import put_proofs
from gpuwatch.history.rule_sets import put_rule_set, put_start
from gpuwatch.history.timeline import Instant


def put_everything(book: Book) -> None:
    """Put every row that memory can still tell; rows under the same keys are replaced."""
    store = book.store
    book.put_lineage()
    for boot in book.timeline.boots:
        store.put(tables.BOOTS, (boot.number, boot.boot_id, boot.wall_offset))
    for (boot_number, load), met in book.epochs.items():
        epoch = (met.number, boot_number, met.boottime, load, met.driver_version)
        store.put(tables.EPOCHS, epoch)
    for key, number in book.signals.items():
        store.put(tables.SIGNALS, (number, key))
    if book.kernel_log is not None:
        store.put(tables.KERNEL_LOG, (1, *book.kernel_log))
    for xid, seen in book.host_xids.items():
        store.put(tables.XIDS, rows.xid_row(HOST, xid, seen))
    for row in xid_traces.rows_of(None, book.host_traces):
        store.put(tables.XID_TRACES, row)
    _put_boards(book)
    _put_decisions(book)
    put_bmcs(book)
    for logged in book.recent:
        row = rows.event_row(logged.number, logged.board, logged.instant, logged.event)
        store.put(tables.EVENTS, row)


def _put_boards(book: Book) -> None:
    store = book.store
    _put_instants(book, tables.RESETS, HOST, book.host_resets, ("rewritten",))
    for known in book.boards.values():
        store.put(tables.BOARDS, rows.board_row(known))
        store.put(tables.CLOCKS, rows.clock_row(known))
        put_start(book, known)
        for counter in known.counts:
            store.put(tables.COUNTS, rows.count_row(known, counter))
        for key, (value, since) in known.held.items():
            held = (known.number, book.signals[key], value, since.boot, since.boottime)
            store.put(tables.HELD, held)
        for key, best in known.bests.items():
            store.put(tables.BESTS, (known.number, book.signals[key], *best))
        for case in known.cases:
            store.put(tables.INCIDENTS, rows.case_row(known, case))
            for report in case.reports:
                store.put(tables.ERROR_SIGNALS, rows.report_row(case, report))
        for echo in known.waiting:
            store.put(tables.WAITING, rows.waiting_row(known, echo))
        for xid, seen in known.xids.items():
            store.put(tables.XIDS, rows.xid_row(known.number, xid, seen))
        for row in xid_traces.rows_of(known, known.traces):
            store.put(tables.XID_TRACES, row)
        _put_instants(book, tables.RESETS, known.number, known.resets, ("rewritten",))
        _put_instants(book, tables.OFF_BUS, known.number, known.off_bus, ())


def _put_instants(
    book: Book,
    table: tables.Table,
    board: int,
    instants: list[Instant],
    rest: tuple[str, ...],
) -> None:
    """Put instants that have no number in memory, save those which the file still has."""
    stored = {(row[2], row[3]) for row in book.store.rows(table, "where board = ?", (board,))}
    for instant in instants:
        if (instant.boot, instant.boottime) not in stored:
            place = (book.number(table), board, instant.boot, instant.boottime)
            book.store.put(table, place + rest)


def _put_decisions(book: Book) -> None:
    store = book.store
    for flag in book.flags.values():
        store.put(tables.FLAGS, flag_row(flag))
    put_rule_set(book)
    put_proofs(book)
    for finding in book.latched.values():
        store.put(tables.LATCHED, finding_row(finding))
    for record, instant in book.audit:
        store.put(tables.AUDIT, audit_row(record, instant.boot, instant.boottime))
    for subject, (kept, instant) in book.verdicts.items():
        store.put(
            tables.VERDICTS,
            (
                book.number(tables.VERDICTS),
                subject,
                kept.verdict.value,
                kept.reason,
                instant.boot,
                instant.boottime,
            ),
        )
