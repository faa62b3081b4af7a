"""BMC supplies: power supplies and redundancies, from the states of a BMC's sensors. Pure.

Offsets are those of IPMI 2.0: of a power supply's own states (table 42-3, 08h), of presence (08h)
and predicted failure (04h) and of redundancy (0Bh, table 42-2).
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from gpuwatch.domain.bmc import Part, PowerSupply, Redundancy, RedundancyState
from gpuwatch.sources.bmc_ipmi_sensors import PRESENCE, SENSOR_SPECIFIC, Told, health_of
from gpuwatch.sources.bmc_signals import COOLING, FAN, POWER_SUPPLY, POWER_UNIT, labels, part_of

_PREDICTED, _REDUNDANCY = 0x04, 0x0B
_PRESENT, _FAILED, _FAILING, _INPUT_LOST, _INPUT_LOST_OR_BAD, _STANDBY = 0, 1, 2, 3, 4, 7

# Offsets of redundancy, the gravest first: a BMC may assert several at once.
_STATES: Mapping[int, RedundancyState] = {
    5: RedundancyState.INSUFFICIENT,
    1: RedundancyState.LOST,
    3: RedundancyState.LOST,  # enough resources, coming from full redundancy
    4: RedundancyState.LOST,  # enough resources, coming from not enough
    2: RedundancyState.DEGRADED,
    6: RedundancyState.DEGRADED,
    7: RedundancyState.DEGRADED,
    0: RedundancyState.FULL,
}
_PARTS: Mapping[int, Part] = {
    POWER_SUPPLY: Part.PSU,
    POWER_UNIT: Part.PSU,
    FAN: Part.FAN,
    COOLING: Part.FAN,
}


def supplies_of(told: Iterable[Told]) -> tuple[PowerSupply, ...]:
    """One supply for each that has a sensor; several sensors of one supply tell of one."""
    sensors = [
        each
        for each in told
        if each.sensor_type == POWER_SUPPLY and each.reading_type != _REDUNDANCY
    ]
    found: dict[object, PowerSupply] = {}
    for sensor in sensors:
        number = part_of(sensor.sensor_type, *sensor.entity, sensor.name)[1]
        supply = _supply(sensor, number)
        # Without a number nothing says that two sensors are of one supply.
        key = sensor.key if number is None else number
        found[key] = _merged(found[key], supply) if key in found else supply
    names = labels((str(key), supply.name) for key, supply in found.items())
    named = zip(found.values(), names, strict=True)
    return tuple(replace(supply, name=name) for supply, name in named)


def _name(sensor: Told) -> str:
    """What people call the supply: its sensor's name without the word for what it tells."""
    words = [word for word in sensor.name.split() if word.lower() not in {"status", "state"}]
    return " ".join(words) or f"PSU {sensor.entity[1]}"


def _supply(sensor: Told, number: int | None) -> PowerSupply:
    bare = PowerSupply(name=_name(sensor), number=number, health=health_of(sensor.gravity))
    if sensor.reading_type == PRESENCE:
        return replace(bare, present=_negated(sensor.has(0)), health=None)
    if sensor.reading_type == _PREDICTED:
        return replace(bare, failing=sensor.has(1))
    if sensor.reading_type != SENSOR_SPECIFIC:
        return bare
    present = sensor.has(_PRESENT)
    if present is False and not sensor.bits:
        # The readings of other tools call a bay without a supply "ok".
        return replace(bare, present=False, health=None)
    return replace(
        bare,
        # What fails or has lost its input is there, whatever is missing in the mask.
        present=present if present is not None or not sensor.bits else True,
        failed=sensor.has(_FAILED),
        failing=sensor.has(_FAILING),
        input_lost=_either(sensor.has(_INPUT_LOST), sensor.has(_INPUT_LOST_OR_BAD)),
        standby=sensor.has(_STANDBY),
    )


def _merged(one: PowerSupply, other: PowerSupply) -> PowerSupply:
    """What either of two sensors of one supply tells; the first that knows is believed."""
    known = {
        field.name: getattr(other, field.name)
        for field in fields(PowerSupply)
        if getattr(one, field.name) is None
    }
    return replace(one, **known)


def _negated(known: bool | None) -> bool | None:
    return None if known is None else not known


def _either(one: bool | None, other: bool | None) -> bool | None:
    known = [each for each in (one, other) if each is not None]
    return any(known) if known else None


def redundancies_of(told: Iterable[Told]) -> tuple[Redundancy, ...]:
    """Every sensor that tells of redundancy; the state is None where it says nothing."""
    sensors = [each for each in told if each.reading_type == _REDUNDANCY]
    names = labels((each.key, each.name or f"Redundancy {each.key}") for each in sensors)
    return tuple(
        Redundancy(name=name, part=_part(sensor), state=_state(sensor))
        for sensor, name in zip(sensors, names, strict=True)
    )


def _part(sensor: Told) -> Part:
    if sensor.sensor_type in _PARTS:
        return _PARTS[sensor.sensor_type]
    part = part_of(sensor.sensor_type, *sensor.entity, sensor.name)[0]
    return part if part in {Part.PSU, Part.FAN} else Part.OTHER


def _state(sensor: Told) -> RedundancyState | None:
    held = [state for offset, state in _STATES.items() if sensor.has(offset)]
    return held[0] if held else None
