"""Redfish words: the closed sets of words that a Redfish service uses, and what they mean here."""

from collections.abc import Mapping

from gpuwatch.domain.bmc import Part, Quantity, SensorHealth
from gpuwatch.sources.bmc_signals import part_of

# `Status.Health`
_HEALTHS: Mapping[str, SensorHealth] = {
    "OK": SensorHealth.NOMINAL,
    "Warning": SensorHealth.WARNING,
    "Critical": SensorHealth.CRITICAL,
}
# `Status.State` of what is not there, or does nothing at present: its health and readings are none.
NOT_READ = frozenset({"Absent", "Disabled", "UnavailableOffline", "StandbyOffline", "Deferring"})
STANDBY = frozenset({"StandbySpare", "StandbyOffline"})

# `ReadingType` and `ReadingUnits`, of which services leave out one or the other.
_UNITS: Mapping[str, tuple[Quantity, float]] = {
    "Cel": (Quantity.TEMPERATURE, 1.0),
    "Celsius": (Quantity.TEMPERATURE, 1.0),
    "RPM": (Quantity.FAN_SPEED, 1.0),
    "V": (Quantity.VOLTAGE, 1.0),
    "mV": (Quantity.VOLTAGE, 0.001),
    "A": (Quantity.CURRENT, 1.0),
    "mA": (Quantity.CURRENT, 0.001),
    "W": (Quantity.POWER, 1.0),
    "mW": (Quantity.POWER, 0.001),
    "kW": (Quantity.POWER, 1_000.0),
}
_KINDS: Mapping[str, Quantity] = {
    "Temperature": Quantity.TEMPERATURE,
    "Rotational": Quantity.FAN_SPEED,
    "Voltage": Quantity.VOLTAGE,
    "Current": Quantity.CURRENT,
    "Power": Quantity.POWER,
}
_PERCENT = frozenset({"%", "Percent"})

# Beyond these a number stands for none: a sentinel that came through, or a sensor that is broken.
_BOUNDS: Mapping[Quantity, tuple[float, float]] = {
    Quantity.TEMPERATURE: (-55.0, 200.0),
    Quantity.FAN_SPEED: (0.0, 60_000.0),
    Quantity.FAN_DUTY: (0.0, 2.0),
    Quantity.VOLTAGE: (-1_000.0, 1_000.0),
    Quantity.CURRENT: (-10_000.0, 10_000.0),
    Quantity.POWER: (-1_000.0, 60_000.0),
    Quantity.OTHER: (-1e15, 1e15),
}
# Parts that are never at 0 degrees while they work: it is what a BMC says when it cannot ask them.
_WARM = frozenset({Part.CPU, Part.GPU, Part.NVSWITCH, Part.DIMM, Part.VRM, Part.PSU})

# `PhysicalContext`, as far as it tells more than a name.
_CONTEXTS: Mapping[str, Part] = {
    "Intake": Part.INLET,
    "Room": Part.INLET,
    "Exhaust": Part.EXHAUST,
    "CPU": Part.CPU,
    "CPUSubsystem": Part.CPU,
    "GPU": Part.GPU,
    "GPUSubsystem": Part.GPU,
    "Memory": Part.DIMM,
    "MemorySubsystem": Part.DIMM,
    "VoltageRegulator": Part.VRM,
    "PowerSupply": Part.PSU,
    "PowerSupplyBay": Part.PSU,
    "PowerSubsystem": Part.PSU,
    "Fan": Part.FAN,
    "StorageBay": Part.DRIVE,
    "StorageDevice": Part.DRIVE,
    "StorageSubsystem": Part.DRIVE,
    "NetworkingDevice": Part.PCIE,
    "ExpansionBay": Part.PCIE,
    "ExpansionSubsystem": Part.PCIE,
    "Manager": Part.BMC,
}
# And those that are believed only where the name tells nothing: Dell's inlet is a `SystemBoard`.
_VAGUE: Mapping[str, Part] = {
    "SystemBoard": Part.BOARD,
    "ComputeBay": Part.BOARD,
    "Backplane": Part.DRIVE,
    "Chassis": Part.CHASSIS,
    "Front": Part.CHASSIS,
    "Back": Part.CHASSIS,
    "Accelerator": Part.GPU,
}
# A GPU's memory is told as `Memory`, and its board's air as `Intake`.
_BY_NAME = frozenset({Part.GPU, Part.NVSWITCH, Part.PSU})


def health_of(health: str, state: str = "") -> SensorHealth | None:
    """What a service makes of a part; None where it says nothing, or the part is not there."""
    return None if state in NOT_READ else _HEALTHS.get(health)


def quantity_of(kind: str, unit: str, part: Part) -> tuple[Quantity, float]:
    """What a number measures, and the factor that makes it one in our unit."""
    if unit in _UNITS:
        quantity, factor = _UNITS[unit]
        fitting = _KINDS.get(kind, quantity) is quantity
        return (quantity, factor) if fitting else (Quantity.OTHER, 1.0)
    if part is Part.FAN and (unit in _PERCENT or (kind in _PERCENT and not unit)):
        return Quantity.FAN_DUTY, 0.01
    return (Quantity.OTHER, 1.0) if unit else (_KINDS.get(kind, Quantity.OTHER), 1.0)


def possible(value: float, quantity: Quantity, part: Part) -> bool:
    """Whether a value in our unit is one that a server's part can have."""
    low, high = _BOUNDS.get(quantity, _BOUNDS[Quantity.OTHER])
    cold = quantity is Quantity.TEMPERATURE and not value and part in _WARM
    return low <= value <= high and not cold


def part_and_number(context: str, name: str) -> tuple[Part, int | None]:
    """Which part a sensor is about, by where it is and how it is called, and which of them."""
    by_name, number = part_of(0, 0, 0, name)
    if by_name in _BY_NAME or (context not in _CONTEXTS and by_name is not Part.OTHER):
        return by_name, number
    part = _CONTEXTS.get(context, _VAGUE.get(context, Part.OTHER))
    return part, number if part is by_name else None
