"""Work order boards: which board a flag is about, which leave with it, and which must stay."""

from collections.abc import Callable

from gpuwatch.domain.devices import BoardKey, Fru, Slot, same_board
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.exposition.views import gpu_by_uuid, gpus_of, slot_of
from gpuwatch.exposition.work_order_shapes import WorkBoardShape

_NOWHERE = Slot(pci_address="")
_UNITS = {
    "": "the board alone",
    Fru.MODULE: "the module alone",
    Fru.BASEBOARD: "the whole baseboard, with every module on it",
    Fru.TRAY: "the whole tray, with every board in it",
    Fru.SERVER: "the whole server, with every board in it",
}
_NOT_TOLD = "; which boards those are nobody told: ask before it is lifted"


def flagged(snapshot: Snapshot, flag: Flag) -> WorkBoardShape:
    """The flagged board where it sits, or of one that has left where it sat."""
    gpu = gpu_by_uuid(snapshot, flag.board.uuid)
    if gpu is None:
        gone = bearer(snapshot, flag)
        told = _shape(snapshot, flag.board, _NOWHERE, gone)
        return {**told, "slot": flag.slot_label}
    return {**_board(snapshot, gpu), "serial": serial_of(gpu, flag)}


def bearer(snapshot: Snapshot, flag: Flag) -> GpuState | None:
    """What is remembered of the flagged board, be it here or not."""
    here = gpu_by_uuid(snapshot, flag.board.uuid)
    known = (gpu for gpu in snapshot.gpus if same_board(gpu.record.key, flag.board))
    return here or next(known, None)


def serial_of(gpu: GpuState | None, flag: Flag) -> str:
    """The serial of the flagged board; a driver may have told it before or since, and not now."""
    return flag.board.serial or ("" if gpu is None else gpu.record.key.serial)


def unit_words(snapshot: Snapshot, flag: Flag) -> str:
    """What is replaced as one piece."""
    words = _UNITS.get(flag.fru, f"the {flag.fru}, with what belongs to it")
    return words if _belongs(flag.fru, _own_slot(snapshot, flag)) else words + _NOT_TOLD


def others(snapshot: Snapshot, flag: Flag) -> tuple[list[WorkBoardShape], list[WorkBoardShape]]:
    """The boards that leave with the flagged one, and those that stay."""
    goes = _belongs(flag.fru, _own_slot(snapshot, flag)) or (lambda _slot: False)
    along: list[WorkBoardShape] = []
    alone: list[WorkBoardShape] = []
    for gpu in gpus_of(snapshot):
        if not same_board(gpu.record.key, flag.board):
            leaves = goes(slot_of(gpu) or _NOWHERE)
            (along if leaves else alone).append(_board(snapshot, gpu))
    return along, alone


def _own_slot(snapshot: Snapshot, flag: Flag) -> Slot:
    own = gpu_by_uuid(snapshot, flag.board.uuid)
    return (slot_of(own) if own is not None else None) or _NOWHERE


def _belongs(fru: str, mine: Slot) -> Callable[[Slot], bool] | None:
    """Whether a board in some slot belongs to the unit that is replaced; None where none told."""
    match fru:
        case Fru.SERVER:
            return lambda _slot: True
        case Fru.BASEBOARD if mine.module_id is not None:
            return lambda slot: slot.module_id is not None
        case Fru.TRAY if mine.tray_index is not None:
            return lambda slot: slot.tray_index == mine.tray_index
        case Fru.BASEBOARD | Fru.TRAY:
            return None
    return lambda _slot: False


def _board(snapshot: Snapshot, gpu: GpuState) -> WorkBoardShape:
    return _shape(snapshot, gpu.record.key, slot_of(gpu) or _NOWHERE, gpu)


def _shape(snapshot: Snapshot, key: BoardKey, slot: Slot, known: GpuState | None) -> WorkBoardShape:
    sweeps = [bmc.sweep for bmc in snapshot.bmcs if bmc.sweep is not None]
    own = (one for one in snapshot.flags if one.is_open and same_board(one.board, key))
    return {
        "name": "" if known is None else known.record.board.name,
        "part_number": "" if known is None else known.record.board.part_number,
        "serial": key.serial,
        "uuid": key.uuid,
        "slot": slot.label,
        "pci_address": slot.pci_address,
        "module": slot.module_id,
        "platform_slot": slot.slot_number,
        "tray": slot.tray_index,
        "chassis_serial": slot.chassis_serial,
        "names_by_bmc": [one.name for sweep in sweeps for one in sweep.gpus if one.is_of(key)],
        "flags": [one.number for one in sorted(own, key=lambda one: one.due_at)],
    }
