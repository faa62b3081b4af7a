"""Work order words: a work order as rows of names and texts, shared by terminal and paper."""

from gpuwatch.exposition.paper import NOT_TOLD, Row, seat
from gpuwatch.exposition.work_order_shapes import WorkBoardShape, WorkOrderShape


def headline(order: WorkOrderShape) -> str:
    """What is to be done, and where."""
    board, flag = order["board"], order["flag"]
    which = f"board {board['serial']}" if board["serial"] else "a board without a readable serial"
    return f"Work order for flag {flag['number']}: replace {which} in {order['place']['host']}"


def where(order: WorkOrderShape) -> list[Row]:
    """How to find the server."""
    place, server = order["place"], order["server"]
    told_by = f" (by its {server['serial_told_by']})" if server["serial_told_by"] else ""
    rows = [
        ("site", place["site"] or "not set (host.site)"),
        ("row, rack", ", ".join(filter(None, (place["row"], place["rack"]))) or NOT_TOLD),
        ("rack unit", place["unit"] or "not set (host.unit)"),
        ("host", place["host"]),
        ("server", " ".join(filter(None, (server["maker"], server["product"]))) or NOT_TOLD),
        ("its serial", f"{server['serial'] or NOT_TOLD}{told_by}"),
        ("asset tag", server["asset_tag"] or NOT_TOLD),
    ]
    if server["other_serials"]:
        told = f"{', '.join(server['other_serials'])}: of a part of it, or of another server"
        rows.insert(-1, ("also told", told))
    return rows


def what(order: WorkOrderShape) -> list[Row]:
    """What is replaced, and by which words it is found inside."""
    board = order["board"]
    names = ", ".join(board["names_by_bmc"])
    rows = [
        ("replace", order["unit"]),
        ("serial", board["serial"] or "not readable: go by the slot, and compare afterwards"),
        ("part no.", board["part_number"] or NOT_TOLD),
        ("product", board["name"] or NOT_TOLD),
        ("slot", seat(board)),
        ("PCI", board["pci_address"] or NOT_TOLD),
        ("BMC's name", names),
        ("chassis", board["chassis_serial"]),
        ("UUID", board["uuid"]),
    ]
    return [(name, text) for name, text in rows if text]


def why(order: WorkOrderShape) -> list[Row]:
    """Why, and where the board stands with its vendor."""
    flag = order["flag"]
    rows = [
        ("cause", f"{flag['code']}: {flag['sentence']}"),
        ("return", order["rma"]),
        ("case", flag["vendor_case"] or "none yet (gpuwatch flags set --vendor-case)"),
        ("disposal", flag["disposition"].replace("_", " ")),
        ("remark", flag["slot_note"]),
    ]
    return [(name, text) for name, text in rows if text]


def when(order: WorkOrderShape) -> list[Row]:
    """The window, in UTC and on the clock of the hall."""
    window, flag = order["window"], order["flag"]
    due = f"{_minute(flag['due_at'])} UTC"
    if window is None:
        return [("window", "none planned"), ("due", due)]
    rows = [("window", f"{window['name']}, {_minute(window['start'])} UTC")]
    rows.append(("until", f"{_minute(window['end'])} UTC"))
    if window["zone"] != "UTC":
        rows.append(("local", f"{window['local']} ({window['zone']})"))
    rows.append(("due", due))
    if order["same_window"]:
        numbers = ", ".join(map(str, order["same_window"]))
        rows.append(("beside it", f"flag {numbers} in the same window, on a paper of its own"))
    return rows


def board_words(board: WorkBoardShape) -> str:
    """One of the other boards in one line."""
    flags = ", ".join(map(str, board["flags"]))
    flagged = f", flag {flags} of its own" if flags else ""
    serial = board["serial"] or "serial not readable"
    return f"{board['slot'] or board['pci_address'] or 'slot not told'}: {serial}{flagged}"


def _minute(instant: str) -> str:
    return instant[:16].replace("T", " ")
