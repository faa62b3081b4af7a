"""BMC documents: one BMC with its server's sensors, supplies and log entries as a plain object."""

from typing import TypedDict

from gpuwatch.domain.bmc import (
    BmcGpu,
    BmcIdentity,
    BmcSweep,
    PowerSupply,
    Quantity,
    Sensor,
)
from gpuwatch.domain.bmc_logs import LogSeverity, LogStatus, LogTopic
from gpuwatch.domain.readings import Gap
from gpuwatch.domain.snapshot import BmcState, GpuState, Logged, Snapshot
from gpuwatch.exposition.bmc_shapes import (
    BmcFindingShape,
    BmcGpuShape,
    BmcIdentityShape,
    BmcShape,
    ChassisShape,
    LogEntryShape,
    LogStatusShape,
    RedundancyShape,
    SensorShape,
    SupplyShape,
    WatchdogShape,
)
from gpuwatch.exposition.bmc_steps import bmc_step, trouble_remedy
from gpuwatch.exposition.bmc_views import (
    board_of,
    finite,
    identity_of,
    inlet,
    number_of,
    out_of_band,
    server_of,
    told_by,
    word_of,
)
from gpuwatch.exposition.cells import by_urgency
from gpuwatch.exposition.record_documents import finding_document, instant, instant_or_none

# How many entries of its logs a BMC has in a list of BMCs; alone it has all that the snapshot has.
LISTED_ENTRIES = 20
UNITS = {
    Quantity.TEMPERATURE: "celsius",
    Quantity.FAN_SPEED: "rpm",
    Quantity.FAN_DUTY: "ratio",
    Quantity.VOLTAGE: "volts",
    Quantity.CURRENT: "amperes",
    Quantity.POWER: "watts",
}


def bmcs_document(snapshot: Snapshot) -> list[BmcShape]:
    """Every BMC in the order of the settings, each with the latest entries of its logs only."""
    return [bmc_document(snapshot, bmc, entries=LISTED_ENTRIES) for bmc in snapshot.bmcs]


class _Parts(TypedDict):
    clock_skew_seconds: float | None
    watchdog: WatchdogShape | None
    watts: float | None
    inlet_celsius: float | None
    sensors: list[SensorShape]
    supplies: list[SupplyShape]
    redundancies: list[RedundancyShape]
    gpus: list[BmcGpuShape]
    gaps: dict[str, str]
    logs: list[LogStatusShape]


def bmc_document(snapshot: Snapshot, bmc: BmcState, *, entries: int | None = None) -> BmcShape:
    """One BMC. What it told is left out once it is too old, as from the metrics."""
    sweep = told_by(bmc)
    told = BmcSweep(bmc=bmc.name, at=snapshot.at, seconds=0.0) if sweep is None else sweep
    return {
        "name": bmc.name,
        "host": bmc.host,
        "server": server_of(snapshot, bmc),
        "protocol": bmc.protocol.value,
        "address": bmc.address,
        "fresh": bmc.fresh,
        "swept_at": instant_or_none(bmc.swept_at),
        "trouble": None if bmc.trouble is None else bmc.trouble.value,
        "trouble_since": instant_or_none(bmc.trouble_since),
        "problem": bmc.problem,
        "remedy": trouble_remedy(bmc),
        "verdict": bmc.verdict.value,
        "verdict_since": instant(bmc.verdict_since),
        "unknown_because": bmc.unknown_because,
        "findings": bmc_findings(snapshot, bmc),
        "identity": _identity(identity_of(bmc)),
        "updating": None if sweep is None else sweep.updating,
        "chassis": None if sweep is None else _chassis(bmc, sweep),
        **_parts(snapshot, bmc, told),
        "counts": {
            topic.value: {
                severity.value: bmc.counts.get((topic, severity), 0) for severity in LogSeverity
            }
            for topic in LogTopic
        },
        "cleared": bmc.cleared,
        "wrapped": bmc.wrapped,
        "entries": [entry_document(bmc.name, one) for one in bmc.entries[:entries]],
    }


def _parts(snapshot: Snapshot, bmc: BmcState, told: BmcSweep) -> _Parts:
    return {
        "clock_skew_seconds": finite(told.clock_skew),
        "watchdog": None
        if told.watchdog is None
        else {"running": told.watchdog.running, "expired": told.watchdog.expired},
        "watts": finite(told.watts),
        "inlet_celsius": inlet(told),
        "sensors": [_sensor(sensor) for sensor in told.sensors],
        "supplies": [_supply(supply) for supply in told.supplies],
        "redundancies": [
            {"name": one.name, "part": one.part.value, "state": one.state and one.state.value}
            for one in told.redundancies
        ],
        "gpus": [bmc_gpu_document(snapshot, bmc, gpu) for gpu in told.gpus],
        "gaps": {name: gap.reason.value for name, gap in told.gaps.items()},
        "logs": [_log(log) for log in told.logs],
    }


