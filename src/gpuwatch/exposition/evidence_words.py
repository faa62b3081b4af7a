"""Evidence words: the first page of evidence as titles, rows and sentences, for text and paper."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpuwatch.exposition.evidence_shapes import EvidenceBoardShape, EvidenceShape
from gpuwatch.exposition.paper import NOT_TOLD, Row, seat
from gpuwatch.exposition.words import amount, plural

_SECONDS_PER_HOUR = 3600.0
_ERRORS = (("dram", "in DRAM"), ("sram", "in SRAM"), ("unknown", "not located"))
# The counters that an RMA desk asks for, as far as the board has them.
_COUNTERS = (
    "gpuwatch_gpu_ecc_uncorrected_",
    "gpuwatch_gpu_rows_remapped_",
    "gpuwatch_gpu_row_remap_",
    "gpuwatch_gpu_pages_retired_",
    "gpuwatch_gpu_sram_",
    "gpuwatch_gpu_memory_unrepairable",
    "gpuwatch_gpu_repair_pending",
    "gpuwatch_gpu_recovery_action",
)
_UNCHANGED = (
    "See that nothing was changed on the way: in the folder of these files, run"
    " sha256sum -c MANIFEST.sha256 (Linux), or compare the sums by any other means."
)
_READ = (
    "Read incidents.csv for when errors happened and counters.csv for what the board itself"
    " counted: aggregate counters are the board's own memory and can be read from it again."
)
_ZERO = (0, 0.0, "0", "none")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the first page: rows of a name and a text."""

    title: str
    rows: tuple[Row, ...]


def headline(told: EvidenceShape) -> str:
    """What this is about."""
    board = told["board"]
    which = f"board {board['serial']}" if board["serial"] else "a board without a readable serial"
    return f"Evidence for the return of {which}"


def summary(told: EvidenceShape) -> str:
    """The whole in three sentences."""
    board, flag = told["board"], told["flag"]
    product = board["name"] or "A board whose product is not told"
    part = f" (part number {board['part_number']})" if board["part_number"] else ""
    return (
        f"{product}{part} was flagged for replacement by gpuwatch, a monitor that runs on its host."
        f" Cause: {flag['sentence']} Standing: {told['rma']}."
    )


def sections(told: EvidenceShape) -> tuple[Section, ...]:
    """The parts of the first page in their order; none is empty."""
    parts = (
        Section("The board", _said(_board(told))),
        Section("Why it is returned", _said(_why(told))),
        Section("Numbers", _said(_numbers(told))),
        Section("Counters as last read, where they are not 0", tuple(_counters(told))),
        Section("Firmware and server", _said(_server(told))),
        Section("The board that came in its place", _said(_acceptance(told))),
    )
    return tuple(part for part in parts if part.rows)


def steps(told: EvidenceShape) -> list[str]:
    """What the reader should do with this."""
    board, flag = told["board"], told["flag"]
    label = f"that its label says {board['serial']}" if board["serial"] else "its label"
    part = board["part_number"] or NOT_TOLD
    said = [
        f"Compare the board in hand with this page: {label}, part number {part}.",
        _UNCHANGED,
        _READ,
    ]
    if flag["rma"] == "criterion_met":
        said.append("The criterion is a flag of the board's own; a field diagnostic confirms it.")
    else:
        said.append(
            "Run the field diagnostic. Errors that come days apart may pass it: weigh the incidents"
            " and the counters beside its result."
        )
    case = flag["vendor_case"]
    said.append(f"Refer to case {case} in every answer." if case else "No case was opened yet.")
    return said


def _said(rows: list[Row]) -> tuple[Row, ...]:
    return tuple((name, text) for name, text in rows if text)


def _board(told: EvidenceShape) -> list[Row]:
    board = told["board"]
    return [
        ("serial", board["serial"] or "not readable"),
        ("part number", board["part_number"] or NOT_TOLD),
        ("product", board["name"] or NOT_TOLD),
        ("UUID", board["uuid"]),
        ("VBIOS", board["vbios"] or NOT_TOLD),
        ("InfoROM", board["inforom"] or NOT_TOLD),
        ("sat in", seat(board)),
        ("PCI address", board["pci_address"]),
        ("chassis", board["chassis_serial"]),
        ("first seen", _second(board["first_seen"])),
        ("last seen", _second(board["last_seen"])),
        ("watched for", _hours(board)),
    ]


