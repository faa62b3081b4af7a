"""BMC chassis: power, faults, the last restart and the watchdog, from IPMI's numbers. Pure.

Bits are those of IPMI 2.0: Get Chassis Status (28.2), Get System Restart Cause (28.11) and Get
Watchdog Timer (27.7).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gpuwatch.domain.bmc import Chassis, ChassisFault, PowerLoss, Watchdog
from gpuwatch.sources.bmc_ipmi_sensors import SENSOR_SPECIFIC, Told
from gpuwatch.sources.bmc_signals import ACPI_STATE, PHYSICAL_SECURITY, WATCHDOG

# Which byte and bits of the answer say so. A power control fault is one of the power.
_FAULTS: Mapping[ChassisFault, tuple[int, int]] = {
    ChassisFault.POWER: (0, 0x18),
    ChassisFault.OVERLOAD: (0, 0x02),
    ChassisFault.INTERLOCK: (0, 0x04),
    ChassisFault.DRIVE: (2, 0x04),
    ChassisFault.COOLING: (2, 0x08),
    ChassisFault.INTRUSION: (2, 0x01),
}
_LOSSES: Mapping[PowerLoss, int] = {
    PowerLoss.INPUT: 0x01,
    PowerLoss.OVERLOAD: 0x02,
    PowerLoss.INTERLOCK: 0x04,
    PowerLoss.FAULT: 0x08,
}
_RESTARTS = (
    *("", "a command to the BMC", "the reset button", "the power button", "the watchdog"),
    *("a cause of the maker's own", "power came back, and it starts always"),
    *("power came back, and it starts as it was", "a platform event reset it"),
    *("a platform event cycled its power", "a restart of the operating system"),
    "its real-time clock",
)
_INTRUSIONS = 0x6F  # every state of physical security but a LAN cable that is out
_ON, _OFF = (0, 11), (5, 6, 7, 12)  # offsets of the ACPI power state
_TIMERS = {1: "BIOS", 2: "BIOS", 3: "operating system's start", 4: "operating system", 5: "maker's"}
_ACTIONS = ("nothing", "hard reset", "power off", "power cycle")
_ACTED = (0, 1, 2, 3)  # offsets of watchdog 2, in the order of `_ACTIONS`
_RUNNING = 0x40


def chassis_of(message: Mapping[str, Any], told: Iterable[Told]) -> Chassis:
    """By Get Chassis Status, and by sensors where that does not tell."""
    sensors = [each for each in told if each.reading_type == SENSOR_SPECIFIC]
    status: Sequence[int] = message.get("status", ())
    power_on = bool(status[0] & 1) if status else _power_of(sensors)
    faults = {
        fault: bool(status[byte] & bits)
        for fault, (byte, bits) in _FAULTS.items()
        if byte < len(status)
    }
    intrusion = _intrusion_of(sensors)
    if intrusion is not None:
        faults[ChassisFault.INTRUSION] = intrusion or faults.get(ChassisFault.INTRUSION, False)
    last = status[1] if len(status) > 1 else 0
    cause = message.get("restart", 0)
    return Chassis(
        power_on=power_on,
        faults=faults,
        losses=frozenset(loss for loss, bit in _LOSSES.items() if last & bit),
        restart_cause=_RESTARTS[cause] if cause < len(_RESTARTS) else "",
    )


def _power_of(sensors: Iterable[Told]) -> bool | None:
    for sensor in sensors:
        if sensor.sensor_type == ACPI_STATE:
            if any(sensor.has(offset) for offset in _ON):
                return True
            if any(sensor.has(offset) for offset in _OFF):
                return False
    return None


def _intrusion_of(sensors: Iterable[Told]) -> bool | None:
    known = [
        bool(sensor.bits & _INTRUSIONS)
        for sensor in sensors
        if sensor.sensor_type == PHYSICAL_SECURITY and sensor.bits is not None
    ]
    return any(known) if known else None


def watchdog_of(timer: Sequence[int] | None, told: Iterable[Told]) -> Watchdog | None:
    """By Get Watchdog Timer, else by a sensor, which cannot tell whether it runs."""
    if timer is not None:
        use, actions, _, flags = timer
        expired = [name for bit, name in _TIMERS.items() if flags >> bit & 1]
        action = actions & 0x07
        what = _ACTIONS[action] if action < len(_ACTIONS) else "an unknown action"
        text = f"{what} ({' and '.join(dict.fromkeys(expired))})" if expired else ""
        return Watchdog(running=bool(use & _RUNNING), expired=text)
    for sensor in told:
        if sensor.sensor_type == WATCHDOG and sensor.bits:
            acted = [_ACTIONS[offset] for offset in _ACTED if sensor.has(offset)]
            if acted:
                return Watchdog(running=False, expired=acted[-1])
    return None