def bmc_findings(snapshot: Snapshot, bmc: BmcState) -> list[BmcFindingShape]:
    """The findings of one BMC, the most urgent first, each with its next step."""
    return [
        {**finding_document(snapshot, finding), "step": bmc_step(snapshot, bmc, finding)}
        for finding in by_urgency(bmc.findings)
    ]


def entry_document(name: str, logged: Logged) -> LogEntryShape:
    """An entry of the event log of the BMC with that name, as it is remembered."""
    entry = logged.entry
    return {
        "bmc": name,
        "log": entry.log,
        "record": entry.record,
        "at": instant(logged.at),
        "seen_at": instant(logged.seen_at),
        "told_at": instant_or_none(entry.told_at),
        "baseline": logged.baseline,
        "again": logged.again,
        "severity": entry.severity.value,
        "topic": entry.topic.value,
        "sensor": entry.sensor,
        "text": entry.text,
        "asserted": entry.asserted,
        "raw": entry.raw,
    }


def out_of_band_document(snapshot: Snapshot, gpu: GpuState) -> BmcGpuShape | None:
    """What a BMC of this host tells of one board, None where none does."""
    told = out_of_band(snapshot, gpu)
    return None if told is None else bmc_gpu_document(snapshot, *told)


def bmc_gpu_document(snapshot: Snapshot, bmc: BmcState, gpu: BmcGpu) -> BmcGpuShape:
    """What a BMC tells of one GPU."""
    board = board_of(snapshot, bmc, gpu)
    return {
        "bmc": bmc.name,
        "name": gpu.name,
        "board": None if board is None else board.record.key.uuid,
        "serial": gpu.serial,
        "uuid": gpu.uuid,
        "part_number": gpu.part_number,
        "firmware": gpu.firmware,
        "health": None if gpu.health is None else gpu.health.value,
        "temperature_celsius": finite(gpu.temperature_celsius),
        "memory_temperature_celsius": finite(gpu.memory_temperature_celsius),
        "power_watts": finite(gpu.power_watts),
        "row_remap_failed": gpu.row_remap_failed,
        "row_remap_pending": gpu.row_remap_pending,
        "sram_threshold_exceeded": gpu.sram_threshold_exceeded,
        "counts": dict(gpu.counts),
    }


def _identity(one: BmcIdentity) -> BmcIdentityShape:
    return {
        "manufacturer": one.manufacturer,
        "product": one.product,
        "part_number": one.part_number,
        "serial": one.serial,
        "board_serial": one.board_serial,
        "firmware": one.firmware,
        "bios": one.bios,
        "guid": one.guid,
        "asset_tag": one.asset_tag,
        "cipher_suite": one.cipher_suite,
    }


def _chassis(bmc: BmcState, sweep: BmcSweep) -> ChassisShape:
    chassis = sweep.chassis
    return {
        "power_on": chassis.power_on,
        "power_since": instant_or_none(bmc.power_since),
        "restart_cause": chassis.restart_cause,
        "power_losses": sorted(loss.value for loss in chassis.losses),
        "faults": {fault.value: holds for fault, holds in chassis.faults.items()},
    }


def _sensor(sensor: Sensor) -> SensorShape:
    return {
        "key": sensor.key,
        "label": sensor.label,
        "name": sensor.name,
        "quantity": sensor.quantity.value,
        "part": sensor.part.value,
        "number": sensor.number,
        "value": number_of(sensor),
        "unit": UNITS.get(sensor.quantity, sensor.unit),
        "gap": sensor.value.reason.value if isinstance(sensor.value, Gap) else None,
        "health": None if sensor.health is None else sensor.health.value,
        "states": list(sensor.states),
    }


def _supply(supply: PowerSupply) -> SupplyShape:
    return {
        "name": supply.name,
        "number": supply.number,
        "word": word_of(supply).word,
        "present": supply.present,
        "failed": supply.failed,
        "failing": supply.failing,
        "input_lost": supply.input_lost,
        "standby": supply.standby,
        "health": None if supply.health is None else supply.health.value,
    }


def _log(log: LogStatus) -> LogStatusShape:
    return {
        "log": log.log,
        "entries": log.entries,
        "free_bytes": log.free_bytes,
        "overflowed": log.overflowed,
        "added_at": instant_or_none(log.added_at),
        "erased_at": instant_or_none(log.erased_at),
    }
