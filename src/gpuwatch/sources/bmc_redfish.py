"""BMC over Redfish: what its child says, as values of the domain. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from gpuwatch.domain.bmc import BmcIdentity, BmcSweep, Chassis, ChassisFault, Watchdog
from gpuwatch.domain.bmc_logs import LogBatch, LogStatus
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.bmc_batches import batch_of
from gpuwatch.sources.bmc_redfish_gpus import gpus_of
from gpuwatch.sources.bmc_redfish_logs import entry_of
from gpuwatch.sources.bmc_redfish_sensors import sensors_of
from gpuwatch.sources.bmc_redfish_supplies import redundancies_of, supplies_of
from gpuwatch.sources.makers import told

Row = Mapping[str, Any]

_POWERED = {"On": True, "Off": False}  # what is being switched is neither
_INTRUSIONS = {"Normal": False, "HardwareIntrusion": True, "TamperingDetected": True}
_NOBODY: Row = {}
_WATTS = (0.0, 100_000.0)


def translate(message: Row, moment: Moment, bmc: str) -> BmcSweep | LogBatch:
    """A `sweep` or `log` message. Raises KeyError, TypeError or ValueError for any other."""
    if message["say"] == "log":
        return batch_of(message, moment, bmc, entry_of)
    if message["say"] == "sweep":
        return _sweep(message, moment, bmc)
    raise ValueError(f"a Redfish child says no {message['say']!r}")


def _sweep(message: Row, moment: Moment, bmc: str) -> BmcSweep:
    systems, chassis, managers = message["systems"], message["chassis"], message["managers"]
    server = _at(chassis, str(message["server"]))
    host = _host(systems, server)
    sensors = sensors_of(message["sensors"], systems)
    watts = message["watts"]
    return BmcSweep(
        bmc=bmc,
        at=moment,
        seconds=float(message["seconds"]),
        identity=_identity(host, server, managers, message["root"]),
        sensors=sensors,
        supplies=supplies_of(message["supplies"]),
        redundancies=redundancies_of(
            message["redundancies"], message["supplies"], message["sensors"]
        ),
        chassis=Chassis(power_on=_power(host, server), faults=_faults(chassis)),
        watchdog=None if host.get("watchdog") is None else Watchdog(running=bool(host["watchdog"])),
        watts=float(watts) if watts is not None and _WATTS[0] < watts <= _WATTS[1] else None,
        logs=tuple(_log(row) for row in message["logs"]),
        gpus=gpus_of(message["gpus"], sensors),
        updating=bool(message["updating"]),
        clock_skew=None if message["skew"] is None else float(message["skew"]),
        gaps={
            str(path): Gap(GapReason(reason), code)
            for path, (reason, code) in message["gaps"].items()
        },
    )


def _at(rows: Sequence[Row], path: str) -> Row:
    return next((row for row in rows if row["at"] == path), _NOBODY)


def _host(systems: Sequence[Row], server: Row) -> Row:
    """The system that is the server, and no baseboard of GPUs in it."""
    within = [row for row in systems if server and server["at"] in row["chassis"]]
    others = [row for row in systems if not str(row["id"]).startswith("HGX_")]
    return next(iter([*within, *others, *systems]), _NOBODY)


def _identity(host: Row, server: Row, managers: Sequence[Row], root: Row) -> BmcIdentity:
    own = [row for row in managers if not str(row["id"]).startswith("HGX_")] or managers
    first = min(own, key=lambda row: row["type"] != "BMC", default=_NOBODY)

    def of(name: str) -> str:
        return told(str(host.get(name, ""))) or told(str(server.get(name, "")))

    return BmcIdentity(
        manufacturer=of("manufacturer"),
        product=of("model"),
        part_number=of("part_number"),
        serial=of("serial"),
        firmware=told(str(first.get("firmware", ""))),
        bios=told(str(host.get("bios", ""))),
        asset_tag=of("asset_tag"),
        guid=of("uuid") or told(str(root["uuid"])),
    )


def _power(host: Row, server: Row) -> bool | None:
    return _POWERED.get(str(host.get("power") or server.get("power", "")))


def _faults(chassis: Sequence[Row]) -> dict[ChassisFault, bool]:
    """What the chassis say of being opened; a word that nobody knows says nothing."""
    found = [_INTRUSIONS[row["intrusion"]] for row in chassis if row["intrusion"] in _INTRUSIONS]
    return {ChassisFault.INTRUSION: any(found)} if found else {}


def _log(row: Row) -> LogStatus:
    return LogStatus(log=str(row["log"]), entries=row["entries"], added_at=row["added"])
