"""Work orders: a flag as the paper that a stranger at the rack can work by."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gpuwatch import __version__
from gpuwatch.domain.bmc import BmcIdentity, BmcProtocol
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.places import place_of_flag
from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.exposition.flag_documents import flag_document
from gpuwatch.exposition.record_documents import instant
from gpuwatch.exposition.words import RMA_STANDINGS
from gpuwatch.exposition.work_order_boards import flagged, others, unit_words
from gpuwatch.exposition.work_order_shapes import (
    LampShape,
    PlaceShape,
    ServerShape,
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
NO_ADDRESS = "an address that is not set"  # of a BMC that the settings do not name, or amiss


def work_order(snapshot: Snapshot, flag: Flag, *, remembered: bool = False) -> WorkOrderShape:
    """The work order of one flag; `remembered` when no agent runs and history tells it alone."""
    along, alone = others(snapshot, flag)
    directions = snapshot.directions
    window = _window(snapshot, flag)
    return {
        "flag": flag_document(snapshot, flag),
        "written_at": instant(snapshot.at.wall),
        "version": __version__,
        "remembered": remembered,
        "place": _place(snapshot),
        "server": _server(snapshot),
        "unit": unit_words(snapshot, flag),
        "board": flagged(snapshot, flag),
        "leaves_along": along,
        "leave_alone": alone,
        "window": window,
        "same_window": _same_window(snapshot, flag),
        "lamps": _lamps(snapshot),
        "rma": RMA_STANDINGS[flag.rma],
        "steps": work_steps(snapshot, flag, remembered=remembered),
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
    """By the firmware's tables, which are this server's, and by its BMCs, which may read them all.

    The settings may name another server's BMC, and that of a baseboard has a serial of its own: the
    one that the firmware confirms is believed before the first, and none against the firmware.
    """
    server = snapshot.server
    told = [(bmc.name, _identity(bmc)) for bmc in snapshot.bmcs if not bmc.host]
    named = [(name, one) for name, one in told if one.serial]
    alike = [(name, one) for name, one in named if server.serial in ("", one.serial)]
    first = [one for _, one in (*alike, *(() if named else told))]
    own = first[0] if first else BmcIdentity()
    serial = own.serial or server.serial
    return {
        "maker": server.maker or own.manufacturer,
        "product": server.product or own.product,
        "serial": serial,
        "serial_told_by": "BMC" if own.serial else "firmware" if serial else "",
        "other_serials": [
            f"{one.serial} (BMC {name})" for name, one in named if one.serial != serial
        ],
        "asset_tag": own.asset_tag or server.asset_tag,
    }


def _identity(bmc: BmcState) -> BmcIdentity:
    return bmc.sweep.identity if bmc.sweep else BmcIdentity()


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
    return at.strftime("%a %Y-%m-%d %H:%M %Z")


def _same_window(snapshot: Snapshot, flag: Flag) -> list[int]:
    """The other flags of this host whose boards are swapped in the same window."""
    here = place_of_flag(flag)
    return [
        one.number
        for one in snapshot.flags
        if here is not None
        and one.is_open
        and one.state is not FlagState.VERIFYING
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
    address = "ADDRESS:PORT" if bmc.address == NO_ADDRESS else bmc.address
    if bmc.protocol is BmcProtocol.REDFISH:
        patch = (
            "curl -u USER -X PATCH -H 'Content-Type: application/json'"
            f" https://{address.removeprefix('https://')}/redfish/v1/Chassis/ID -d "
        )
        shape["on"] = patch + """'{"LocationIndicatorActive": true}'"""
        shape["off"] = patch + """'{"LocationIndicatorActive": false}'"""
        shape["note"] = (
            "ID is the server's chassis as /redfish/v1/Chassis lists it; an older BMC takes"
            ' {"IndicatorLED": "Blinking"} and "Off"'
        )
        return shape
    host, _, port = address.rpartition(":")
    local = bmc.protocol is BmcProtocol.IPMI_LOCAL
    way = "" if local else f" -I lanplus -H {host.strip('[]')} -p {port} -U USER -a"
    shape["on"] = f"ipmitool{way} chassis identify {_LAMP_SECONDS}"
    shape["off"] = f"ipmitool{way} chassis identify 0"
    shape["note"] = f"lights for {_LAMP_SECONDS} s; run it again for longer"
    return shape
