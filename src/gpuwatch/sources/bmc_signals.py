"""BMC signals: the tables that give a BMC's sensors one name, one part and one unit each.

Codes are those of IPMI 2.0, section 42 and 43; names of types are spelled as FreeIPMI does. What no
row knows is told all the same, as OTHER, under the sensor's own name and unit.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gpuwatch.domain.bmc import Part, Quantity
from gpuwatch.domain.bmc_logs import LogTopic

# Sensor types, by code (table 42-3).
TYPES = (
    *("", "Temperature", "Voltage", "Current", "Fan", "Physical Security"),
    *("Platform Security Violation Attempt", "Processor", "Power Supply", "Power Unit"),
    *("Cooling Device", "Other Units Based Sensor", "Memory", "Drive Slot", "POST Memory Resize"),
    *("System Firmware Progress", "Event Logging Disabled", "Watchdog 1", "System Event"),
    *("Critical Interrupt", "Button/Switch", "Module/Board", "Microcontroller/Coprocessor"),
    *("Add In Card", "Chassis", "Chip Set", "Other Fru", "Cable/Interconnect", "Terminator"),
    *("System Boot Initiated", "Boot Error", "OS Boot", "OS Critical Stop", "Slot/Connector"),
    *("System ACPI Power State", "Watchdog 2", "Platform Alert", "Entity Presence"),
    *("Monitor ASIC/IC", "LAN", "Management Subsystem Health", "Battery", "Session Audit"),
    *("Version Change", "FRU State"),
)
TEMPERATURE, VOLTAGE, CURRENT, FAN, PHYSICAL_SECURITY = 0x01, 0x02, 0x03, 0x04, 0x05
PROCESSOR, POWER_SUPPLY, POWER_UNIT, COOLING = 0x07, 0x08, 0x09, 0x0A
MEMORY, DRIVE, ACPI_STATE, WATCHDOG, ENTITY_PRESENCE = 0x0C, 0x0D, 0x22, 0x23, 0x25

# Units, by code (table 43-15).
UNITS = (
    *("", "degrees C", "degrees F", "degrees K", "V", "A", "W", "J", "C", "VA", "nits", "lm", "lx"),
    *("cd", "kPa", "PSI", "N", "CFM", "RPM", "Hz", "us", "ms", "s", "min", "h", "d", "weeks"),
    *("mil", "in", "ft", "cu in", "cu ft", "mm", "cm", "m", "cu cm", "cu m", "l", "fl oz"),
    *("radians", "steradians", "revolutions", "cycles", "gravities", "oz", "lb", "ft-lb", "oz-in"),
    *("gauss", "gilberts", "H", "mH", "F", "uF", "ohms", "S", "mol", "Bq", "ppm", "", "dB", "dBA"),
    *("dBC", "Gy", "Sv", "color temp K", "bits", "kbit", "Mbit", "Gbit", "bytes", "kB", "MB", "GB"),
    *("words", "dwords", "qwords", "lines", "hits", "misses", "retries", "resets", "overruns"),
    *("underruns", "collisions", "packets", "messages", "characters", "errors"),
    *("correctable errors", "uncorrectable errors", "fatal errors", "grams"),
)
_RATES = ("", "us", "ms", "s", "min", "h", "d")
_CELSIUS, _FAHRENHEIT, _KELVIN, _VOLTS, _AMPERES, _WATTS, _RPM = 1, 2, 3, 4, 5, 6, 18

# Stamps from before 1990 count from the BMC's start, or stand for no time at all (section 37).
EARLIEST_STAMP = 631_152_000

Scale = Callable[[float], float]


def _as_is(value: float) -> float:
    return value


# By the code of a plain unit: the quantity, and how its number becomes one in our unit.
_QUANTITIES: Mapping[int, tuple[Quantity, Scale]] = {
    _CELSIUS: (Quantity.TEMPERATURE, _as_is),
    _FAHRENHEIT: (Quantity.TEMPERATURE, lambda value: (value - 32) / 1.8),
    _KELVIN: (Quantity.TEMPERATURE, lambda value: value - 273.15),
    _VOLTS: (Quantity.VOLTAGE, _as_is),
    _AMPERES: (Quantity.CURRENT, _as_is),
    _WATTS: (Quantity.POWER, _as_is),
    _RPM: (Quantity.FAN_SPEED, _as_is),
}
_PERCENT = 100.0
# Degrees that count down to a limit are no temperature.
_MARGIN = re.compile(r"margin|mgn|\bdts\b|tjmax|headroom", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Units:
    """A sensor's units as its record has them: see records.Units of the child."""

    base: int
    modifier: int = 0
    joined: str = ""
    rate: int = 0
    percent: bool = False

    @property
    def text(self) -> str:
        """In words, "" for a number without a unit."""
        parts = unit_symbol(self.base)
        if self.joined:
            parts += f"{self.joined}{unit_symbol(self.modifier)}"
        if 0 < self.rate < len(_RATES):
            parts += f"/{_RATES[self.rate]}"
        return f"% {parts}".strip() if self.percent else parts


