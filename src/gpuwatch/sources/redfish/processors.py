"""Processors: what a GPU server's BMC tells of its GPUs and of their memory."""

from collections.abc import Collection
from dataclasses import dataclass

from gpuwatch.sources.redfish.fields import Document, items, link, links, local, number, text
from gpuwatch.sources.redfish.pointers import MEMORY, MEMORY_METRICS, PROCESSOR_METRICS, pointed
from gpuwatch.sources.redfish.reports import Reported
from gpuwatch.sources.redfish.shelf import NOW, RARE, SLOW, Keep, Row, Shelf

GPUS = 64
_MEMORIES = 8
_LINK_LENGTH = 1_000
_TYPES = frozenset({"GPU", "Accelerator"})
_FAILED = MEMORY[0]
_LIFETIME = MEMORY_METRICS[1]
_THRESHOLD = PROCESSOR_METRICS[-1]


@dataclass(slots=True)
class Gpus:
    """Reads the GPUs of all systems. `sensors` are those that were read in this sweep."""

    shelf: Shelf
    reported: Reported
    sensors: Collection[str]

    def all(self, systems: list[Row]) -> list[Row]:
        """Their rows, at most 64."""
        found = []
        for system in systems:
            path = system["processors"]
            rows = self.shelf.members(path, _processor, SLOW, also=_age) if path else []
            found += [self._gpu(row, system) for row in rows if _is_gpu(row)]
        return found[:GPUS]

    def _gpu(self, row: Row, system: Row) -> Row:
        memories = row["memories"] or self._by_name(row, system["memory"])
        return {
            **row,
            **self._environment(row["environment"]),
            "system": system["id"],
            "metrics": self._facts(row["metrics"], _processor_metrics, _THRESHOLD),
            "memories": [self._memory(path) for path in memories[:_MEMORIES]],
        }

    def _environment(self, path: str) -> Row:
        """Temperature and power, or the sensors that tell them and are read anyway."""
        before = self.shelf.before(path, _environment)
        pointed_at = [before[0]["temperature_from"], before[0]["power_from"]] if before else []
        known = bool(pointed_at) and all(at in self.sensors for at in pointed_at)
        found = self.shelf.one(path, _environment, RARE if known else NOW) if path else None
        return {**(found or _environment({})), "read_elsewhere": known}

    def _memory(self, path: str) -> Row:
        """The facts of one memory, its metrics among them."""
        metrics = f"{path}/MemoryMetrics"
        facts = dict(self.reported.facts.get(path, {}))
        if _FAILED not in facts:
            row = self.shelf.one(path, _memory, SLOW)
            facts |= row["facts"] if row else {}
            metrics = row["metrics"] if row and row["metrics"] else metrics
        return facts | self._facts(metrics, _memory_metrics, _LIFETIME)

    def _facts(self, path: str, keep: Keep, enough: str) -> Row:
        """What a report told, else the resource itself."""
        told = self.reported.facts.get(path, {})
        if enough in told or not path:
            return dict(told)
        row = self.shelf.one(path, keep, SLOW)
        return {**told, **(row["facts"] if row else {})}

    def _by_name(self, row: Row, path: str) -> list[str]:
        """Memories that carry the GPU's name, where it does not link to them."""
        found = self.shelf.one(path, _names, RARE) if path else None
        names = found["names"] if found else []
        return [one for one in names if one.rpartition("/")[2].startswith(f"{row['id']}_")]


def _is_gpu(row: Row) -> bool:
    return row["type"] in _TYPES


def _age(row: Row) -> float:
    """A CPU of before is asked rarely whether it still is one."""
    return SLOW if _is_gpu(row) else RARE


def _processor(document: Document) -> Row:
    return {
        "id": text(document, "Id"),
        "type": text(document, "ProcessorType"),
        "name": text(document, "Name"),
        "model": text(document, "Model"),
        "serial": text(document, "SerialNumber"),
        "uuid": text(document, "UUID"),
        "part_number": text(document, "PartNumber"),
        "firmware": text(document, "FirmwareVersion"),
        "state": text(document, "Status", "State"),
        "health": text(document, "Status", "Health"),
        "chassis": link(document, "Links", "Chassis"),
        "environment": link(document, "EnvironmentMetrics"),
        "metrics": link(document, "Metrics"),
        "memories": links(document, "Links", "Memory", limit=_MEMORIES),
    }


def _environment(document: Document) -> Row:
    return {
        "temperature": number(document, "TemperatureCelsius", "Reading"),
        "temperature_from": _source(document, "TemperatureCelsius"),
        "power": number(document, "PowerWatts", "Reading"),
        "power_from": _source(document, "PowerWatts"),
    }


def _source(document: Document, name: str) -> str:
    return local(text(document, name, "DataSourceUri", length=_LINK_LENGTH))


def _memory(document: Document) -> Row:
    return {"facts": pointed(document, MEMORY), "metrics": link(document, "Metrics")}


def _processor_metrics(document: Document) -> Row:
    return {"facts": pointed(document, PROCESSOR_METRICS)}


def _memory_metrics(document: Document) -> Row:
    return {"facts": pointed(document, MEMORY_METRICS)}


def _names(document: Document) -> Row:
    found = (local(each.get("@odata.id")) for each in items(document, "Members", limit=256))
    return {"names": [path for path in found if path]}
