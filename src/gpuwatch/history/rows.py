"""Rows: how what is remembered of a board becomes rows of the store, and back."""

from typing import Any

from gpuwatch.domain.counts import ErrorCount
from gpuwatch.domain.devices import Board, BoardKey, Slot
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.incidents import ErrorKind, Memory
from gpuwatch.domain.records import BoardState, Departure
from gpuwatch.history.boards import (
    NO_GAP,
    NOWHERE,
    BlindGap,
    BoardHistory,
    Case,
    Counted,
    Occurrences,
    Report,
)
from gpuwatch.history.tables import Row
from gpuwatch.history.timeline import Instant, Timeline

Stored = tuple[Any, ...]


def board_row(known: BoardHistory) -> Row:
    """A board's row."""
    board, slot = known.board, known.slot
    return (
        known.number,
        board.key.serial,
        board.key.uuid,
        board.name,
        board.part_number,
        board.vbios,
        board.inforom,
        known.state.value,
        known.index,
        slot.pci_address if slot else None,
        slot.module_id if slot else None,
        slot.chassis_serial if slot else "",
        slot.slot_number if slot else None,
        slot.tray_index if slot else None,
        known.first_seen.boot,
        known.first_seen.boottime,
        known.departure.value if known.departure else "",
        known.successor,
        (known.returned or NOWHERE).boot,
        (known.returned or NOWHERE).boottime,
    )


def board_of(row: Stored) -> BoardHistory:
    """A board from its row; its clocks, counts and the rest are added by who loads them."""
    number, serial, uuid, name, part, vbios, inforom, state, index = row[:9]
    address, module, chassis, slot_number, tray, boot, boottime = row[9:16]
    departure, successor, returned_boot, returned_at = row[16:]
    slot = None
    if address is not None:
        slot = Slot(
            pci_address=address,
            module_id=module,
            chassis_serial=chassis,
            slot_number=slot_number,
            tray_index=tray,
        )
    first_seen = Instant(boot, boottime)
    return BoardHistory(
        number=number,
        board=Board(
            key=BoardKey(serial, uuid), name=name, part_number=part, vbios=vbios, inforom=inforom
        ),
        slot=slot,
        index=index,
        state=BoardState(state),
        first_seen=first_seen,
        last_seen=first_seen,
        departure=Departure(departure) if departure else None,
        successor=successor,
        returned=Instant(returned_boot, returned_at) if returned_boot else None,
    )


def clock_row(known: BoardHistory) -> Row:
    """A board's exposure clock and what changes as often."""
    read, gap = known.last_read or NOWHERE, known.gap or NO_GAP
    return (
        known.number,
        known.exposure,
        read.boot,
        read.boottime,
        known.last_seen.boot,
        known.last_seen.boottime,
        known.unattributed,
        gap.boot,
        gap.start,
        gap.end,
    )


def set_clock(known: BoardHistory, row: Stored) -> None:
    """Take a board's clock from its row."""
    _, known.exposure, read_boot, read_at, seen_boot, seen_at, known.unattributed, *gap = row
    known.last_read = Instant(read_boot, read_at) if read_boot else None
    known.last_seen = Instant(seen_boot, seen_at)
    known.gap = BlindGap(*gap) if gap[0] else None


def count_row(known: BoardHistory, counter: str) -> Row:
    """One error counter of a board, with the instant at which it was last readable."""
    count, good = known.counts[counter].count, known.good(counter) or NOWHERE
    return (
        known.number,
        counter,
        count.epoch,
        count.prior,
        count.volatile_seen,
        count.volatile_sum,
        count.aggregate_seen,
        count.aggregate_sum,
        good.boot,
        good.boottime,
    )


def counted_of(row: Stored) -> Counted:
    """One error counter from its row."""
    _, _, epoch, prior, volatile_seen, volatile_sum, aggregate_seen, aggregate_sum = row[:8]
    count = ErrorCount(
        epoch=epoch,
        prior=prior,
        volatile_seen=volatile_seen,
        volatile_sum=volatile_sum,
        aggregate_seen=aggregate_seen,
        aggregate_sum=aggregate_sum,
    )
    return Counted(count, Instant(row[8], row[9]))


def case_row(known: BoardHistory, case: Case) -> Row:
    """An incident's row; its signals have their own."""
    return (case.number, known.number, case.opened.boot, case.opened.boottime, case.exposure)


def report_row(case: Case, report: Report) -> Row:
    """An error signal's row."""
    return (
        report.number,
        case.number,
        report.kind.value,
        report.instant.boot,
        report.instant.boottime,
        report.seconds_before,
        report.seconds_after,
        report.exposure,
        report.memory.value,
        report.count,
    )


def report_of(row: Stored) -> Report:
    """An error signal from its row."""
    number, _, kind, boot, boottime, before, after, exposure, memory, count = row
    return Report(
        number=number,
        kind=ErrorKind(kind),
        instant=Instant(boot, boottime),
        exposure=exposure,
        seconds_before=before,
        seconds_after=after,
        memory=Memory(memory),
        count=count,
    )


def waiting_row(known: BoardHistory, echo: Report) -> Row:
    """An echo that waits for its owner."""
    instant = echo.instant
    return (
        echo.number,
        known.number,
        echo.kind.value,
        instant.boot,
        instant.boottime,
        echo.exposure,
    )


def waiting_of(row: Stored) -> Report:
    """An echo that waits, from its row."""
    number, _, kind, boot, boottime, exposure = row
    return Report(
        number=number, kind=ErrorKind(kind), instant=Instant(boot, boottime), exposure=exposure
    )


def xid_row(board: int, key: tuple[str, int, str], seen: Occurrences) -> Row:
    """How often a code was seen."""
    first, last = seen.first, seen.last
    return (board, *key, seen.count, first.boot, first.boottime, last.boot, last.boottime)


def occurrences_of(row: Stored) -> Occurrences:
    """How often a code was seen, from its row."""
    return Occurrences(row[4], Instant(row[5], row[6]), Instant(row[7], row[8]))


def event_row(number: int, board: int, instant: Instant, event: Event) -> Row:
    """An event's row."""
    return (
        number,
        event.kind.value,
        event.source.value,
        event.identity,
        board,
        event.pci_address,
        event.code,
        event.subcode,
        event.detail,
        instant.boot,
        instant.boottime,
        event.at - event.earliest,
        event.latest - event.at,
        event.bmc,
    )


def event_of(row: Stored, key: BoardKey | None, timeline: Timeline) -> Event:
    """An event from its row, dated by the timeline's latest word."""
    _, kind, source, identity, _, address, code, subcode, detail, boot, boottime = row[:11]
    instant = Instant(boot, boottime)
    at = timeline.wall(instant)
    return Event(
        kind=EventKind(kind),
        at=at,
        source=EventSource(source),
        identity=identity,
        boot_id=timeline.boot_id(instant),
        board=key,
        pci_address=address,
        code=code,
        subcode=subcode,
        detail=detail,
        not_before=at - row[11] if row[11] else None,
        not_after=at + row[12] if row[12] else None,
        boottime=boottime,
        bmc=row[13],
    )
