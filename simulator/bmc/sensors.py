"""Sensors: what the BMC of an 8-GPU server measures, and what it says when all is well."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

_RAW_MAX = 255


class Kind(IntEnum):
    """Sensor type codes: IPMI 2.0, table 42-3."""

    TEMPERATURE = 0x01
    VOLTAGE = 0x02
    CURRENT = 0x03
    FAN = 0x04
    PHYSICAL_SECURITY = 0x05
    PROCESSOR = 0x07
    POWER_SUPPLY = 0x08
    POWER_UNIT = 0x09
    OTHER_UNITS = 0x0B
    MEMORY = 0x0C
    DRIVE_BAY = 0x0D
    CRITICAL_INTERRUPT = 0x13
    ENTITY_PRESENCE = 0x25


class Unit(IntEnum):
    """Unit codes: IPMI 2.0, table 43-15."""

    CELSIUS = 1
    VOLTS = 4
    AMPERES = 5
    WATTS = 6
    RPM = 18


class Entity(IntEnum):
    """Entity ids: IPMI 2.0, table 43-13."""

    PROCESSOR = 0x03
    DISK = 0x04
    SYSTEM_BOARD = 0x07
    POWER_SUPPLY = 0x0A
    ADD_IN_CARD = 0x0B
    EXPANSION_BOARD = 0x10
    POWER_UNIT = 0x13
    CHASSIS = 0x17
    FAN = 0x1D
    COOLING_UNIT = 0x1E
    MEMORY_DEVICE = 0x20
    BATTERY = 0x28
    AIR_INLET = 0x37


class Quirk(StrEnum):
    """What BMCs in the field get wrong."""

    SATELLITE = "satellite"  # a sensor that another controller owns, under a number that is taken
    LATIN1 = "latin1"  # a name that is no UTF-8
    SIXBIT = "sixbit"  # a name in the packed 6-bit code
    DUPLICATE_NAME = "dupname"  # two sensors of one name
    TWO_INLETS = "twoinlets"
    NO_NAME = "noname"


class Reading(IntEnum):
    """Event/reading type codes: IPMI 2.0, tables 42-1 and 42-2."""

    THRESHOLD = 0x01
    SEVERITY = 0x07
    REDUNDANCY = 0x0B
    SENSOR_SPECIFIC = 0x6F


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits in the sensor's unit; None is a threshold that the sensor does not have."""

    lower_critical: float | None = None
    lower: float | None = None
    upper: float | None = None
    upper_critical: float | None = None
    upper_fatal: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Analog:
    """A sensor with a value: `raw * multiplier * 10 ** exponent` in its unit."""

    number: int
    name: str
    kind: Kind
    entity: Entity
    instance: int
    unit: Unit
    value: float
    limits: Thresholds = field(default_factory=Thresholds)
    multiplier: int = 1
    exponent: int = 0

    @property
    def reading(self) -> int:
        """The event/reading type."""
        return Reading.THRESHOLD

    def raw(self, value: float) -> int:
        """The byte that stands for a value in the sensor's unit, at its nearest step."""
        steps: float = value / self.multiplier
        return max(0, min(_RAW_MAX, round(steps * 10.0 ** (-self.exponent))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrete:
    """A sensor with states, a bit each: `value` has those that hold, `supported` all there are."""

    number: int
    name: str
    kind: Kind
    entity: Entity
    instance: int
    supported: int
    value: int
    reading: int = Reading.SENSOR_SPECIFIC


Sensor = Analog | Discrete

GPUS, SUPPLIES, FANS = 8, 6, 8
_STANDBY_FROM = 5  # with cold redundancy, supplies 5 and 6 sleep
PRESENT, FAILED, FAILING, INPUT_LOST, STANDBY = 0x01, 0x02, 0x04, 0x08, 0x80
SPARE_SUPPLIES, SPARE_FANS = 2, 1
TOTAL_WATTS = 4800


def _hot(upper: float, critical: float, fatal: float | None = None) -> Thresholds:
    return Thresholds(upper=upper, upper_critical=critical, upper_fatal=fatal)


def _temperature(
    number: int, name: str, part: tuple[Entity, int], value: float, limits: Thresholds
) -> Analog:
    return Analog(
        number=number, name=name, kind=Kind.TEMPERATURE, entity=part[0], instance=part[1],
        unit=Unit.CELSIUS, value=value, limits=limits,
    )  # fmt: skip


def _inlet(number: int, name: str, instance: int, value: float) -> Analog:
    limits = Thresholds(lower=5, upper=38, upper_critical=42, upper_fatal=47)
    return _temperature(number, name, (Entity.AIR_INLET, instance), value, limits)


def _temperatures() -> Iterator[Analog]:
    yield _inlet(0x02, "Inlet Temp", 1, 24)
    yield _temperature(0x03, "Exhaust Temp", (Entity.CHASSIS, 1), 45, _hot(70, 75, 80))
    for i in range(2):
        yield _temperature(
            0x04 + i, f"CPU{i} Temp", (Entity.PROCESSOR, 1 + i), 52 + 2 * i, _hot(88, 95, 100)
        )
    for i in range(GPUS):
        yield _temperature(
            0x10 + i, f"GPU{i} Temp", (Entity.ADD_IN_CARD, 0x61 + i), 41 + i, _hot(85, 90, 95)
        )
    for i in range(4):
        yield _temperature(
            0x24 + i,
            f"DIMM{'ABCD'[i]} Temp",
            (Entity.MEMORY_DEVICE, 1 + i),
            36 + i,
            _hot(80, 85, 95),
        )
    for i in range(2):
        yield _temperature(
            0x28 + i, f"CPU{i} VRM Temp", (Entity.PROCESSOR, 1 + i), 48 + i, _hot(100, 110, 120)
        )


def _more_temperatures() -> Iterator[Analog]:
    for i in range(GPUS):
        yield _temperature(
            0x18 + i, f"GPU{i} HBM Temp", (Entity.ADD_IN_CARD, 0x61 + i), 48 + i, _hot(95, 100, 105)
        )
    for i in range(4):
        yield _temperature(
            0x20 + i, f"NVSwitch{i} Temp", (Entity.EXPANSION_BOARD, 0x61 + i), 50 + i,
            _hot(95, 100, 105),
        )  # fmt: skip
    for i in range(SUPPLIES):
        yield _temperature(
            0x50 + i, f"PSU{i + 1} Temp", (Entity.POWER_SUPPLY, 1 + i), 34, _hot(65, 70)
        )


def _fans() -> Iterator[Analog]:
    for i in range(FANS):
        yield Analog(
            number=0x30 + i, name=f"FAN{i + 1}", kind=Kind.FAN, entity=Entity.FAN, instance=1 + i,
            unit=Unit.RPM, value=9600, limits=Thresholds(lower_critical=1200, lower=2400),
            multiplier=100,
        )  # fmt: skip


def _power(*, cold_redundant: bool) -> Iterator[Analog]:
    asleep = _STANDBY_FROM if cold_redundant else SUPPLIES + 1
    for i in range(SUPPLIES):
        yield Analog(
            number=0x40 + i, name=f"PSU{i + 1} PIN", kind=Kind.OTHER_UNITS,
            entity=Entity.POWER_SUPPLY, instance=1 + i, unit=Unit.WATTS,
            value=16 if i + 1 >= asleep else TOTAL_WATTS / (asleep - 1),
            limits=_hot(3200, 3296), multiplier=16,
        )  # fmt: skip
    for i in range(SUPPLIES):
        yield Analog(
            number=0x48 + i, name=f"PSU{i + 1} VIN", kind=Kind.VOLTAGE, entity=Entity.POWER_SUPPLY,
            instance=1 + i, unit=Unit.VOLTS, value=230,
            limits=Thresholds(lower_critical=180, lower=190, upper=254),
        )  # fmt: skip
    yield Analog(
        number=0x58, name="Total Power", kind=Kind.OTHER_UNITS, entity=Entity.POWER_UNIT,
        instance=1, unit=Unit.WATTS, value=TOTAL_WATTS, limits=_hot(10_200, 11_000), multiplier=48,
    )  # fmt: skip
    yield Analog(
        number=0x59, name="P12V", kind=Kind.VOLTAGE, entity=Entity.SYSTEM_BOARD, instance=1,
        unit=Unit.VOLTS, value=12.06, multiplier=6, exponent=-2,
        limits=Thresholds(lower_critical=10.8, lower=11.4, upper=12.6, upper_critical=13.2),
    )  # fmt: skip
    yield Analog(
        number=0x5A, name="VBAT", kind=Kind.VOLTAGE, entity=Entity.BATTERY, instance=1,
        unit=Unit.VOLTS, value=3.04, multiplier=2, exponent=-2,
        limits=Thresholds(lower_critical=2.4, lower=2.6, upper=3.4),
    )  # fmt: skip
    yield Analog(
        number=0x5B, name="P12V Current", kind=Kind.CURRENT, entity=Entity.SYSTEM_BOARD, instance=1,
        unit=Unit.AMPERES, value=55, limits=_hot(120, 140),
    )  # fmt: skip


def _states(*, cold_redundant: bool) -> Iterator[Discrete]:
    asleep = _STANDBY_FROM if cold_redundant else SUPPLIES + 1
    for i in range(SUPPLIES):
        yield Discrete(
            number=0x60 + i, name=f"PSU{i + 1} Status", kind=Kind.POWER_SUPPLY,
            entity=Entity.POWER_SUPPLY, instance=1 + i, supported=0xFF,
            value=PRESENT | STANDBY if i + 1 >= asleep else PRESENT,
        )  # fmt: skip
    for number, name, kind, entity, reading, supported, value in (
        (0x68, "PS Redundancy", Kind.POWER_SUPPLY, Entity.POWER_UNIT, Reading.REDUNDANCY, 0xFF, 1),
        (0x69, "Fan Redundancy", Kind.FAN, Entity.COOLING_UNIT, Reading.REDUNDANCY, 0xFF, 1),
        (0x6A, "Power Unit", Kind.POWER_UNIT, Entity.POWER_UNIT, None, 0xFF, 0),
        (0x6B, "Intrusion", Kind.PHYSICAL_SECURITY, Entity.CHASSIS, None, 0x7F, 0),
        (0x6C, "CPU0 Status", Kind.PROCESSOR, Entity.PROCESSOR, None, 0x7FF, 0x80),
        (0x6E, "ECC Memory", Kind.MEMORY, Entity.MEMORY_DEVICE, None, 0x7FF, 0x40),
        (0x6F, "PCIe Fatal", Kind.CRITICAL_INTERRUPT, Entity.SYSTEM_BOARD, None, 0x7FFF, 0),
    ):
        yield Discrete(
            number=number, name=name, kind=kind, entity=entity, instance=1,
            reading=Reading.SENSOR_SPECIFIC if reading is None else reading,
            supported=supported, value=value,
        )  # fmt: skip
    yield Discrete(
        number=0x6D, name="CPU1 Status", kind=Kind.PROCESSOR, entity=Entity.PROCESSOR, instance=2,
        supported=0x7FF, value=0x80,
    )  # fmt: skip
    for i in range(4):
        yield Discrete(
            number=0x70 + i, name=f"NVMe{i}", kind=Kind.DRIVE_BAY, entity=Entity.DISK,
            instance=1 + i, supported=0x1FF, value=0x01,
        )  # fmt: skip


def _states_of_gpus() -> Iterator[Discrete]:
    for i in range(GPUS):
        yield Discrete(
            number=0x78 + i, name=f"GPU{i} Present", kind=Kind.ENTITY_PRESENCE,
            entity=Entity.ADD_IN_CARD, instance=0x61 + i, supported=0x07, value=0x01,
        )  # fmt: skip
    for i in range(GPUS):
        yield Discrete(
            number=0x80 + i, name=f"GPU{i} Therm", kind=Kind.TEMPERATURE,
            entity=Entity.ADD_IN_CARD, instance=0x61 + i, supported=0x1FF, value=0x01,
            reading=Reading.SEVERITY,
        )  # fmt: skip


def of_server(
    *,
    large: bool = False,
    extra: int = 0,
    quirks: frozenset[Quirk] = frozenset(),
    cold_redundant: bool = False,
) -> tuple[Sensor, ...]:
    """Every sensor of the server: 60 of a small BMC, 94 of a large one, `extra` temperatures more.

    The quirks that are a matter of the SDR alone (satellite, names) are not among them.
    """
    sensors: list[Sensor] = [*_temperatures(), *_fans(), *_power(cold_redundant=cold_redundant)]
    sensors += _states(cold_redundant=cold_redundant)
    if large:
        sensors += [*_more_temperatures(), *_states_of_gpus()]
    sensors += [
        _temperature(0x90 + i, f"Board{i} Temp", (Entity.SYSTEM_BOARD, 2 + i), 30 + i % 20,
                     _hot(80, 85, 90))
        for i in range(extra)
    ]  # fmt: skip
    if Quirk.TWO_INLETS in quirks:
        sensors.append(_inlet(0x06, "Inlet Temp 2", 2, 25))
    if Quirk.DUPLICATE_NAME in quirks:
        sensors.append(
            _temperature(0x07, "GPU0 Temp", (Entity.ADD_IN_CARD, 0x71), 77, _hot(85, 90, 95))
        )
    return tuple(sorted(sensors, key=lambda sensor: sensor.number))