def _why(told: EvidenceShape) -> list[Row]:
    flag, rule = told["flag"], told["rule"]
    state = flag["state"].replace("_", " ")
    ended = f", {flag['outcome'].replace('_', ' ')}" if flag["outcome"] else ""
    return [
        ("cause", f"{flag['code']}: {flag['sentence']}"),
        ("rule", rule["when"] if rule else ""),
        ("its source", rule["source"] if rule else ""),
        ("return", told["rma"]),
        ("case", flag["vendor_case"] or "none yet"),
        ("raised", _second(flag["raised_at"])),
        ("evidence of", _second(flag["evidence_at"])),
        ("flag is", f"{state}{ended} since {_second(flag['state_since'])}"),
        ("flag number", str(flag["number"])),
    ]


def _numbers(told: EvidenceShape) -> list[Row]:
    board = told["board"]
    errors = (
        f"{amount(board['errors'][memory])} {where}"
        for memory, where in _ERRORS
        if board["errors"].get(memory)
    )
    prior = (f"{name} {amount(count)}" for name, count in board["prior"].items() if count)
    xids = (f"Xid {code}: {amount(count)}" for code, count in board["xids"].items())
    healthy = told["healthy_incidents_per_year"]
    known = board["exposure_seconds"] is not None
    return [
        ("incidents", _incidents(told) if known else NOT_TOLD),
        ("errors", (", ".join(errors) or "none counted") if known else NOT_TOLD),
        ("brought along", (", ".join(prior) or "none") if known else NOT_TOLD),
        ("Xids", (", ".join(xids) or "none") if known else NOT_TOLD),
        ("off the bus", _times(board["falls_off_bus"], "time")),
        ("resets", _times(board["resets"], "reset", " evidenced")),
        ("healthy board", f"{healthy:.3g} incidents a year expected" if healthy else ""),
    ]


def _times(count: int | None, what: str, behind: str = "") -> str:
    return NOT_TOLD if count is None else plural(count, what) + behind


def _incidents(told: EvidenceShape) -> str:
    opened = [one["opened_at"][:10] for one in told["incidents"]]
    if not opened:
        return "none"
    shown = ", ".join(opened[-8:])
    earlier = "the latest " if len(opened) > 8 else ""  # noqa: PLR2004 - a line
    return f"{plural(len(opened), 'incident')} of uncorrectable errors ({earlier}{shown})"


def _counters(told: EvidenceShape) -> Iterator[Row]:
    """The latest value of each counter, by the name of its signal."""
    latest: dict[str, object] = {}
    for row in told["tables"]["counters"]["rows"]:
        if row[1] == "value":
            latest[str(row[2])] = row[3]
    for prefix in _COUNTERS:
        for key in sorted(latest):
            if key.startswith(prefix) and latest[key] is not None and latest[key] not in _ZERO:
                yield key.removeprefix("gpuwatch_gpu_"), str(latest[key])


def _server(told: EvidenceShape) -> list[Row]:
    server, inventory = told["server"], told["inventory"]
    firmware = (
        f"{bmc['name']}: {' '.join(filter(None, (bmc['firmware'], bmc['bios'])))}"
        for bmc in inventory["bmcs"]
        if bmc["firmware"] or bmc["bios"]
    )
    place = told["place"]
    return [
        ("server", " ".join(filter(None, (server["maker"], server["product"]))) or NOT_TOLD),
        ("its serial", server["serial"] or NOT_TOLD),
        ("host", place["host"]),
        ("place", " ".join(filter(None, (place["site"], place["row"], place["rack"])))),
        ("driver", ", ".join(inventory["drivers_met"]) or inventory["driver"] or NOT_TOLD),
        ("BMC, BIOS", ", ".join(firmware) or NOT_TOLD),
        ("other boards", str(len(inventory["other_boards"]))),
    ]


def _acceptance(told: EvidenceShape) -> list[Row]:
    acceptance = told["acceptance"]
    if acceptance is None:
        return []
    diagnostic = acceptance["diagnostic"]
    return [
        ("serial", ", ".join(one["serial"] or one["uuid"] for one in acceptance["boards"])),
        ("under load", f"{acceptance['load_seconds'] / _SECONDS_PER_HOUR:.1f} h"),
        ("result", acceptance["state"].replace("_", " ")),
        ("decided", acceptance["sentence"]),
        ("diagnostic", f"{diagnostic['name']}: {diagnostic['result']}" if diagnostic else ""),
    ]


def _hours(board: EvidenceBoardShape) -> str:
    seconds = board["exposure_seconds"]
    return NOT_TOLD if seconds is None else f"{seconds / _SECONDS_PER_HOUR:,.1f} hours"


def _second(instant: str | None) -> str:
    return f"{instant[:19].replace('T', ' ')} UTC" if instant else ""
