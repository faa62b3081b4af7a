"""BMC sensors over IPMI: what the child tells of each, with a label, a part and a unit. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gpuwatch.domain.bmc import Part, Quantity, Sensor, SensorHealth
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.bmc_signals import (
    ENTITY_PRESENCE,
    POWER_SUPPLY,
    Units,
    labels,
    part_of,
    quantity_of,
    type_name,
)

SENSOR_SPECIFIC, PRESENCE = 0x6F, 0x08  # event/reading types (IPMI 2.0, table 42-1)
_WARNING, _GRAVE = 0x01, 0x06
_ALL_STATES = 0x7FFF  # every state at once is what a bus says on which nobody answers
_TOP = 0xFF  # the same for a number; a sensor that is really beyond its scale tells a threshold
_COLDEST, _HOTTEST = -55.0, 200.0  # degrees Celsius that a server's part can have
# Parts that are never at 0 degrees while they work: it is what a BMC says when it cannot ask them.
_WARM = frozenset({Part.CPU, Part.GPU, Part.NVSWITCH, Part.DIMM, Part.VRM, Part.PSU})

NO_READING = Gap(GapReason.UNSUPPORTED)
IMPOSSIBLE = Gap(GapReason.FAILED)
Entity = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One sensor as the child tells it. `bits` and `gravity` are None where it gave no reading."""

    key: str
    record: int
    name: str
    sensor_type: int
    reading_type: int
    entity: Entity
    units: Units
    mask: int
    bits: int | None
    states: tuple[str, ...]
    gravity: int | None
    value: float | None
    raw: int | None
    gap: Gap | None

    def has(self, offset: int) -> bool | None:
        """Whether a state holds; None where the sensor cannot tell."""
        if self.bits is None:
            return None
        if self.bits >> offset & 1:
            return True
        return False if self.mask >> offset & 1 else None


def told_of(message: Mapping[str, Any]) -> Told:
    """Raises KeyError, TypeError or ValueError for what is no sensor."""
    gap = message.get("gap")
    bits = message.get("bits")
    if bits is not None and bits & _ALL_STATES == _ALL_STATES and "value" not in message:
        bits, gap = None, [GapReason.FAILED, None]
    absent = bits is None
    return Told(
        key=str(message["key"]),
        record=int(message["record"]),
        name=str(message["name"]),
        sensor_type=int(message["type"]),
        reading_type=int(message["reading_type"]),
        entity=(int(message["entity"]), int(message["instance"])),
        units=Units(*message["units"]),
        mask=int(message["mask"]),
        bits=bits,
        states=() if absent else tuple(message["states"]),
        gravity=None if absent else message["gravity"],
        value=message.get("value"),
        raw=message.get("raw"),
        gap=None if gap is None else Gap(GapReason(gap[0]), gap[1]),
    )


def absent(told: Iterable[Told]) -> frozenset[Entity]:
    """What sensors of presence say is not there: a 0 of its other sensors is then no reading."""
    return frozenset(each.entity for each in told if each.entity[1] and _says_absent(each))


def _says_absent(sensor: Told) -> bool:
    if sensor.reading_type == PRESENCE:
        return sensor.has(0) is True and not sensor.has(1)
    if sensor.reading_type != SENSOR_SPECIFIC:
        return False
    if sensor.sensor_type == ENTITY_PRESENCE:
        return sensor.has(1) is True and not sensor.has(0)
    return sensor.sensor_type == POWER_SUPPLY and sensor.has(0) is False


def health_of(gravity: int | None) -> SensorHealth | None:
    """By the highest bit of the child's mask; None is not told."""
    if gravity is None:
        return None
    if gravity & _GRAVE:
        return SensorHealth.CRITICAL
    return SensorHealth.WARNING if gravity & _WARNING else SensorHealth.NOMINAL


def sensors_of(told: Iterable[Told], missing: frozenset[Entity]) -> tuple[Sensor, ...]:
    """Every sensor with a label of its own; `missing` are the parts that are not there."""
    ordered = list(told)
    named = labels((each.key, each.name or _unnamed(each)) for each in ordered)
    return tuple(
        _sensor(each, label, missing=each.entity in missing)
        for each, label in zip(ordered, named, strict=True)
    )


def _unnamed(sensor: Told) -> str:
    return f"{type_name(sensor.sensor_type) or 'Sensor'} {sensor.key}"


def _sensor(told: Told, label: str, *, missing: bool) -> Sensor:
    part, number = part_of(told.sensor_type, *told.entity, told.name)
    quantity, value, unit = _measured(told, part, missing=missing)
    unread = isinstance(value, Gap)
    silent = unread or (missing and quantity is Quantity.STATE)
    return Sensor(
        key=told.key,
        name=told.name,
        label=label,
        quantity=quantity,
        part=part,
        number=number,
        value=value,
        unit=unit,
        health=None if silent else health_of(told.gravity),
        states=() if unread else told.states,
        kind=type_name(told.sensor_type),
        record=told.record,
    )


def _measured(told: Told, part: Part, *, missing: bool) -> tuple[Quantity, float | Gap | None, str]:
    """What a sensor measures, in our unit, or why not; its unit where the quantity is none."""
    numeric = told.value is not None or bool(told.units.base) or told.units.percent
    if not numeric:
        return Quantity.STATE, told.gap, ""
    quantity, scale, unit = quantity_of(told.sensor_type, told.units, told.name)
    if told.gap is not None or told.value is None:
        return quantity, told.gap or NO_READING, unit
    value = round(scale(told.value), 6)
    if missing and not value:
        return quantity, NO_READING, unit
    return quantity, IMPOSSIBLE if _impossible(told, quantity, part, value) else value, unit


def _impossible(told: Told, quantity: Quantity, part: Part, value: float) -> bool:
    """Whether a number is one of those that stand for none."""
    if quantity is Quantity.TEMPERATURE:
        return not _COLDEST <= value <= _HOTTEST or (not told.value and part in _WARM)
    return told.raw == _TOP and not told.bits
