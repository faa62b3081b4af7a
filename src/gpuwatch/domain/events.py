"""Events: what happened at an instant, who said so, and how sure the instant is."""

from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.xids import XidAdvice

# https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
_OFF_BUS_XID = 79


class EventKind(StrEnum):
    """Everything that gpuwatch dates. The value is what is stored, logged and shown."""

    XID = "xid"
    SXID = "sxid"
    FELL_OFF_BUS = "fell_off_bus"
    INIT_FAILED = "init_failed"
    DOUBLE_BIT_ERROR = "double_bit_error"
    RESET = "reset"
    NEW_EPOCH = "new_epoch"
    CLOCK_STEP = "clock_step"
    COUNTER_BASELINE = "counter_baseline"
    BOARD_FIRST_SEEN = "board_first_seen"
    BOARD_RETURNED = "board_returned"
    BOARD_LOST = "board_lost"
    BOARD_MOVED = "board_moved"
    BOARD_LEFT = "board_left"
    BOARDS_EXCHANGED = "boards_exchanged"
    DEPARTED_WITH_FRU = "departed_with_fru"
    PLATFORM_CHANGED = "platform_changed"
    ERRORS_COUNTED = "errors_counted"
    UNATTRIBUTED_ERROR = "unattributed_error"
    MAINTENANCE_BEGAN = "maintenance_began"
    MAINTENANCE_ENDED = "maintenance_ended"
    SOURCE_RELEASED = "source_released"
    SOURCE_RESUMED = "source_resumed"
    HISTORY_LOST = "history_lost"
    BMC_ADDED = "bmc_added"
    BMC_REPLACED = "bmc_replaced"
    BMC_CHANGED = "bmc_changed"
    BMC_STARTED = "bmc_started"
    CHASSIS_POWER_ON = "chassis_power_on"
    CHASSIS_POWER_OFF = "chassis_power_off"
    LOG_CLEARED = "log_cleared"
    LOG_WRAPPED = "log_wrapped"


class EventSource(StrEnum):
    """Who reported an event."""

    KERNEL_LOG = "kernel_log"
    NVML = "nvml"
    GPUWATCH = "gpuwatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.

    `at` is Unix seconds; the truth lies in [`not_before`, `not_after`], which default to `at`.
    `identity` is equal for two reports of the same occurrence and unique otherwise. `board` is None
    until the agent maps `pci_address` to a board, or when the event is the host's.
    `code` is the Xid or SXid; `subcode` what distinguishes occurrences under one code (a MIG
    instance, an NVLink unit); `detail` the text after the code, for people. `uuid` is the GPU that
    the report itself names, "" when it names only an address. `bmc` is the name of the BMC that an
    event is about, "" for none. `process` is whom the report blames, `advice` what the driver's
    manual says of an Xid: history keeps both in the board's traces, and an event that was read back
    has neither.
    """

    kind: EventKind
    at: float
    source: EventSource
    identity: str
    boot_id: str
    board: BoardKey | None = None
    pci_address: str = ""
    uuid: str = ""
    bmc: str = ""
    code: int | None = None
    subcode: str = ""
    detail: str = ""
    process: str = ""
    advice: XidAdvice = XidAdvice.UNKNOWN
    not_before: float | None = None
    not_after: float | None = None
    boottime: float | None = None

    @property
    def earliest(self) -> float:
        """The earliest instant at which it can have happened, Unix seconds."""
        return self.at if self.not_before is None else self.not_before

    @property
    def latest(self) -> float:
        """The latest instant at which it can have happened, Unix seconds."""
        return self.at if self.not_after is None else self.not_after

    @property
    def is_off_bus(self) -> bool:
        """Whether it says that a board fell off the bus."""
        return self.kind is EventKind.FELL_OFF_BUS or (
            self.kind is EventKind.XID and self.code == _OFF_BUS_XID
        )
