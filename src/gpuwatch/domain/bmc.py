"""BMC: what a server's management controller tells of it, whatever protocol it was asked by.

Everything is optional: a controller tells what it knows. None is not known, and never "well".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gpuwatch.domain.bmc_logs import LogStatus
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap


class BmcProtocol(StrEnum):
    """How a controller is asked."""

    IPMI = "ipmi"  # over LAN: RMCP+, IPMI 2.0
    IPMI_LOCAL = "ipmi-local"  # in band, through the kernel's device
    REDFISH = "redfish"


class Quantity(StrEnum):
    """What a sensor measures, and thereby its base unit."""

    TEMPERATURE = "temperature"  # degrees Celsius
    FAN_SPEED = "fan_speed"  # revolutions a minute
    FAN_DUTY = "fan_duty"  # ratio, 1 is full
    VOLTAGE = "voltage"  # volts
    CURRENT = "current"  # amperes
    POWER = "power"  # watts
    OTHER = "other"  # a number in the unit that the sensor names
    STATE = "state"  # no number: states only


class Part(StrEnum):
    """What a sensor, a redundancy or an entry of the event log is about."""

    INLET = "inlet"
    EXHAUST = "exhaust"
    CPU = "cpu"
    GPU = "gpu"
    NVSWITCH = "nvswitch"
    DIMM = "dimm"
    VRM = "vrm"
    PSU = "psu"
    FAN = "fan"
    DRIVE = "drive"
    PCIE = "pcie"
    BOARD = "board"
    CHASSIS = "chassis"
    BMC = "bmc"
    OTHER = "other"


class SensorHealth(StrEnum):
    """What the controller makes of a reading by its own thresholds; None where it says nothing."""

    NOMINAL = "nominal"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """One sensor's answer.

    `key` is unique within its BMC and the same in every sweep; `name` is the BMC's own, printable,
    and need not be unique: `label` is, and is what people and metrics see. `value` is in the base
    unit of `quantity` (in `unit` for OTHER); None for a sensor without a number. `number` counts
    parts of one kind as the BMC does. `states` are what a discrete sensor asserts, in words. `kind`
    is the type that the BMC gives the sensor ("Power Supply"), "" where it gives none; `record` the
    number of the record that describes it (IPMI: SDR record id), by which other exporters call it.
    """

    key: str
    name: str
    label: str
    quantity: Quantity
    part: Part
    number: int | None = None
    value: float | Gap | None = None
    unit: str = ""
    health: SensorHealth | None = None
    states: tuple[str, ...] = ()
    kind: str = ""
    record: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSupply:
    """One supply. `standby` is cold redundancy: off on purpose, and well."""

    name: str
    number: int | None = None
    present: bool | None = None
    failed: bool | None = None
    failing: bool | None = None  # predicts its failure
    input_lost: bool | None = None
    standby: bool | None = None
    health: SensorHealth | None = None


class RedundancyState(StrEnum):
    """What is left of a redundancy."""

    FULL = "full"
    DEGRADED = "degraded"  # one less, and still one to spare
    LOST = "lost"  # enough, and none to spare
    INSUFFICIENT = "insufficient"  # not enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Redundancy:
    """A group of supplies or fans of which some may fail. None: it is not told."""

    name: str
    part: Part  # PSU, FAN or OTHER
    state: RedundancyState | None


class ChassisFault(StrEnum):
    """What a chassis says is wrong with it."""

    POWER = "power"
    OVERLOAD = "overload"
    INTERLOCK = "interlock"
    DRIVE = "drive"
    COOLING = "cooling"
    INTRUSION = "intrusion"


class PowerLoss(StrEnum):
    """Why a chassis lost its power the last time, where nobody switched it off."""

    INPUT = "input"
    OVERLOAD = "overload"
    INTERLOCK = "interlock"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chassis:
    """The chassis. `faults` are those told of, whether they hold; `losses` of the last power off.

    `restart_cause` is why the system started the last time, in words, "" where it is not told.
    """

    power_on: bool | None = None
    faults: Mapping[ChassisFault, bool] = field(default_factory=dict)
    losses: frozenset[PowerLoss] = frozenset()
    restart_cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """The controller's watchdog over the host. `expired` names what it did, "" when nothing."""

    running: bool
    expired: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BmcIdentity:
    """Who a BMC is, and of which server. "" where it is not told.

    `serial` is the server's (FRU product or chassis). `cipher_suite` is that of an IPMI session,
    `manufacturer_id` the BMC's own maker by IANA's enterprise numbers.
    """

    manufacturer: str = ""
    product: str = ""
    part_number: str = ""
    serial: str = ""
    board_serial: str = ""
    firmware: str = ""
    bios: str = ""
    guid: str = ""
    asset_tag: str = ""
    cipher_suite: int | None = None
    manufacturer_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BmcGpu:
    """What a GPU server's BMC tells of one GPU; joined to a board by serial, or UUID.

    `counts` are lifetime error counts by name (uncorrectable, correctable, rows remapped ...);
    a value that overflows or contradicts another is left out. Never says whether a GPU is there.
    """

    name: str
    serial: str = ""
    uuid: str = ""
    part_number: str = ""
    firmware: str = ""
    health: SensorHealth | None = None
    temperature_celsius: float | None = None
    memory_temperature_celsius: float | None = None
    power_watts: float | None = None
    row_remap_failed: bool | None = None
    row_remap_pending: bool | None = None
    sram_threshold_exceeded: bool | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def is_of(self, board: BoardKey) -> bool:
        """Whether this is that board: by serial where both tell one, else by UUID."""
        if self.serial and board.serial:
            return self.serial == board.serial
        # NVML writes "GPU-" before what a BMC tells without it, in either case of letters.
        theirs, ours = (one.lower().removeprefix("gpu-") for one in (self.uuid, board.uuid))
        return theirs == ours


