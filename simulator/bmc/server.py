"""Server: the BMC of an 8-GPU server, to which things happen by the names of its parts."""

import re
from collections.abc import Iterable

from simulator.bmc.configuration import ADMIN, MONITOR, OPERATOR, Account, Model, Ports
from simulator.bmc.event_log import LoggingBmc
from simulator.bmc.machine import Command, Session
from simulator.bmc.sensors import (
    FAILED,
    FAILING,
    FANS,
    INPUT_LOST,
    PRESENT,
    SPARE_FANS,
    SPARE_SUPPLIES,
    STANDBY,
    SUPPLIES,
    TOTAL_WATTS,
    Quirk,
)

__all__ = [
    "ADMIN",
    "MONITOR",
    "OPERATOR",
    "Account",
    "Command",
    "IpmiBmc",
    "Model",
    "Ports",
    "Quirk",
    "Session",
]

# Get Chassis Status: IPMI 2.0, 28.2. The last power event, and what is wrong with the chassis.
AC_FAILED, OVERLOAD, INTERLOCK, POWER_FAULT, BY_COMMAND = 0x01, 0x02, 0x04, 0x08, 0x10
INTRUSION, DRIVE_FAULT, COOLING_FAULT = 0x01, 0x04, 0x08
_POWER_ON, _RESTORE_PREVIOUS = 0x01, 0x20
# Get System Restart Cause: IPMI 2.0, 28.11.
BY_CHASSIS_COMMAND, BY_BUTTON, BY_WATCHDOG, BY_POLICY = 1, 3, 4, 7
# Generic redundancy states: IPMI 2.0, table 42-2, type 0x0b; as bit masks.
_FULL, _LOST, _DEGRADED, _INSUFFICIENT = 0x01, 0x02, 0x04, 0x20
_POWERED_DOWN = 0x01  # of the power unit
_WATTS_LEAST, _WATTS_MOST, _WATTS_AVERAGE = 3900, 9800, 5100
_STANDS_STILL = 1200  # revolutions a minute: below the critical threshold
# What a server that is off no longer measures.
_ASLEEP = re.compile(r"CPU\d|GPU\d|DIMM|NVSwitch|FAN\d|P12V|NVMe")


def _redundancy(missing: int, spare: int) -> int:
    """The redundancy state while so many parts of a group with so many to spare are missing."""
    if missing == 0:
        return _FULL
    if missing < spare:
        return _DEGRADED
    return _LOST if missing == spare else _INSUFFICIENT


