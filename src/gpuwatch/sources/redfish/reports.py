"""Reports: metric reports of a GPU server, each of which tells in one request what else takes many.

NVIDIA's names end in a number: HGX_MemoryMetrics_0. A value is named by the path of its resource
and a pointer into it, as in `Systems/.../MemoryMetrics#/LifeTime/CorrectableECCErrorCount`.
"""

import re
from dataclasses import dataclass, field

from gpuwatch.sources.redfish.fields import (
    ROOT,
    Document,
    flag,
    items,
    link,
    local,
    text,
    walk,
)
from gpuwatch.sources.redfish.pointers import POINTERS, READING, as_value
from gpuwatch.sources.redfish.shelf import NOW, RARE, SLOW, Row, Shelf

VALUES = 8_192
_FAST = re.compile(r"[/_](PlatformEnvironmentMetrics|MemoryMetrics)_\d+$")
_SLOW = re.compile(r"[/_]ProcessorMetrics_\d+$")
_LENGTH = 1_000


@dataclass(slots=True)
class Reported:
    """What the reports of a sweep tell: readings by sensor, and facts by resource and pointer."""

    readings: dict[str, float] = field(default_factory=dict)
    facts: dict[str, dict[str, float | bool]] = field(default_factory=dict)

    def take(self, values: Row) -> None:
        """What one report told."""
        for place, value in values.items():
            path, _, pointer = place.partition("#")
            if pointer in READING:
                if not isinstance(value, bool):
                    self.readings[path] = value
            else:
                self.facts.setdefault(path, {})[pointer] = value


def reports(shelf: Shelf) -> Reported:
    """All that the reports tell which are of use."""
    found = Reported()
    service = link(shelf.service.root, "TelemetryService")
    if not service:
        return found
    names = shelf.one(f"{service}/MetricReports", _names, RARE)
    for path in names["reports"] if names else ():
        age = NOW if _FAST.search(path) else SLOW if _SLOW.search(path) else None
        report = shelf.one(path, _report, age) if age is not None else None
        if report is not None:
            found.take(report["values"])
    return found


def _names(document: Document) -> Row:
    found = (local(each.get("@odata.id")) for each in items(document, "Members", limit=64))
    return {"reports": [path for path in found if path]}


def _report(document: Document) -> Row:
    values: Row = {}
    for each in items(document, "MetricValues", limit=VALUES):
        named = text(each, "MetricProperty", length=_LENGTH)
        value = as_value(walk(each, "MetricValue"))
        stale = flag(each, "Oem", "Nvidia", "MetricValueStale")
        wanted = named.partition("#")[2] in POINTERS | READING
        if value is not None and wanted and not stale and named.startswith(ROOT):
            values[named[len(ROOT) :]] = value
    return {"values": values}
