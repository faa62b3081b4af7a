"""Sensors: what every chassis reads and is fed by, in the modern shape of the trees and the old."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpuwatch.sources.redfish import elements
from gpuwatch.sources.redfish.fields import Document, link, number, text
from gpuwatch.sources.redfish.shelf import NOW, RARE, SLOW, Keep, Row, Shelf

SENSORS = 1_500
_LINK_LENGTH = 1_000
_HEALTHS = ("", "OK", "Warning", "Critical")


@dataclass(slots=True)
class Readings:
    """What all chassis tell. `watts` are what they draw, by path, as the old shape tells it."""

    shelf: Shelf
    reported: Mapping[str, float]  # by sensor, from a report of this sweep
    sensors: list[Row] = field(default_factory=list)
    supplies: list[Row] = field(default_factory=list)
    redundancies: list[Row] = field(default_factory=list)
    watts: dict[str, float] = field(default_factory=dict)

    def add(self, chassis: Row) -> None:
        """Read one chassis: what the modern shape does not have, from the old one."""
        found = self._sensors(chassis["sensors"])
        modern = bool(found)
        if chassis["thermal_subsystem"]:
            found += self._fans(chassis["thermal_subsystem"], found)
        if chassis["thermal"] and not (modern and chassis["thermal_subsystem"]):
            thermal = self._old(chassis["thermal"], _thermal)
            found += [] if modern else thermal
        if chassis["power_subsystem"]:
            found += self._fed(chassis["power_subsystem"], found)
        if chassis["power_old"] and not (modern and chassis["power_subsystem"]):
            power = self._old(chassis["power_old"], _power, draws=chassis["at"])
            found += [] if modern else power
        self.sensors += found[: max(SENSORS - len(self.sensors), 0)]

    def _sensors(self, path: str) -> list[Row]:
        if not path:
            return []
        rows = self.shelf.before(path, _sensor)
        before = [row["at"] for row in rows if row["value"] is not None]
        told = bool(before) and all(at in self.reported for at in before)
        rows = self._members(path, _sensor, SLOW if told else NOW)
        return [{**row, "value": self.reported.get(row["at"], row["value"])} for row in rows]

    def _fans(self, path: str, found: list[Row]) -> list[Row]:
        """Fans in the modern shape. Most of them only point at their sensors."""
        subsystem = self._one(path, _thermal_subsystem)
        if subsystem is None:
            return []
        self.redundancies += _placed(subsystem["redundancies"], path)
        known, more = {row["at"]: row for row in found}, []
        for fan in self._members(subsystem["fans"], _fan):
            read = known.get(fan["source"])
            if read is None:
                more.append(fan)
                continue
            # The fan knows better than its sensor whether it is there, and well.
            read["health"] = max(read["health"], fan["health"], key=_gravity)
            read["state"] = fan["state"] if fan["state"] == "Absent" else read["state"]
        return more

    def _fed(self, path: str, found: list[Row]) -> list[Row]:
        """Supplies in the modern shape, measured where no sensor of the chassis does it."""
        subsystem = self._one(path, _power_subsystem)
        if subsystem is None:
            return []
        self.redundancies += _placed(subsystem["redundancies"], path)
        supplies = self._members(subsystem["supplies"], elements.supply)
        self.supplies += supplies
        if any(row["context"] == "PowerSupply" for row in found):
            return []
        return [row for supply in supplies for row in self._measured(supply)]

    def _measured(self, supply: Row) -> list[Row]:
        path = supply["metrics"]
        metrics = self._one(path, elements.metrics) if path else None
        rows = _placed(metrics["sensors"], path) if metrics else []
        return [{**row, "name": f"{supply['name']} {row['name']}"} for row in rows]

    def _old(self, path: str, keep: Keep, draws: str = "") -> list[Row]:
        """A resource in the old shape, which has everything in itself."""
        row = self._one(path, keep)
        if row is None:
            return []
        known = {supply["name"] for supply in self.supplies}
        self.supplies += [one for one in _placed(row["supplies"], path) if one["name"] not in known]
        self.redundancies += _placed(row["redundancies"], path)
        if draws and row["watts"] is not None:
            self.watts[draws] = row["watts"]
        return _placed(row["sensors"], path)

    def _one(self, path: str, keep: Keep) -> Row | None:
        return self.shelf.one(path, keep, RARE if self.shelf.hollow(path, keep) else NOW)

    def _members(self, path: str, keep: Keep, age: float = NOW) -> list[Row]:
        if not path:
            return []
        return self.shelf.members(path, keep, RARE if self.shelf.hollow(path, keep) else age)


def _gravity(health: str) -> int:
    return _HEALTHS.index(health) if health in _HEALTHS else 0


def _placed(rows: list[Row], path: str) -> list[Row]:
    """Elements of a resource, with their paths in the service."""
    return [
        row
        | {"at": path + row["at"]}
        | {
            name: [path + at if at.startswith("#") else at for at in row[name]]
            for name in ("members",)
            if name in row
        }
        for row in rows
    ]


def _sensor(document: Document) -> Row:
    kind, unit = text(document, "ReadingType"), text(document, "ReadingUnits")
    return elements.sensor(document, kind, unit, number(document, "Reading"))


def _thermal_subsystem(document: Document) -> Row:
    found = elements.redundancies(document, "FanRedundancy", "fan")
    fans = link(document, "Fans")
    return {"fans": fans, "redundancies": found, "hollow": not fans and not found}


def _power_subsystem(document: Document) -> Row:
    found = elements.redundancies(document, "PowerSupplyRedundancy", "psu")
    supplies = link(document, "PowerSupplies")
    return {"supplies": supplies, "redundancies": found, "hollow": not supplies and not found}


def _fan(document: Document) -> Row:
    speed = number(document, "SpeedPercent", "SpeedRPM")
    kind, unit = ("Rotational", "RPM") if speed is not None else ("Percent", "%")
    value = speed if speed is not None else number(document, "SpeedPercent", "Reading")
    source = text(document, "SpeedPercent", "DataSourceUri", length=_LINK_LENGTH)
    row = elements.sensor(document, kind, unit, value)
    return {**row, "context": "Fan", "source": link({"it": {"@odata.id": source}}, "it")}


def _thermal(document: Document) -> Row:
    found = elements.temperatures(document) + elements.fans(document)
    spare = elements.old_redundancies(document, "fan", "Fans")
    return _shaped(found, [], spare, None)


def _power(document: Document) -> Row:
    found = elements.voltages(document) + elements.measured(document)
    spare = elements.old_redundancies(document, "psu", "PowerSupplies")
    return _shaped(found, elements.supplies(document), spare, elements.drawn(document))


def _shaped(
    sensors: list[Row], supplies: list[Row], redundancies: list[Row], watts: float | None
) -> Row:
    return {
        "sensors": sensors,
        "supplies": supplies,
        "redundancies": redundancies,
        "watts": watts,
        "hollow": not sensors and not supplies and not redundancies,
    }
