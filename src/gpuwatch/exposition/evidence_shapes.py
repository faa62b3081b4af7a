"""Evidence shapes: what is handed to a vendor about one flag, as plain objects."""

from typing import Any, TypedDict

from gpuwatch.domain.rule_words import RuleWords
from gpuwatch.exposition.acceptance_shapes import AcceptanceShape
from gpuwatch.exposition.flag_shapes import FlagShape
from gpuwatch.exposition.work_order_shapes import PlaceShape, ServerShape

Cell = str | int | float | bool | None


class TableShape(TypedDict):
    """Rows under named columns. A column `..._unix_seconds` holds instants; None is unknown."""

    columns: list[str]
    rows: list[list[Cell]]


class EvidenceBoardShape(TypedDict):
    """The flagged board; `errors` since first sight, `prior` what it had brought along.

    `xids` are totals by code.
    """

    serial: str
    uuid: str
    name: str
    part_number: str
    vbios: str
    inforom: str
    slot: str
    pci_address: str
    module: int | None
    platform_slot: int | None
    tray: int | None
    chassis_serial: str
    state: str
    first_seen: str | None
    last_seen: str | None
    exposure_seconds: float | None
    errors: dict[str, int]
    prior: dict[str, int]
    xids: dict[str, int]
    resets: int | None
    falls_off_bus: int | None


class OtherBoardShape(TypedDict):
    """Another board of the same server."""

    serial: str
    uuid: str
    name: str
    part_number: str
    vbios: str
    inforom: str
    slot: str
    state: str
    verdict: str


class ControllerShape(TypedDict):
    """A BMC of the server; "" where it does not tell."""

    name: str
    protocol: str
    address: str
    manufacturer: str
    product: str
    part_number: str
    serial: str
    board_serial: str
    firmware: str
    bios: str
    guid: str


class InventoryShape(TypedDict):
    """The server around the board. `driver` is what is loaded now, "" for none or unknown."""

    driver: str
    drivers_met: list[str]
    bmcs: list[ControllerShape]
    other_boards: list[OtherBoardShape]


class EvidenceSignalShape(TypedDict):
    """One report of uncorrectable errors; `role` is "owner" or "echo"."""

    kind: str
    role: str
    memory: str
    count: int
    at: str
    not_before: str | None
    not_after: str | None
    exposure_seconds: float


class EvidenceIncidentShape(TypedDict):
    """Reports that belong together; `exposure_seconds` are the board's hours of service then."""

    number: int
    memory: str
    opened_at: str
    exposure_seconds: float
    signals: list[EvidenceSignalShape]


class CaptureShape(TypedDict):
    """What was captured when something happened; `document` as it was written down then."""

    number: int
    occasion: str
    at: str
    at_unix_seconds: float
    settled: bool
    document: dict[str, Any]


class MissingShape(TypedDict):
    """Something that a reader may look for and that is not here."""

    what: str
    why: str


class TablesShape(TypedDict):
    """What becomes a CSV file each."""

    incidents: TableShape
    counters: TableShape
    readings: TableShape
    xids: TableShape
    xid_groups: TableShape
    events: TableShape
    sel: TableShape
    audit: TableShape


class EvidenceShape(TypedDict):
    """All that is known of one flag. `diagnostic_output` is base64, None where it is not kept."""

    format: str
    written_at: str
    written_at_unix_seconds: float
    version: str
    rules_version: str
    remembered: bool
    place: PlaceShape
    server: ServerShape
    flag: FlagShape
    rma: str
    board: EvidenceBoardShape
    healthy_incidents_per_year: float | None
    rule: RuleWords | None
    inventory: InventoryShape
    incidents: list[EvidenceIncidentShape]
    tables: TablesShape
    acceptance: AcceptanceShape | None
    diagnostic_output: str | None
    captures: list[CaptureShape]
    missing: list[MissingShape]
