"""Work orders: a flag as the paper that a stranger at the rack can work by."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gpuwatch import __version__
from gpuwatch.domain.bmc import BmcIdentity, BmcProtocol
from gpuwatch.domain.devices import BoardKey, Fru, Slot, same_board
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.places import place_of_flag
from gpuwatch.domain.records import BoardState
from gpuwatch.domain.snapshot import BmcState, GpuState, Snapshot
from gpuwatch.exposition.flag_documents import flag_document
from gpuwatch.exposition.record_documents import instant
from gpuwatch.exposition.views import gpu_by_uuid, open_flags_of, slot_of
from gpuwatch.exposition.words import RMA_STANDINGS
from gpuwatch.exposition.work_order_shapes import (
    LampShape,
    PlaceShape,
    ServerShape,
    WorkBoardShape,
    WorkOrderShape,
    WorkWindowShape,
)
from gpuwatch.exposition.work_order_steps import work_steps

# What the people who did the work write on the paper.
_FIELDS = (
    "Name and company",
    "Serial number read from the label of the board taken out",
    "Serial number read from the label of the board put in",
    "Part number of the board put in",
    "Power off at",
    "Power on at",
    "Shipping or RMA number of the board taken out",
    "Remarks (bent pins, dust, leaks, seals)",
    "Signature",
)
_LAMP_SECONDS = 240
_UNITS = {
    "": "the board alone",
    Fru.MODULE: "the module alone",
    Fru.BASEBOARD: "the whole baseboard, with every module on it",
    Fru.TRAY: "the whole tray, with every board in it",
    Fru.SERVER: "the whole server, with every board in it",
}


def work_order(snapshot: Snapshot, flag: Flag, *, remembered: bool = False) -> WorkOrderShape:
    """The work order of one flag; `remembered` when no agent runs and history tells it alone."""
    along, alone = _others(snapshot, flag)
    directions = snapshot.directions
    window = _window(snapshot, flag)
    return {
        "flag": flag_document(snapshot, flag),
        "written_at": instant(snapshot.at.wall),
        "version": __version__,
        "remembered": remembered,
        "place": _place(snapshot),
        "server": _server(snapshot),
        "unit": _UNITS.get(flag.fru, f"the {flag.fru}, with what belongs to it"),
        "board": _flagged(snapshot, flag),
        "leaves_along": along,
        "leave_alone": alone,
        "window": window,
        "same_window": _same_window(snapshot, flag),
        "lamps": _lamps(snapshot),
        "rma": RMA_STANDINGS[flag.rma],
        "steps": work_steps(snapshot, flag),
        "fields": list(_FIELDS),
        "contacts": list(directions.contacts),
        "notes": list(directions.notes),
    }


def _place(snapshot: Snapshot) -> PlaceShape:
    labels = snapshot.labels
    return {
        "site": labels.get("site", ""),
        "row": labels.get("row", ""),
        "rack": labels.get("rack", ""),
        "unit": labels.get("unit", ""),
        "host": snapshot.hostname,
    }


def _server(snapshot: Snapshot) -> ServerShape:
    """By its BMC, which may read every serial number, else by its firmware's tables."""
    own = next((_identity(bmc) for bmc in snapshot.bmcs if not bmc.host), BmcIdentity())
    server = snapshot.server
    told_by = "BMC" if own.serial else "firmware" if server.serial else ""
    return {
        "maker": server.maker or own.manufacturer,
        "product": server.product or own.product,
        "serial": own.serial or server.serial,
        "serial_told_by": told_by,
        "asset_tag": own.asset_tag or server.asset_tag,
    }


def _identity(bmc: BmcState) -> BmcIdentity:
    return bmc.sweep.identity if bmc.sweep else BmcIdentity()


def _flagged(snapshot: Snapshot, flag: Flag) -> WorkBoardShape:
    gpu = gpu_by_uuid(snapshot, flag.board.uuid)
    if gpu is not None:
        return _board(snapshot, gpu)
    slot = Slot(pci_address="")
    board = _shape(snapshot, flag.board, slot, "", "")
    return {**board, "slot": flag.slot_label}


def _board(snapshot: Snapshot, gpu: GpuState) -> WorkBoardShape:
    board = gpu.record.board
    slot = slot_of(gpu) or Slot(pci_address="")
    return _shape(snapshot, gpu.record.key, slot, board.name, board.part_number)


