"""Work order shapes: what a person needs to swap a board, as plain objects."""

from typing import TypedDict

from gpuwatch.exposition.flag_shapes import FlagShape


class PlaceShape(TypedDict):
    """Where the server stands; "" where the settings do not say."""

    site: str
    row: str
    rack: str
    unit: str
    host: str


class ServerShape(TypedDict):
    """The server to stand before; `serial_told_by` is "BMC", "firmware" or "".

    `other_serials` are what its other BMCs tell, with who does: of a baseboard, or a wrong setting.
    """

    maker: str
    product: str
    serial: str
    serial_told_by: str
    other_serials: list[str]
    asset_tag: str


class WorkBoardShape(TypedDict):
    """A board as it is found at the rack; `flags` are the numbers of its open flags."""

    name: str
    part_number: str
    serial: str
    uuid: str
    slot: str
    pci_address: str
    module: int | None
    platform_slot: int | None
    tray: int | None
    chassis_serial: str
    names_by_bmc: list[str]
    flags: list[int]


class WorkWindowShape(TypedDict):
    """When: the window in UTC, and as the wall clock of the hall shows it."""

    name: str
    start: str
    end: str
    local: str
    zone: str


class LampShape(TypedDict):
    """How a person lights the server's identify lamp; gpuwatch never does. Commands, or hints."""

    bmc: str
    address: str
    on: str
    off: str
    note: str


class StepShape(TypedDict):
    """One step, and the commands that it takes."""

    text: str
    commands: list[str]


class WorkOrderShape(TypedDict):
    """One board to swap. `leaves_along` go with its unit, `leave_alone` must not be touched."""

    flag: FlagShape
    written_at: str
    version: str
    remembered: bool
    place: PlaceShape
    server: ServerShape
    unit: str
    board: WorkBoardShape
    leaves_along: list[WorkBoardShape]
    leave_alone: list[WorkBoardShape]
    window: WorkWindowShape | None
    same_window: list[int]
    lamps: list[LampShape]
    rma: str
    steps: list[StepShape]
    fields: list[str]
    contacts: list[str]
    notes: list[str]