@dataclass(frozen=True, slots=True, kw_only=True)
class BmcSweep:
    """All that one BMC told in one sweep.

    `watts` is what the whole server draws. `clock_skew` is by how many seconds the BMC's clock is
    ahead of ours, None where it has none. `updating` says that its firmware is being written or
    that it is starting. `gaps` are the parts of a sweep that could not be had, by name ("dcmi",
    "sel", "fru", ...).
    """

    bmc: str
    at: Moment
    seconds: float
    identity: BmcIdentity = BmcIdentity()
    sensors: tuple[Sensor, ...] = ()
    supplies: tuple[PowerSupply, ...] = ()
    redundancies: tuple[Redundancy, ...] = ()
    chassis: Chassis = Chassis()
    watchdog: Watchdog | None = None
    watts: float | None = None
    logs: tuple[LogStatus, ...] = ()
    gpus: tuple[BmcGpu, ...] = ()
    updating: bool = False
    clock_skew: float | None = None
    gaps: Mapping[str, Gap] = field(default_factory=dict)


class BmcTrouble(StrEnum):
    """Why a BMC cannot be asked."""

    UNREACHABLE = "unreachable"  # no answer, or its name does not resolve
    TIMED_OUT = "timed_out"  # it answered, and then no more
    PASSWORD = "password"  # noqa: S105 - user or password refused
    PRIVILEGE = "privilege"  # the account may not do this
    NO_SESSION = "no_session"  # all its sessions are taken
    CERTIFICATE = "certificate"
    DEVICE = "device"  # no such device here, or no right to open it
    PROTOCOL = "protocol"  # what it said makes no sense
    FAILED = "failed"  # our own child failed


@dataclass(frozen=True, slots=True, kw_only=True)
class BmcFailure:
    """A sweep that could not be had. `text` is for people, with the way out."""

    bmc: str
    at: Moment
    trouble: BmcTrouble
    text: str
