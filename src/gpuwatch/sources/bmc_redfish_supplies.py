"""Redfish supplies: power supplies, and what is left of redundancies. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gpuwatch.domain.bmc import Part, PowerSupply, Redundancy, RedundancyState, SensorHealth
from gpuwatch.sources.bmc_redfish_words import NOT_READ, STANDBY, health_of
from gpuwatch.sources.bmc_signals import labels

Row = Mapping[str, Any]

_LINES = {"Normal": False, "InRange": False, "LossOfInput": True}
_DEAD_VOLTS, _LIVE_VOLTS = 10.0, 30.0  # 48 V and 240 V are both told as a line's voltage
_COUNTED = re.compile(r"(\d+)\D*$")
_PARTS = {"psu": Part.PSU, "fan": Part.FAN}
_NAMES = {Part.PSU: "Power Supply Redundancy", Part.FAN: "Fan Redundancy"}
_UNPROTECTED = frozenset({"NotRedundant", "None"})
_BY_HEALTH = {
    SensorHealth.NOMINAL: RedundancyState.FULL,
    SensorHealth.WARNING: RedundancyState.DEGRADED,
    SensorHealth.CRITICAL: RedundancyState.LOST,
}


def supplies_of(rows: Iterable[Row]) -> tuple[PowerSupply, ...]:
    """The supplies, each under a name of its own."""
    found = {str(row["at"]): _supply(row) for row in rows}
    named = labels((at, supply.name) for at, supply in found.items())
    pairs = zip(found.values(), named, strict=True)
    return tuple(replace(supply, name=name) for supply, name in pairs)


def _supply(row: Row) -> PowerSupply:
    state = str(row["state"])
    present = None if not state else state != "Absent"
    health = health_of(str(row["health"]), state)
    name = str(row["name"]) or "Power Supply"
    counted = _COUNTED.search(name)
    lost = _input_lost(row) if present else None
    return PowerSupply(
        name=name,
        number=int(counted[1]) if counted else None,
        present=present,
        failed=_failed(health, input_lost=lost is True) if present else None,
        input_lost=lost,
        standby=(state in STANDBY) if present else None,
        health=health,
    )


def _failed(health: SensorHealth | None, *, input_lost: bool) -> bool | None:
    """A supply without its feed is critical, too, and not for itself."""
    if health is None:
        return None
    return health is SensorHealth.CRITICAL and not input_lost


def _input_lost(row: Row) -> bool | None:
    line, volts = str(row["line"]), row["volts"]
    if line or volts is None:
        return _LINES.get(line)
    return True if volts <= _DEAD_VOLTS else False if volts >= _LIVE_VOLTS else None


def redundancies_of(
    rows: Iterable[Row], supplies: Iterable[Row], sensors: Iterable[Row]
) -> tuple[Redundancy, ...]:
    """The groups, each under a name of its own. `supplies` and `sensors` may be members of them."""
    works = {str(row["at"]): _works(row) for row in (*sensors, *supplies)}
    found = {str(row["at"]): _redundancy(row, works) for row in rows}
    named = labels((at, group.name) for at, group in found.items())
    pairs = zip(found.values(), named, strict=True)
    return tuple(replace(group, name=name) for group, name in pairs)


def _works(row: Row) -> bool:
    """Whether a supply or a fan does its part, or would at once."""
    idle = row["state"] in NOT_READ and row["state"] not in STANDBY
    lost = "line" in row and _input_lost(row)
    return not idle and not lost and row["health"] != "Critical"


def _redundancy(row: Row, works: Mapping[str, bool]) -> Redundancy:
    part = _PARTS.get(str(row["part"]), Part.OTHER)
    return Redundancy(
        name=str(row["name"]) or _NAMES.get(part, "Redundancy"),
        part=part,
        state=_state(row, works),
    )


def _state(row: Row, works: Mapping[str, bool]) -> RedundancyState | None:
    if row["mode"] in _UNPROTECTED:
        return None
    by_health = None
    health = health_of(str(row["health"]), str(row["state"]))
    if health is not None:
        by_health = _BY_HEALTH[health]
    counted = _counted(row, works)
    if counted is RedundancyState.FULL and by_health not in {None, RedundancyState.FULL}:
        return RedundancyState.DEGRADED  # the BMC knows of something that its members do not say
    return counted or by_health


def _counted(row: Row, works: Mapping[str, bool]) -> RedundancyState | None:
    """By the members that work, where the BMC says how many are needed."""
    members, needed = row["members"], row["needed"]
    if not members or not needed or any(at not in works for at in members):
        return None
    working = sum(works[at] for at in members)
    if working < needed:
        return RedundancyState.INSUFFICIENT
    if working == needed:
        return RedundancyState.LOST
    return RedundancyState.FULL if working == len(members) else RedundancyState.DEGRADED
