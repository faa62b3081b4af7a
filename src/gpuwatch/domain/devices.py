"""Devices: boards have serial numbers and move; slots are where they sit."""

from dataclasses import dataclass, field
from enum import StrEnum


class Fru(StrEnum):
    """The field-replaceable unit: what remote hands replace as one piece."""

    MODULE = "module"
    BASEBOARD = "baseboard"
    TRAY = "tray"
    SERVER = "server"


@dataclass(frozen=True, slots=True, order=True)
class BoardKey:
    """What identifies a board for ever: its serial ("" when unreadable) and the UUID of its GPU."""

    serial: str
    uuid: str

    def __post_init__(self) -> None:
        if not self.uuid:
            raise ValueError("a board key needs a UUID: a GPU index or address identifies nothing")

    def __hash__(self) -> int:
        return hash(self.uuid)  # looked up many times a sweep; boards do not share a UUID

    def __str__(self) -> str:
        return f"{self.serial or 'no-serial'}/{self.uuid}"


def same_board(one: BoardKey, other: BoardKey) -> bool:
    """Whether two keys are one board: the same serial, or without serials the same UUID."""
    if one.serial and other.serial:
        return one.serial == other.serial
    return one.uuid == other.uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What a board says of itself. Texts are "" where the board or driver does not tell."""

    key: BoardKey
    name: str = ""
    part_number: str = ""
    vbios: str = ""
    inforom: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Where a board sits. `pci_address` is `0000:01:00.0`, lower case, four-digit domain.

    Chassis serial, physical slot, tray and module come from the platform where it tells them.
    """

    pci_address: str
    module_id: int | None = None
    chassis_serial: str = ""
    slot_number: int | None = None
    tray_index: int | None = None

    @property
    def label(self) -> str:
        """The name for people: the module where known, else the platform slot, else the address."""
        if self.module_id is not None:
            return f"module-{self.module_id}"
        if self.slot_number is not None:
            return f"slot-{self.slot_number}"
        return self.pci_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A board in its slot, as one inventory saw it. `index` is for people and keys nothing."""

    index: int
    board: Board
    slot: Slot
    mig_enabled: bool | None = None
    attributes: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One boot and one load of the driver; volatile counters belong to it.

    `driver_load` is an opaque token that changes when the module is loaded again.
    """

    boot_id: str
    driver_load: str
    driver_version: str = ""
