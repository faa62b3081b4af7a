"""Sensor conditions: what a BMC's own limits call critical, and what it says of GPUs."""

from dataclasses import dataclass

from gpuwatch.domain.bmc import (
    BmcGpu,
    BmcSweep,
    ChassisFault,
    Part,
    Quantity,
    Sensor,
    SensorHealth,
)
from gpuwatch.policy.air_conditions import number_of
from gpuwatch.policy.bmc_conditions import listed, telling
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.log_conditions import (
    is_grave,
    is_intrusion,
    is_redundancy,
    is_state,
    told_sensors,
)
from gpuwatch.policy.supply_conditions import faulted_supplies
from gpuwatch.policy.views import BmcView, GpuView, HostView, PolicySettings

# Types of sensors, as IPMI calls them: table 42-3.
_WATCHDOGS = frozenset({"Watchdog 1", "Watchdog 2"})
_LOGGING = "Event Logging Disabled"
_UNITS = {
    Quantity.TEMPERATURE: "degrees Celsius",
    Quantity.FAN_SPEED: "rpm",
    Quantity.VOLTAGE: "V",
    Quantity.CURRENT: "A",
    Quantity.POWER: "W",
}


@dataclass(frozen=True, slots=True)
class SensorsAt:
    """A sensor that no rule above explains is at this level by the BMC's own limits."""

    health: SensorHealth

    def __str__(self) -> str:
        return f"A sensor is {self.health} by the BMC's own limits, and no rule above explains it."

    def __call__(self, bmc: BmcView, _host: HostView, settings: PolicySettings) -> Outcome:
        """Look at every sensor; one that the BMC does not judge is not judged here."""
        sweep = telling(bmc)
        if sweep is None:
            return Answer.CANNOT_TELL
        told = told_sensors(bmc)
        grave = [
            _in_words(each)
            for each in sweep.sensors
            if each.health is self.health
            and not (is_state(each) and each.key in told)
            and not _is_explained(each, bmc, sweep, settings)
        ]
        return Match(facts={"sensors": listed(grave)}) if grave else Answer.NO


def drive_fault(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """The chassis tells a fault of a drive, or a drive's own sensor is critical."""
    sweep = telling(bmc)
    if sweep is None:
        return Answer.CANNOT_TELL
    drives = [
        _in_words(each) for each in sweep.sensors if each.part is Part.DRIVE and is_grave(each)
    ]
    if not drives and not sweep.chassis.faults.get(ChassisFault.DRIVE):
        return Answer.NO
    return Match(facts={"drives": listed(drives) or "the chassis does not say which"})


def gpu_fault(bmc: BmcView, host: HostView, _settings: PolicySettings) -> Outcome:
    """A BMC says of a GPU that a row remap failed, its SRAM is past its limit, or it is critical.

    What the board has said itself through NVML is left to its own rules.
    """
    sweep = telling(bmc)
    if sweep is None:
        return Answer.CANNOT_TELL
    told = []
    for each in sweep.gpus:
        board = None if bmc.host else board_of(each, host)
        codes = {code for code, uuid in host.told_of_gpus if board and uuid == board.uuid}
        if why := _fault(each, codes):
            told.append(f"{each.name} ({each.serial or each.uuid or 'no serial told'}) {why}")
    return Match(facts={"gpus": listed(told)}) if told else Answer.NO


def board_of(told: BmcGpu, host: HostView) -> GpuView | None:
    """The board of this host of which a BMC speaks; None where it is not known."""
    return next((gpu for gpu in host.gpus if told.is_of(gpu.record.key)), None)


def _fault(told: BmcGpu, codes: set[str]) -> str:
    """What a BMC says of a GPU beside what the GPU says itself; "" for nothing."""
    rows = (
        (told.row_remap_failed, "row-remap-failed" in codes, "has a failed row remap"),
        (
            told.sram_threshold_exceeded,
            "sram-threshold-exceeded" in codes,
            "has SRAM errors past NVIDIA's threshold",
        ),
        (told.health is SensorHealth.CRITICAL, bool(codes), "is critical"),
    )
    return next((words for holds, known, words in rows if holds and not known), "")


def _is_explained(sensor: Sensor, bmc: BmcView, sweep: BmcSweep, settings: PolicySettings) -> bool:
    """Whether a rule of its own looks at this sensor, or at what moves it."""
    if sensor.health is SensorHealth.CRITICAL and sensor.part in (Part.FAN, Part.DRIVE):
        return True
    if is_redundancy(sensor, sweep) or _is_told_otherwise(sensor, sweep):
        return True
    if sensor.part is Part.INLET:
        celsius = number_of(sensor)
        return celsius is not None and celsius > settings.inlet_celsius_max
    if sensor.part is not Part.PSU:
        return False
    faulted = {each.number for each in faulted_supplies(bmc, sweep)}
    return sensor.number in faulted or (sensor.number is None and bool(faulted))


def _is_told_otherwise(sensor: Sensor, sweep: BmcSweep) -> bool:
    """Whether the BMC tells the same in an answer of its own, at which rules look."""
    if is_intrusion(sensor) or (sensor.part is Part.CHASSIS and is_state(sensor)):
        return ChassisFault.INTRUSION in sweep.chassis.faults
    if sensor.kind in _WATCHDOGS:
        return sweep.watchdog is not None
    return sensor.kind == _LOGGING and bool(sweep.logs)


def _in_words(sensor: Sensor) -> str:
    """A sensor with what it reads."""
    value = number_of(sensor)
    if value is None:
        states = ", ".join(sensor.states)
        return f"{sensor.label}: {states}" if states else sensor.label
    if sensor.quantity is Quantity.FAN_DUTY:
        return f"{sensor.label} at {value:.0%}"
    unit = _UNITS.get(sensor.quantity, sensor.unit)
    return f"{sensor.label} at {value:.4g} {unit}".rstrip()