class IpmiBmc(LoggingBmc):
    """One simulated BMC: `with IpmiBmc(directory) as bmc: bmc.psu_lost(2)`.

    Six supplies, of which two are to spare: one lost degrades the redundancy, two end it, three
    are too many. Eight fans, of which one is to spare.
    """

    def heal(self) -> None:
        """All sensors as on the first day, the power on; the SEL is kept."""
        self.power_on()
        for sensor in self.sensors():
            if self.value(sensor.name) != sensor.value:
                self.set(sensor.name, sensor.value)

    def inlet(self, celsius: float) -> None:
        """The air that comes in."""
        self.set("Inlet Temp", celsius)

    def fan(self, number: int, rpm: float) -> None:
        """The speed of fan 1 to 8, in revolutions a minute."""
        self.set(f"FAN{number}", rpm)
        still = sum(self.value(f"FAN{fan}") < _STANDS_STILL for fan in range(1, FANS + 1))
        self.set("Fan Redundancy", _redundancy(still, SPARE_FANS))

    # -- supplies --

    def psu_lost(self, number: int) -> None:
        """Supply 1 to 6 has no input: the cable or the feed."""
        self._supply(number, PRESENT | INPUT_LOST, volts=0)

    def psu_failed(self, number: int) -> None:
        """A supply has failed; its input is there."""
        self._supply(number, PRESENT | FAILED, volts=230)

    def psu_failing(self, number: int) -> None:
        """A supply predicts that it will fail, and works."""
        self._supply(number, PRESENT | FAILING, volts=230)

    def psu_gone(self, number: int) -> None:
        """A supply is pulled: it measures nothing."""
        self._supply(number, 0, volts=0)

    def psu_good(self, number: int) -> None:
        """A supply is in order again."""
        self._supply(number, PRESENT, volts=230)

    def _supply(self, number: int, states: int, *, volts: float) -> None:
        if not 1 <= number <= SUPPLIES:
            raise ValueError(f"supply {number}: this server has 1 to {SUPPLIES}")
        self.set(f"PSU{number} Status", states)
        self.set(f"PSU{number} VIN", volts, event=bool(states))
        for sensor in self.sensors():
            if re.match(rf"PSU{number} (PIN|VIN|Temp)", sensor.name):
                self.sensor_unavailable(sensor.name, unavailable=not states)
        every = {i: int(self.value(f"PSU{i} Status")) for i in range(1, SUPPLIES + 1)}
        able = {i for i, state in every.items() if state & ~FAILING & ~STANDBY == PRESENT}
        missing = SUPPLIES - len(able)
        if missing:
            for asleep in (i for i in able if every[i] & STANDBY):
                self.set(f"PSU{asleep} Status", PRESENT)  # what slept is needed now
                every[asleep] = PRESENT
        feeding = {i for i in able if not every[i] & STANDBY}
        for i in range(1, SUPPLIES + 1):
            if i in feeding:
                self.set(f"PSU{i} PIN", TOTAL_WATTS / len(feeding))
            elif i not in able:
                self.set(f"PSU{i} PIN", 0)
        self.set("PS Redundancy", _redundancy(missing, SPARE_SUPPLIES))

    # -- the chassis --

    def _chassis(
        self,
        *,
        power: int | None = None,
        last_event: int | None = None,
        faults: int | None = None,
        restart_cause: int | None = None,
    ) -> None:
        """Change some bytes of Get Chassis Status and Get System Restart Cause."""
        changes = (power, last_event, faults, restart_cause)
        after = (
            old if new is None else new
            for old, new in zip(self._chassis_bytes(), changes, strict=True)
        )
        self._setting("chassis", " ".join(("chassis 0x20", *map(str, after))))

    def _chassis_bytes(self) -> list[int]:
        line = self._settings().get(
            "chassis", f"chassis 0x20 {_POWER_ON | _RESTORE_PREVIOUS} 0 0 0"
        )
        return list(map(int, line.split()[2:]))

    def chassis_faults(self, faults: int) -> None:
        """What is wrong with the chassis: INTRUSION, DRIVE_FAULT, COOLING_FAULT, or 0."""
        self._chassis(faults=faults)

    def intrusion(self) -> None:
        """Somebody opens the chassis."""
        self.set("Intrusion", 1)
        self._chassis(faults=self._chassis_bytes()[2] | INTRUSION)

    def power_off(self, *, last_event: int = BY_COMMAND) -> None:
        """The server is off: on purpose by default, else by what `last_event` says."""
        self._chassis(power=_RESTORE_PREVIOUS, last_event=last_event)
        self.watts(60, least=20)
        for sensor in self.sensors():
            if _ASLEEP.match(sensor.name):
                self.sensor_unavailable(sensor.name)
        self.set("Power Unit", _POWERED_DOWN)

    def power_on(
        self, *, last_event: int = BY_COMMAND, restart_cause: int = BY_CHASSIS_COMMAND
    ) -> None:
        """The server is on again; by a chassis command by default."""
        self._chassis(
            power=_POWER_ON | _RESTORE_PREVIOUS, last_event=last_event, restart_cause=restart_cause
        )
        self.watts(TOTAL_WATTS)
        for sensor in self.sensors():
            if _ASLEEP.match(sensor.name):
                self.sensor_unavailable(sensor.name, unavailable=False)
        self.set("Power Unit", 0)

    def watts(
        self,
        now: int,
        least: int = _WATTS_LEAST,
        most: int = _WATTS_MOST,
        average: int = _WATTS_AVERAGE,
    ) -> None:
        """What DCMI says of the whole server's power."""
        self._setting("watts", f"dcmi_watts 0x20 {now} {least} {most} {average}")

    def no_dcmi(self) -> None:
        """The power reading of DCMI is not supported."""
        self._setting("watts", "dcmi_watts 0x20 none")

    # -- the BMC itself --

    def updating(self, *, busy: bool = True) -> None:
        """Get Device ID says that the BMC is being updated (or starts)."""
        self._setting("busy", f"device_busy 0x20 {busy:d}")

    def watchdog(self, state: Iterable[int]) -> None:
        """The eight bytes of Get Watchdog Timer (IPMI 2.0, 27.7)."""
        self._setting("watchdog", " ".join(("watchdog_state 0x20", *map(str, state))))
