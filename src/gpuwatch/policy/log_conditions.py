"""Log conditions: grave entries of a BMC's event log that no rule of a state explains."""

import re
from collections.abc import Iterator

from gpuwatch.domain.bmc import BmcSweep, Part, Quantity, Sensor, SensorHealth
from gpuwatch.domain.bmc_logs import HAPPENINGS, LogEntry, LogSeverity, LogTopic
from gpuwatch.domain.snapshot import Logged
from gpuwatch.policy.air_conditions import broken_fans, hottest_inlet
from gpuwatch.policy.bmc_conditions import dated, listed
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.supply_conditions import is_explained_by_supplies
from gpuwatch.policy.views import BmcView, DriverHealth, HostView, PolicySettings
from gpuwatch.policy.xid_conditions import APPLICATION

# A server tells at its start what it had told before; its own start takes minutes.
BEFORE_START_SECONDS = 360.0
AFTER_START_SECONDS = 900.0
_XID = re.compile(r"\bxid\b(?:\s*\(PCI:[^)]*\))?\D{0,20}(\d{1,3})\b", re.IGNORECASE)
_INTRUSION = "Physical Security"  # as IPMI calls it: table 42-3, type 05h
_TOPICS = {
    LogTopic.MEMORY: "memory",
    LogTopic.PCIE: "PCIe",
    LogTopic.POWER: "power",
    LogTopic.THERMAL: "cooling",
    LogTopic.PROCESSOR: "processor",
    LogTopic.GPU: "GPU",
    LogTopic.OTHER: "server",
}


def critical_entries(bmc: BmcView, host: HostView, settings: PolicySettings) -> Outcome:
    """A critical entry of the last 24 hours that is no matter of a rule above.

    Not the entries that were there when gpuwatch first read the log; not what is told again at a
    start; not a state that is over by the log itself; not one of power or heat that its own rule
    tells while it lasts, or of which its sensor says that it is over; not an Xid of this host's
    GPUs, nor one that a program causes: Xids have rules of their own.
    """
    told = [one for one in told_entries(bmc) if not _is_the_drivers(one.entry, bmc, host)]
    happened = [one for one in told if one.entry.topic in HAPPENINGS]
    states = [one for one in told if one.entry.topic not in HAPPENINGS]
    if states and bmc.sweep is None and not happened:
        return Answer.CANNOT_TELL
    sweep = bmc.sweep
    open_states = [
        one for one in states if sweep is not None and not _is_told(one.entry, bmc, sweep, settings)
    ]
    grave = sorted((*happened, *open_states), key=lambda one: one.at, reverse=True)
    if not grave:
        return Answer.NO
    return Match(
        facts={"entries": listed(grouped(grave)), "count": str(len(grave))},
        evidence_at=grave[0].at,
    )


def told_entries(bmc: BmcView) -> Iterator[Logged]:
    """The critical entries of the last day that are news and not over."""
    for logged in bmc.entries:
        entry = logged.entry
        news = entry.severity is LogSeverity.CRITICAL and entry.asserted is not False
        if news and not (logged.baseline or _is_repeated(logged, bmc) or _is_over(logged, bmc)):
            yield logged


def told_sensors(bmc: BmcView) -> frozenset[str]:
    """The keys of sensors of which the log tells what happened."""
    told = (one.entry for one in told_entries(bmc))
    return frozenset(entry.sensor_key for entry in told if entry.topic in HAPPENINGS)


def grouped(grave: list[Logged]) -> Iterator[str]:
    """The same entry once, with its latest time and how often it came."""
    seen: dict[tuple[LogTopic, str], list[Logged]] = {}
    for one in grave:
        seen.setdefault((one.entry.topic, one.entry.text), []).append(one)
    for (topic, text), same in seen.items():
        often = f", {len(same)} times" if len(same) > 1 else ""
        yield f"{_TOPICS[topic]}: {text} ({dated(same[0].at)}{often})"


def _is_repeated(logged: Logged, bmc: BmcView) -> bool:
    """Whether it is told again because something started."""
    return logged.again and any(
        -BEFORE_START_SECONDS <= logged.at - start <= AFTER_START_SECONDS for start in bmc.restarts
    )


def _is_over(logged: Logged, bmc: BmcView) -> bool:
    """Whether a later entry of the same sensor says that a state has ended."""
    ours = logged.entry
    if ours.topic in HAPPENINGS:
        return False
    return any(
        _is_end(later.entry) and later.at >= logged.at and _sensor(later.entry, ours)
        for later in bmc.entries
    )


def _is_end(entry: LogEntry) -> bool:
    """Whether an entry says that something is over; Redfish has entries that say all is well."""
    well = entry.asserted is None and entry.severity is LogSeverity.INFO
    return entry.asserted is False or well


def _is_the_drivers(entry: LogEntry, bmc: BmcView, host: HostView) -> bool:
    """Whether an entry is an Xid that the driver's own log tells here, or a program's fault."""
    found = _XID.search(entry.text)
    if found is None:
        return False
    here = not bmc.host and host.driver is not DriverHealth.NOT_ASKED
    return here or int(found[1]) in APPLICATION


def _sensor(one: LogEntry, other: LogEntry) -> bool:
    """Whether two entries are of one sensor."""
    if one.sensor_key or other.sensor_key:
        return one.sensor_key == other.sensor_key
    return bool(one.sensor) and one.sensor == other.sensor


def _is_told(entry: LogEntry, bmc: BmcView, sweep: BmcSweep, settings: PolicySettings) -> bool:
    """Whether a rule of a state tells the same now, or its sensor shows that it is over."""
    sensors = [each for each in sweep.sensors if each.key == entry.sensor_key]
    if any(is_grave(each) or is_intrusion(each) for each in sensors):
        return True
    if entry.topic not in (LogTopic.POWER, LogTopic.THERMAL):
        return False
    if sweep.chassis.power_on is False or any(_is_well(each, sweep) for each in sensors):
        return True
    if entry.topic is LogTopic.POWER:
        return is_explained_by_supplies(bmc, sweep)
    inlet = hottest_inlet(sweep)
    hot = inlet is not None and inlet[1] > settings.inlet_celsius_max
    return hot or bool(broken_fans(bmc, sweep))


def _is_well(sensor: Sensor, sweep: BmcSweep) -> bool:
    """Whether a sensor whose state rules judge says that all is well.

    Others may be quiet again at once after what they have told of: a fault of a regulator, say.
    """
    judged = not is_state(sensor) or sensor.part in (Part.PSU, Part.FAN)
    well = sensor.health is SensorHealth.NOMINAL
    return well and (judged or is_redundancy(sensor, sweep))


def is_grave(sensor: Sensor) -> bool:
    """Whether a sensor is critical by the BMC's own limits."""
    return sensor.health is SensorHealth.CRITICAL


def is_intrusion(sensor: Sensor) -> bool:
    """Whether a sensor tells that the chassis was opened."""
    return sensor.kind == _INTRUSION


def is_redundancy(sensor: Sensor, sweep: BmcSweep) -> bool:
    """Whether a sensor tells of a redundancy, which rules of its own judge."""
    names = {each.name for each in sweep.redundancies}
    return sensor.name in names or sensor.label in names


def is_state(sensor: Sensor) -> bool:
    """Whether a sensor tells states and no number."""
    return sensor.quantity is Quantity.STATE
