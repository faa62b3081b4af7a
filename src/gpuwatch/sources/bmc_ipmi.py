"""BMC over IPMI: what its child says, as values of the domain. Pure."""

from collections.abc import Mapping
from typing import Any

from gpuwatch.domain.bmc import BmcIdentity, BmcSweep, Part, Quantity, Sensor
from gpuwatch.domain.bmc_logs import LogBatch, LogEntry, LogSeverity, LogStatus, LogTopic
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.bmc_batches import batch_of
from gpuwatch.sources.bmc_chassis import chassis_of, watchdog_of
from gpuwatch.sources.bmc_ipmi_sensors import absent, sensors_of, told_of
from gpuwatch.sources.bmc_signals import EARLIEST_STAMP
from gpuwatch.sources.bmc_supplies import redundancies_of, supplies_of
from gpuwatch.sources.makers import told

LOG = "sel"


def translate(message: Mapping[str, Any], moment: Moment, bmc: str) -> BmcSweep | LogBatch:
    """A `sweep` or `log` message. Raises KeyError, TypeError or ValueError for any other."""
    if message["say"] == "log":
        return batch_of(message, moment, bmc, _entry)
    if message["say"] == "sweep":
        return _sweep(message, moment, bmc)
    raise ValueError(f"an IPMI child says no {message['say']!r}")


def _entry(log: str, told: Mapping[str, Any]) -> LogEntry:
    return LogEntry(
        log=log,
        record=str(told["record"]),
        told_at=told["told_at"],
        topic=LogTopic(told["topic"]),
        severity=LogSeverity(told["severity"]),
        text=str(told["text"]),
        sensor=str(told["sensor"]),
        sensor_key=str(told["sensor_key"]),
        asserted=told["asserted"],
        raw=str(told["raw"]),
    )


def _sweep(message: Mapping[str, Any], moment: Moment, bmc: str) -> BmcSweep:
    gaps = {name: Gap(GapReason(told[0]), told[1]) for name, told in message["gaps"].items()}
    told = [told_of(each) for each in message.get("sensors", ())]
    missing = absent(told)
    sensors = sensors_of(told, missing)
    chassis = chassis_of(message, told)
    return BmcSweep(
        bmc=bmc,
        at=moment,
        seconds=float(message["seconds"]),
        identity=_identity(message),
        sensors=sensors,
        supplies=supplies_of(told),
        redundancies=redundancies_of(told),
        chassis=chassis,
        watchdog=watchdog_of(message.get("watchdog"), told),
        watts=_watts(message, sensors, power_on=chassis.power_on),
        logs=_logs(message),
        updating=bool(message["device"]["updating"]),
        clock_skew=_skew(message),
        gaps=gaps,
    )


def _identity(message: Mapping[str, Any]) -> BmcIdentity:
    """Of the product where the FRU has one, else of the board, and the serial of the chassis."""
    fru = {name: text for name, text in message.get("fru", {}).items() if told(text)}
    device = message["device"]
    auxiliary = device.get("auxiliary", "")
    firmware = device.get("firmware", "")
    return BmcIdentity(
        manufacturer=fru.get("manufacturer") or fru.get("board_manufacturer", ""),
        product=fru.get("product") or fru.get("board_product", ""),
        part_number=fru.get("part") or fru.get("chassis_part") or fru.get("board_part", ""),
        serial=fru.get("serial") or fru.get("chassis_serial", ""),
        board_serial=fru.get("board_serial", ""),
        firmware=f"{firmware}.{auxiliary}" if auxiliary else firmware,
        bios=message.get("bios", ""),
        asset_tag=fru.get("asset", ""),
        guid=message.get("guid", ""),
        cipher_suite=message["cipher_suite"],
        manufacturer_id=device.get("manufacturer"),
    )


def _watts(
    message: Mapping[str, Any], sensors: tuple[Sensor, ...], *, power_on: bool | None
) -> float | None:
    """By DCMI, else by a sensor of the whole server. 0 W of a server that is on is no reading."""
    dcmi = message.get("watts")
    if dcmi is not None and (dcmi or power_on is False):
        return float(dcmi)
    totals = [
        sensor.value
        for sensor in sensors
        if sensor.quantity is Quantity.POWER
        and sensor.part is Part.CHASSIS
        and isinstance(sensor.value, float)
        and sensor.value
    ]
    return totals[0] if len(totals) == 1 else None


def _logs(message: Mapping[str, Any]) -> tuple[LogStatus, ...]:
    told = message.get("sel")
    if told is None:
        return ()
    status = LogStatus(
        log=LOG,
        entries=told["entries"],
        free_bytes=told["free"],
        overflowed=told["overflowed"],
        added_at=told["added"],
        erased_at=told["erased"],
    )
    return (status,)


def _skew(message: Mapping[str, Any]) -> float | None:
    """The BMC tells whole seconds, cut off: half a second more is the middle of what it may be."""
    if "clock" not in message:
        return None
    theirs, ours = message["clock"]
    return theirs + 0.5 - ours if theirs >= EARLIEST_STAMP else None
