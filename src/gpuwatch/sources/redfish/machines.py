"""Machines: the systems, chassis and managers of a service, and what they say of themselves."""

import time
from collections.abc import Mapping

from gpuwatch.sources.redfish.fields import Document, flag, link, links, number, text
from gpuwatch.sources.redfish.shelf import NOW, SLOW, Row, Shelf
from gpuwatch.sources.redfish.times import instant

LINKS = 64
UPDATING = frozenset({"Updating", "Starting"})
_SERVERS = frozenset({"RackMount", "StandAlone", "Blade", "Sled"})


def systems(shelf: Shelf) -> list[Row]:
    """All computer systems."""
    return shelf.members(_collection(shelf, "Systems"), _system, NOW)


def chassis(shelf: Shelf) -> list[Row]:
    """All chassis. Which there are, and what is in them, hardly changes."""
    return shelf.members(_collection(shelf, "Chassis"), _chassis, SLOW)


def managers(shelf: Shelf) -> list[Row]:
    """All managers, the BMC among them."""
    return shelf.members(_collection(shelf, "Managers"), _manager, NOW)


def updating(shelf: Shelf, found: list[Row]) -> bool:
    """Whether firmware is being written, or a manager is starting, as far as that is told."""
    path = link(shelf.service.root, "UpdateService")
    service = shelf.one(path, _state, NOW) if path else None
    busy = service is not None and service["state"] == "Updating"
    return busy or any(manager["state"] in UPDATING for manager in found)


def skew(found: list[Row]) -> float | None:
    """By how many seconds the first clock told, a BMC's before others', is ahead of ours."""
    told = sorted((row for row in found if row["skew"] is not None), key=lambda row: not _bmc(row))
    return told[0]["skew"] if told else None


def watts(shelf: Shelf, row: Row, old: Mapping[str, float]) -> float | None:
    """What the chassis `row` draws, in either shape. `old` are those of the old one, by path."""
    path = row["environment"]
    metrics = shelf.one(path, _watts, NOW) if path and row["at"] not in old else None
    return old.get(row["at"]) if metrics is None else metrics["watts"]


def server(found: list[Row]) -> Row | None:
    """The chassis that is the whole server, and no baseboard or module within it."""
    return min(found, key=lambda row: (_inner(row), row["type"] not in _SERVERS), default=None)


def _inner(row: Row) -> bool:
    """Whether it is a GPU baseboard or a part of one, which NVIDIA names so."""
    return str(row["id"]).startswith("HGX_")


def _collection(shelf: Shelf, name: str) -> str:
    return link(shelf.service.root, name) or name


def _bmc(manager: Row) -> bool:
    return bool(manager["type"] == "BMC")


def _state(document: Document) -> Row:
    return {"state": text(document, "Status", "State")}


def _watts(document: Document) -> Row:
    return {"watts": number(document, "PowerWatts", "Reading")}


def _self(document: Document) -> Row:
    """What every machine says of itself."""
    return {
        "id": text(document, "Id"),
        "name": text(document, "Name"),
        "manufacturer": text(document, "Manufacturer"),
        "model": text(document, "Model"),
        "serial": text(document, "SerialNumber"),
        "part_number": text(document, "PartNumber") or text(document, "SKU"),
        "asset_tag": text(document, "AssetTag"),
        "uuid": text(document, "UUID"),
        "power": text(document, "PowerState"),
        "state": text(document, "Status", "State"),
        "health": text(document, "Status", "Health"),
        "logs": link(document, "LogServices"),
    }


def _system(document: Document) -> Row:
    return {
        **_self(document),
        "bios": text(document, "BiosVersion"),
        "memory_health": text(document, "MemorySummary", "Status", "HealthRollup")
        or text(document, "MemorySummary", "Status", "Health"),
        "processor_health": text(document, "ProcessorSummary", "Status", "HealthRollup")
        or text(document, "ProcessorSummary", "Status", "Health"),
        "watchdog": flag(document, "HostWatchdogTimer", "FunctionEnabled"),
        "chassis": links(document, "Links", "Chassis", limit=LINKS),
        "processors": link(document, "Processors"),
        "memory": link(document, "Memory"),
    }


def _chassis(document: Document) -> Row:
    return {
        **_self(document),
        "type": text(document, "ChassisType"),
        "intrusion": text(document, "PhysicalSecurity", "IntrusionSensor"),
        "sensors": link(document, "Sensors"),
        "thermal": link(document, "Thermal"),
        "power_old": link(document, "Power"),
        "power_subsystem": link(document, "PowerSubsystem"),
        "thermal_subsystem": link(document, "ThermalSubsystem"),
        "environment": link(document, "EnvironmentMetrics"),
    }


def _manager(document: Document) -> Row:
    told = instant(text(document, "DateTime"), text(document, "DateTimeLocalOffset"))
    return {
        **_self(document),
        "type": text(document, "ManagerType"),
        "firmware": text(document, "FirmwareVersion"),
        "skew": None if told is None else round(told - time.time(), 3),
    }
