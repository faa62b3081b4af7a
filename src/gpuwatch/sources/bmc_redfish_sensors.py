"""Redfish sensors: what the child tells of each, with a label, a part and a unit. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gpuwatch.domain.bmc import Part, Quantity, Sensor, SensorHealth
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.bmc_redfish_words import (
    NOT_READ,
    health_of,
    part_and_number,
    possible,
    quantity_of,
)
from gpuwatch.sources.bmc_signals import labels

Row = Mapping[str, Any]

NO_READING = Gap(GapReason.UNSUPPORTED)
IMPOSSIBLE = Gap(GapReason.FAILED)
_SUMMARIES = (
    ("memory_health", "Memory", "Memory Health", Part.DIMM),
    ("processor_health", "Processor", "Processor Health", Part.CPU),
)
_DIGITS = 6


def sensors_of(rows: Iterable[Row], systems: Iterable[Row]) -> tuple[Sensor, ...]:
    """The sensors of all chassis, and what the systems say of their memory and processors."""
    found: dict[str, Sensor] = {}
    for sensor in (*map(_sensor, rows), *_summaries(systems)):
        found.setdefault(sensor.key, sensor)
    named = labels((sensor.key, sensor.name) for sensor in found.values())
    pairs = zip(found.values(), named, strict=True)
    return tuple(replace(sensor, label=label) for sensor, label in pairs)


def _sensor(row: Row) -> Sensor:
    key, state = str(row["at"]), str(row["state"])
    name = str(row["name"]) or key.rpartition("/")[2]
    part, number = part_and_number(str(row["context"]), name)
    unit = str(row["unit"])
    quantity, factor = quantity_of(str(row["kind"]), unit, part)
    value = _value(row["value"], state, factor)
    if not isinstance(value, Gap) and not possible(value, quantity, part):
        value = IMPOSSIBLE
    health = health_of(str(row["health"]), state)
    if isinstance(value, Gap) and health is SensorHealth.NOMINAL:
        health = None  # what is not read is not known to be well
    return Sensor(
        key=key,
        name=name,
        label=name,
        quantity=quantity,
        part=part,
        number=number,
        value=value,
        unit=unit if quantity is Quantity.OTHER else "",
        health=health,
        kind=str(row["kind"]),
    )


def _value(read: float | None, state: str, factor: float) -> float | Gap:
    if state in NOT_READ or read is None:
        return NO_READING
    return round(float(read) * factor, _DIGITS)


def _summaries(systems: Iterable[Row]) -> Iterator[Sensor]:
    for system in systems:
        for name, kind, words, part in _SUMMARIES:
            health = health_of(str(system[name]), str(system["state"]))
            if health is not None:
                yield Sensor(
                    key=f"{system['at']}#/{kind}Summary",
                    name=words,
                    label=words,
                    quantity=Quantity.STATE,
                    part=part,
                    health=health,
                    kind=kind,
                )
