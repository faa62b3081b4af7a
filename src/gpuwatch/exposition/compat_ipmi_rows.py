"""Compat IPMI rows: prometheus-ipmi-exporter's names, one row each with its unit and polarity.

Names, labels and codes are those of its FreeIPMI collectors:
https://github.com/prometheus-community/ipmi_exporter/blob/master/docs/metrics.md. Its polarity is
kept also where it surprises: a fault state of 1 says that there is no fault. Differences that
remain are listed in docs/bmc.md.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import nan

from gpuwatch.domain.bmc import (
    BmcIdentity,
    BmcSweep,
    ChassisFault,
    Quantity,
    Sensor,
    SensorHealth,
)
from gpuwatch.domain.bmc_logs import LogStatus
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.exposition.families import Sample

STATES = {SensorHealth.NOMINAL: 0.0, SensorHealth.WARNING: 1.0, SensorHealth.CRITICAL: 2.0}
_SEL = "sel"
_UNAVAILABLE = (GapReason.UNSUPPORTED, GapReason.LOST)


@dataclass(frozen=True, slots=True)
class CompatRow:
    """One family: its name, its unit or the meaning of its numbers, and who makes it there.

    `samples` takes from a sweep that is fresh; it yields nothing where the BMC does not tell.
    """

    name: str
    unit: str
    collector: str
    help: str
    samples: Callable[[BmcSweep], Iterable[Sample]]


def _sensor_labels(sensor: Sensor) -> dict[str, str]:
    # FreeIPMI calls a sensor by its record; a sensor without one has its key, which is as unique.
    number = sensor.key if sensor.record is None else str(sensor.record)
    return {"id": number, "name": sensor.name}


def _generic_labels(sensor: Sensor) -> dict[str, str]:
    return _sensor_labels(sensor) | {"type": sensor.kind}


def _is_unavailable(sensor: Sensor) -> bool:
    """Whether the BMC says that there is nothing to read; FreeIPMI leaves such sensors out."""
    return isinstance(sensor.value, Gap) and sensor.value.reason in _UNAVAILABLE


def _number(sensor: Sensor) -> float:
    return nan if sensor.value is None or isinstance(sensor.value, Gap) else float(sensor.value)


def _severity(sensor: Sensor) -> float:
    return nan if sensor.health is None else STATES[sensor.health]


def _sensors(
    take: Callable[[Sensor], float],
    *quantities: Quantity,
    labels: Callable[[Sensor], dict[str, str]] = _sensor_labels,
) -> Callable[[BmcSweep], Iterator[Sample]]:
    """One series for each sensor of these quantities; NaN for one whose reading failed."""

    def samples(sweep: BmcSweep) -> Iterator[Sample]:
        for sensor in sweep.sensors:
            if sensor.quantity in quantities and not _is_unavailable(sensor):
                yield labels(sensor), take(sensor)

    return samples


def _one(take: Callable[[BmcSweep], float | None]) -> Callable[[BmcSweep], Iterator[Sample]]:
    """One series without labels; none where `take` gives None."""

    def samples(sweep: BmcSweep) -> Iterator[Sample]:
        value = take(sweep)
        if value is not None:
            yield {}, float(value)

    return samples


def _info(sweep: BmcSweep) -> Iterator[Sample]:
    told = sweep.identity
    yield (
        {
            "firmware_revision": told.firmware,
            "manufacturer_id": _manufacturer(told),
            "system_firmware_version": told.bios or "N/A",
        },
        1.0,
    )


def _manufacturer(told: BmcIdentity) -> str:
    """As "Name (number)"; the name is that of the FRU, since nobody here has IANA's register."""
    number = "" if told.manufacturer_id is None else str(told.manufacturer_id)
    return f"{told.manufacturer} ({number})" if told.manufacturer and number else number


def _no_fault(fault: ChassisFault) -> Callable[[BmcSweep], float | None]:
    """1 where there is no such fault: FreeIPMI's answer "false" counts as 1 there."""

    def take(sweep: BmcSweep) -> float | None:
        told = sweep.chassis.faults.get(fault)
        return None if told is None else not told

    return take


def _of_sel(take: Callable[[LogStatus], float | None]) -> Callable[[BmcSweep], float | None]:
    def of_sweep(sweep: BmcSweep) -> float | None:
        return next((take(log) for log in sweep.logs if log.log == _SEL), None)

    return of_sweep