def quantity_of(sensor_type: int, units: Units, name: str) -> tuple[Quantity, Scale, str]:
    """What a number measures, how it becomes one in our unit, and its unit where that is OTHER."""
    plain = not (units.joined or units.rate or units.percent)
    if plain and units.base in _QUANTITIES:
        quantity, scale = _QUANTITIES[units.base]
        if quantity is not Quantity.TEMPERATURE or not _MARGIN.search(name):
            return quantity, scale, ""
    if units.percent and sensor_type in {FAN, COOLING} and not units.base:
        return Quantity.FAN_DUTY, lambda value: value / _PERCENT, ""
    return Quantity.OTHER, _as_is, units.text


def unit_symbol(code: int) -> str:
    """A unit in words, "" for one that nobody knows."""
    return UNITS[code] if 0 <= code < len(UNITS) else ""


def type_name(code: int) -> str:
    """A sensor type in words, "" for one that only the maker knows."""
    return TYPES[code] if 0 <= code < len(TYPES) else ""


_NUMBER = r"[ _.#-]*(\d+)?"
# By name, the first that fits: how makers call their parts. A number behind it is the part's.
_NAMES = tuple(
    (part, re.compile(rf"(?<![a-z])(?:{words}){_NUMBER}", re.IGNORECASE))
    for part, words in (
        (Part.PSU, r"psu|ps(?=[ _]?(?:\d|redun))|pws|power[ _]?suppl(?:y|ies)|pmbpower(?=\d)"),
        (Part.VRM, r"(?:(?:cpu|gpu|p|dimm|soc|mem)[ _]?\d*[ _]*)?(?:vrm|vrd|vr(?![a-z]))"),
        (Part.FAN, r"(?:sys(?:tem)?|cpu|gpu|chassis)?[ _]*fan"),
        (Part.NVSWITCH, r"nv[ _]?switch|nvsw"),
        (Part.GPU, r"gpu(?![ _]*(?:tray|board|baseboard|zone))(?:[ _]*sxm)?|hbm"),
        (Part.DIMM, r"(?:cpu|p)\d*[ _-]*dimm|dimm|dram|memory(?![ _]*controller)"),
        (Part.DRIVE, r"nvme|hdd|ssd|drive|disk|m2(?![a-z])|m\.2|u\.2|hard[ _]?dis[ck]"),
        (Part.PCIE, r"pcie?|slot|riser|ocp|nic|aoc|mezz|ioc|hca|cx[5678]|bluefield"),
        (
            Part.INLET,
            (
                r"inlet|intake|front(?![ _]*panel)|air[ _]?in(?![a-z])"
                r"|(?<!mb[ _])(?<!board[ _])ambient"
            ),
        ),
        (Part.EXHAUST, r"exhaust|outlet|rear|air[ _]?out(?![a-z])"),
        (Part.CPU, r"cpu|proc(?:essor)?|p(?=\d(?![\dv]))|soc(?:ket)?"),
        (Part.BMC, r"bmc|management controller"),
        (Part.CHASSIS, r"chassis|total|sys(?:tem)?[ _]*(?:power|pwr)|pwr[ _]*consumption"),
        (Part.BOARD, r"system|board|mb|planar|pch|baseboard|peripheral|motherboard"),
    )
)
# By entity (table 43-13), where the name tells nothing.
_ENTITIES: Mapping[int, Part] = {
    0x03: Part.CPU,
    0x04: Part.DRIVE,
    0x06: Part.BMC,
    0x07: Part.BOARD,
    0x08: Part.DIMM,
    0x09: Part.CPU,
    0x0A: Part.PSU,
    0x0B: Part.PCIE,
    0x0F: Part.DRIVE,
    0x10: Part.BOARD,
    0x11: Part.BOARD,
    0x14: Part.VRM,
    0x15: Part.PSU,
    0x17: Part.CHASSIS,
    0x1A: Part.DRIVE,
    0x1D: Part.FAN,
    0x1E: Part.FAN,
    0x20: Part.DIMM,
    0x2C: Part.PCIE,
    0x2E: Part.BMC,
    0x30: Part.PCIE,
    0x31: Part.PCIE,
    0x37: Part.INLET,  # DCMI's own for the air inlet, and the specification's
    0x40: Part.INLET,
    0x41: Part.CPU,
    0x42: Part.BOARD,
}
# What a type is about whatever its name says.
_TYPES: Mapping[int, Part] = {POWER_SUPPLY: Part.PSU, MEMORY: Part.DIMM, DRIVE: Part.DRIVE}
# The first number that is an instance of a container, and not of the whole server.
_RELATIVE = 0x60