def _shape(
    snapshot: Snapshot, key: BoardKey, slot: Slot, name: str, part_number: str
) -> WorkBoardShape:
    sweeps = [bmc.sweep for bmc in snapshot.bmcs if bmc.sweep is not None]
    return {
        "name": name,
        "part_number": part_number,
        "serial": key.serial,
        "uuid": key.uuid,
        "slot": slot.label,
        "pci_address": slot.pci_address,
        "module": slot.module_id,
        "platform_slot": slot.slot_number,
        "tray": slot.tray_index,
        "chassis_serial": slot.chassis_serial,
        "names_by_bmc": [one.name for sweep in sweeps for one in sweep.gpus if one.is_of(key)],
        "flags": [flag.number for flag in open_flags_of(snapshot, key.uuid)],
    }


def _others(snapshot: Snapshot, flag: Flag) -> tuple[list[WorkBoardShape], list[WorkBoardShape]]:
    """The boards that leave with the flagged one, and those that stay, in the order of slots."""
    own = gpu_by_uuid(snapshot, flag.board.uuid)
    mine = None if own is None else slot_of(own)
    goes = _goes_along(flag.fru, mine)
    along: list[WorkBoardShape] = []
    alone: list[WorkBoardShape] = []
    for gpu in snapshot.gpus:
        slot = slot_of(gpu)
        gone = gpu.record.state is BoardState.LEFT and not gpu.present
        if gone or slot is None or same_board(gpu.record.key, flag.board):
            continue
        (along if goes(slot) else alone).append(_board(snapshot, gpu))
    return along, alone


def _goes_along(fru: str, mine: Slot | None) -> Callable[[Slot], bool]:
    """Whether a board in some slot belongs to the unit that is replaced."""
    match fru:
        case Fru.SERVER:
            return lambda _slot: True
        case Fru.BASEBOARD:
            return lambda slot: slot.module_id is not None
        case Fru.TRAY:
            return lambda slot: mine is None or slot.tray_index == mine.tray_index
    return lambda _slot: False


def _window(snapshot: Snapshot, flag: Flag) -> WorkWindowShape | None:
    if flag.window_start is None:
        return None
    zone = snapshot.directions.zone
    end = flag.window_end or flag.window_start
    return {
        "name": flag.window_name,
        "start": instant(flag.window_start),
        "end": instant(end),
        "local": f"{_local(flag.window_start, zone)} to {_local(end, zone)}",
        "zone": zone,
    }


def _local(unix_seconds: float, zone: str) -> str:
    at = datetime.fromtimestamp(unix_seconds, UTC).astimezone(ZoneInfo(zone))
    return at.strftime("%a %Y-%m-%d %H:%M")


def _same_window(snapshot: Snapshot, flag: Flag) -> list[int]:
    """The other flags of this host whose boards are swapped in the same window."""
    here = place_of_flag(flag)
    return [
        one.number
        for one in snapshot.flags
        if here is not None
        and one.is_open
        and one.number != flag.number
        and place_of_flag(one) == here
    ]


def _lamps(snapshot: Snapshot) -> list[LampShape]:
    return [_lamp(bmc) for bmc in snapshot.bmcs if not bmc.host]


def _lamp(bmc: BmcState) -> LampShape:
    """The commands for a person's own account: gpuwatch's may only look.

    ipmitool(1): `chassis identify` lights for 0 to 255 s. Redfish: LocationIndicatorActive, since
    Chassis 1.14 (DSP2046); older services have IndicatorLED.
    """
    shape: LampShape = {"bmc": bmc.name, "address": bmc.address, "on": "", "off": "", "note": ""}
    if bmc.protocol is BmcProtocol.REDFISH:
        patch = (
            "curl -u USER -X PATCH -H 'Content-Type: application/json'"
            f" https://{bmc.address.removeprefix('https://')}/redfish/v1/Chassis/ID -d "
        )
        shape["on"] = patch + """'{"LocationIndicatorActive": true}'"""
        shape["off"] = patch + """'{"LocationIndicatorActive": false}'"""
        shape["note"] = (
            "ID is the server's chassis as /redfish/v1/Chassis lists it; an older BMC takes"
            ' {"IndicatorLED": "Blinking"} and "Off"'
        )
        return shape
    host, _, port = bmc.address.rpartition(":")
    local = bmc.protocol is BmcProtocol.IPMI_LOCAL
    way = "" if local else f" -I lanplus -H {host.strip('[]')} -p {port} -U USER -a"
    shape["on"] = f"ipmitool{way} chassis identify {_LAMP_SECONDS}"
    shape["off"] = f"ipmitool{way} chassis identify 0"
    shape["note"] = f"lights for {_LAMP_SECONDS} s; run it again for longer"
    return shape