_SEVERITY = "0 nominal, 1 warning, 2 critical, NaN not told"
ROWS: tuple[CompatRow, ...] = (
    CompatRow(
        "ipmi_scrape_duration_seconds",
        "s",
        "",
        "How long the latest sweep of the BMC took.",
        _one(lambda sweep: sweep.seconds),
    ),
    CompatRow(
        "ipmi_bmc_info",
        "1",
        "bmc",
        "Constant; firmware revision, manufacturer and the system's firmware version.",
        _info,
    ),
    CompatRow(
        "ipmi_bmc_watchdog_timer_state",
        "1 running, 0 stopped",
        "bmc-watchdog",
        "Whether the watchdog over the host runs.",
        _one(lambda sweep: None if sweep.watchdog is None else sweep.watchdog.running),
    ),
    CompatRow(
        "ipmi_chassis_power_state",
        "1 on, 0 off",
        "chassis",
        "Whether the chassis has power.",
        _one(lambda sweep: sweep.chassis.power_on),
    ),
    CompatRow(
        "ipmi_chassis_drive_fault_state",
        "1 no fault, 0 fault",
        "chassis",
        "Whether the chassis is free of a drive fault (1=false, 0=true).",
        _one(_no_fault(ChassisFault.DRIVE)),
    ),
    CompatRow(
        "ipmi_chassis_cooling_fault_state",
        "1 no fault, 0 fault",
        "chassis",
        "Whether the chassis is free of a cooling or fan fault (1=false, 0=true).",
        _one(_no_fault(ChassisFault.COOLING)),
    ),
    CompatRow(
        "ipmi_dcmi_power_consumption_watts",
        "W",
        "dcmi",
        "Power that the whole server draws, by DCMI.",
        _one(lambda sweep: sweep.watts),
    ),
    CompatRow(
        "ipmi_sel_logs_count",
        "entries",
        "sel",
        "Entries in the system event log.",
        _one(_of_sel(lambda log: log.entries)),
    ),
    CompatRow(
        "ipmi_sel_free_space_bytes",
        "bytes",
        "sel",
        "Free space for new entries of the system event log.",
        _one(_of_sel(lambda log: log.free_bytes)),
    ),
    CompatRow(
        "ipmi_temperature_celsius",
        "degrees Celsius, NaN when reading it failed",
        "ipmi",
        "Temperature.",
        _sensors(_number, Quantity.TEMPERATURE),
    ),
    CompatRow(
        "ipmi_temperature_state",
        _SEVERITY,
        "ipmi",
        "What the BMC makes of a temperature (0=nominal, 1=warning, 2=critical).",
        _sensors(_severity, Quantity.TEMPERATURE),
    ),
    CompatRow(
        "ipmi_fan_speed_rpm",
        "revolutions a minute, NaN when reading it failed",
        "ipmi",
        "Speed of a fan.",
        _sensors(_number, Quantity.FAN_SPEED),
    ),
    CompatRow(
        "ipmi_fan_speed_ratio",
        "part of full speed, 0 to 1, NaN when reading it failed",
        "ipmi",
        "Speed of a fan as a part of its full speed.",
        _sensors(_number, Quantity.FAN_DUTY),
    ),
    CompatRow(
        "ipmi_fan_speed_state",
        _SEVERITY,
        "ipmi",
        "What the BMC makes of a fan's speed (0=nominal, 1=warning, 2=critical).",
        _sensors(_severity, Quantity.FAN_SPEED, Quantity.FAN_DUTY),
    ),
    CompatRow(
        "ipmi_voltage_volts",
        "V, NaN when reading it failed",
        "ipmi",
        "Voltage.",
        _sensors(_number, Quantity.VOLTAGE),
    ),
    CompatRow(
        "ipmi_voltage_state",
        _SEVERITY,
        "ipmi",
        "What the BMC makes of a voltage (0=nominal, 1=warning, 2=critical).",
        _sensors(_severity, Quantity.VOLTAGE),
    ),
    CompatRow(
        "ipmi_current_amperes",
        "A, NaN when reading it failed",
        "ipmi",
        "Current.",
        _sensors(_number, Quantity.CURRENT),
    ),
    CompatRow(
        "ipmi_current_state",
        _SEVERITY,
        "ipmi",
        "What the BMC makes of a current (0=nominal, 1=warning, 2=critical).",
        _sensors(_severity, Quantity.CURRENT),
    ),
    CompatRow(
        "ipmi_power_watts",
        "W, NaN when reading it failed",
        "ipmi",
        "Power by a sensor.",
        _sensors(_number, Quantity.POWER),
    ),
    CompatRow(
        "ipmi_power_state",
        _SEVERITY,
        "ipmi",
        "What the BMC makes of a power (0=nominal, 1=warning, 2=critical).",
        _sensors(_severity, Quantity.POWER),
    ),
    CompatRow(
        "ipmi_sensor_value",
        "the sensor's own unit, NaN for one without a number",
        "ipmi",
        "What a sensor of another kind reads.",
        _sensors(_number, Quantity.OTHER, Quantity.STATE, labels=_generic_labels),
    ),
    CompatRow(
        "ipmi_sensor_state",
        _SEVERITY,
        "ipmi",
        "What the BMC makes of a sensor of another kind (0=nominal, 1=warning, 2=critical).",
        _sensors(_severity, Quantity.OTHER, Quantity.STATE, labels=_generic_labels),
    ),
)