def part_of(sensor_type: int, entity: int, instance: int, name: str) -> tuple[Part, int | None]:
    """Which part a sensor is about, and which of them, as the BMC counts."""
    by_entity = _ENTITIES.get(entity)
    for part, words in _NAMES:
        if found := words.search(name):
            number = found[1]
            if number is None and by_entity is part:
                return part, _instance(instance)
            return part, None if number is None else int(number)
    part = _TYPES.get(sensor_type, by_entity or Part.OTHER)
    return part, _instance(instance) if part is by_entity else None


def _instance(instance: int) -> int | None:
    return (instance - _RELATIVE if instance >= _RELATIVE else instance) or None


_TOPICS: Mapping[int, LogTopic] = {
    TEMPERATURE: LogTopic.THERMAL,
    VOLTAGE: LogTopic.POWER,
    CURRENT: LogTopic.POWER,
    FAN: LogTopic.THERMAL,
    PROCESSOR: LogTopic.PROCESSOR,
    POWER_SUPPLY: LogTopic.POWER,
    POWER_UNIT: LogTopic.POWER,
    COOLING: LogTopic.THERMAL,
    MEMORY: LogTopic.MEMORY,
    0x0E: LogTopic.MEMORY,
    0x13: LogTopic.PCIE,  # critical interrupt: what reports errors of the bus
    0x17: LogTopic.PCIE,
    0x19: LogTopic.PROCESSOR,
    0x21: LogTopic.PCIE,
}
_PARTS_TOPICS: Mapping[Part, LogTopic] = {
    Part.GPU: LogTopic.GPU,
    Part.NVSWITCH: LogTopic.GPU,
    Part.DIMM: LogTopic.MEMORY,
    Part.CPU: LogTopic.PROCESSOR,
    Part.PSU: LogTopic.POWER,
    Part.FAN: LogTopic.THERMAL,
    Part.PCIE: LogTopic.PCIE,
}


def topic_of(sensor_type: int | None, name: str) -> LogTopic:
    """What an entry is about: by its sensor's type, else by its name."""
    if sensor_type is not None and sensor_type in _TOPICS:
        return _TOPICS[sensor_type]
    return _PARTS_TOPICS.get(part_of(0, 0, 0, name)[0], LogTopic.OTHER)


def labels(named: Iterable[tuple[str, str]]) -> list[str]:
    """A label for each sensor (its key, and its name or what stands for it), each only once.

    Sensors of one name are told apart by their keys, all of them: which came first may change.
    """
    pairs = list(named)
    counts: dict[str, int] = {}
    for _, name in pairs:
        counts[name] = counts.get(name, 0) + 1
    made: list[str] = []
    taken = {name for name, count in counts.items() if count == 1}
    for key, name in pairs:
        label = name
        if counts[name] > 1:
            label = f"{name} [{key}]"
            while label in taken:
                label += f" [{key}]"
            taken.add(label)
        made.append(label)
    return made
