"""Elements: what stands in the arrays of a resource, made rows; their paths begin with `#/`."""

from collections.abc import Iterator

from gpuwatch.sources.redfish.fields import Document, items, link, number, text
from gpuwatch.sources.redfish.shelf import Row

_ARRAY = 256
_MEMBERS = 64
_SUPPLY = (  # what is measured of a supply in the old shape
    ("PowerInputWatts", "Input Power", "Power", "W"),
    ("PowerOutputWatts", "Output Power", "Power", "W"),
    ("LineInputVoltage", "Input Voltage", "Voltage", "V"),
)
_METRICS = (  # and in the modern one
    ("InputPowerWatts", "Input Power", "Power", "W"),
    ("OutputPowerWatts", "Output Power", "Power", "W"),
    ("InputVoltage", "Input Voltage", "Voltage", "V"),
    ("InputCurrentAmps", "Input Current", "Current", "A"),
    ("TemperatureCelsius", "Temperature", "Temperature", "Cel"),
)


def named(document: Document, name: str) -> Iterator[tuple[str, Document]]:
    """The elements of an array, each with its path within the resource.

    A service that takes an element away may move those behind it: their own names count first.
    """
    for order, element in enumerate(items(document, name, limit=_ARRAY)):
        own = _last(element.get("@odata.id")) or text(element, "MemberId") or str(order)
        yield f"#/{name}/{own}", element


def sensor(document: Document, kind: str, unit: str, value: float | None) -> Row:
    """A sensor, but for its path."""
    return {
        "name": text(document, "Name"),
        "kind": kind,
        "unit": unit,
        "value": value,
        "state": text(document, "Status", "State"),
        "health": text(document, "Status", "Health"),
        "context": text(document, "PhysicalContext"),
    }


def temperatures(document: Document) -> list[Row]:
    """Those of a `Thermal`."""
    return [
        {"at": at, **sensor(each, "Temperature", "Cel", number(each, "ReadingCelsius"))}
        for at, each in named(document, "Temperatures")
    ]


def fans(document: Document) -> list[Row]:
    """Those of a `Thermal`."""
    found = []
    for at, each in named(document, "Fans"):
        percent = text(each, "ReadingUnits") == "Percent"
        kind, unit = ("Percent", "%") if percent else ("Rotational", "RPM")
        row = sensor(each, kind, unit, number(each, "Reading"))
        name = row["name"] or text(each, "FanName")
        found.append({"at": at, **row, "name": name, "context": "Fan"})
    return found


def voltages(document: Document) -> list[Row]:
    """Those of a `Power`."""
    return [
        {"at": at, **sensor(each, "Voltage", "V", number(each, "ReadingVolts"))}
        for at, each in named(document, "Voltages")
    ]


def supply(document: Document) -> Row:
    """A power supply in either shape, but for its path."""
    return {
        "name": text(document, "Name") or text(document, "Id"),
        "state": text(document, "Status", "State"),
        "health": text(document, "Status", "Health"),
        "line": text(document, "LineInputStatus"),
        "volts": number(document, "LineInputVoltage"),
        "metrics": link(document, "Metrics"),
    }


def supplies(document: Document) -> list[Row]:
    """Those of a `Power`."""
    return [{"at": at, **supply(each)} for at, each in named(document, "PowerSupplies")]


def measured(document: Document) -> list[Row]:
    """What a `Power` measures of its supplies."""
    return [
        {**row, "at": f"{at}/{name}", "name": f"{row['name']} {what}"}
        for at, each in named(document, "PowerSupplies")
        for name, what, kind, unit in _SUPPLY
        if number(each, name) is not None
        for row in [_of_supply(each, kind, unit, number(each, name))]
    ]


def drawn(document: Document) -> float | None:
    """What a `Power` says that its chassis draws, in watts."""
    for each in items(document, "PowerControl", limit=1):
        return number(each, "PowerConsumedWatts")
    return None


def metrics(document: Document) -> Row:
    """What the metrics of a supply measure, without the supply's name."""
    found = [
        {**_of_supply({}, kind, unit, number(document, name, "Reading")), "at": f"#/{name}"}
        | {"name": what}
        for name, what, kind, unit in _METRICS
        if number(document, name, "Reading") is not None
    ]
    return {"sensors": found}


def redundancies(document: Document, name: str, part: str) -> list[Row]:
    """The groups of parts of a subsystem of which some may fail."""
    return [
        _redundancy(each, part, text(each, "RedundancyType"), "MinNeededInGroup")
        | {"at": at, "members": [_local(one) for one in _group(each, "RedundancyGroup")]}
        for at, each in named(document, name)
    ]


def old_redundancies(document: Document, part: str, array: str) -> list[Row]:
    """The same of a `Thermal` or `Power`, whose members are elements of its `array`."""
    return [
        _redundancy(each, part, text(each, "Mode"), "MinNumNeeded")
        | {
            "at": at,
            "members": [f"#/{array}/{_last(one)}" for one in _group(each, "RedundancySet")],
        }
        for at, each in named(document, "Redundancy")
    ]


def _redundancy(document: Document, part: str, mode: str, needed: str) -> Row:
    return {
        "name": text(document, "Name"),
        "part": part,
        "mode": mode,
        "state": text(document, "Status", "State"),
        "health": text(document, "Status", "Health"),
        "needed": number(document, needed),
    }


def _of_supply(document: Document, kind: str, unit: str, value: float | None) -> Row:
    """A reading that is said to be well or not by the supply, not by itself."""
    return {**sensor(document, kind, unit, value), "health": "", "context": "PowerSupply"}


def _group(document: Document, name: str) -> list[object]:
    return [each.get("@odata.id") for each in items(document, name, limit=_MEMBERS)]


def _local(target: object) -> str:
    return link({"link": {"@odata.id": target}}, "link")


def _last(target: object) -> str:
    return target.rstrip("/").rpartition("/")[2][:64] if isinstance(target, str) else ""
