"""Tables: the columns of a table panel, how each looks, and where it leads to."""

from collections.abc import Iterator
from typing import Any

from grafana.model import Kind, Panel, Query, Unit

_HERE = "var-datasource=${datasource}&${__url_time_range}"
_OF_HOST = f"{_HERE}&var-instance=${{__data.fields.instance:percentencode}}"
_OF_GPU = f"{_OF_HOST}&var-uuid=${{__data.fields.uuid:percentencode}}"
_LINKS = {
    "instance": ("The host", f"/d/gpuwatch-host?{_OF_HOST}"),
    "uuid": ("The GPU", f"/d/gpuwatch-gpu?{_OF_GPU}"),
}
_ONLY = "Value"
# Widths of columns whose text is of one length; the others share what is left.
_WIDTHS = {
    "gpu": 50, "slot": 95, "serial": 130, "uuid": 330, "state": 110, "xid": 60, "bmc": 80,
    "psu": 65, "source": 110, "pci_address": 115, "vbios": 130, "driver": 105, "part_number": 170,
    "code": 195, "remedy": 105, "instance": 155, "name": 195, "host": 125,
}  # fmt: skip
_NOTHING = {"id": "noValue", "value": "-"}  # in a cell; the panel's own words are for all of it
_WORD_WIDTH = 85
_DATE_WIDTHS = {Unit.FROM_NOW: 125, Unit.DATE: 170}


def columns(panel: Panel) -> Iterator[dict[str, Any]]:
    """How each column looks, as overrides."""
    for at, query in enumerate(panel.queries):
        yield _column(panel, query, value_of(panel, at))
    if len(panel.queries) > 1:  # alone with data, the first is called like an only one
        yield _column(panel, panel.queries[0], _ONLY)
    yield from (_label(panel, label) for label in panel.columns)


def _label(panel: Panel, label: str) -> dict[str, Any]:
    """What a column of labels looks like, and where it leads to."""
    properties: list[dict[str, Any]] = [_NOTHING]
    flexible = _begins_with_numbers(panel) and label == panel.columns[-1]
    if label in _WIDTHS and not flexible:
        properties.append({"id": "custom.width", "value": _WIDTHS[label]})
    if label in _LINKS and "instance" in panel.columns:
        title, url = _LINKS[label]
        properties.append({"id": "links", "value": [{"title": title, "url": url}]})
    return override(label, *properties)


def letter(at: int) -> str:
    """What Grafana calls a panel's query by its place."""
    return "ABCDEFGHIJ"[at]


def mappings(panel: Panel) -> list[dict[str, Any]]:
    """The words that a panel has for numbers."""
    options = {
        f"{number:g}": {"text": text, "color": colour.value, "index": at}
        for at, (number, text, colour) in enumerate(panel.words)
    }
    return [{"type": "value", "options": options}] if options else []


def value_of(panel: Panel, at: int) -> str:
    """The name that Grafana gives to the numbers of a table's query."""
    return _ONLY if len(panel.queries) == 1 else f"Value #{letter(at)}"


def _begins_with_numbers(panel: Panel) -> bool:
    """Whether numbers say how bad it is or by when: they come first, and cannot be out of sight."""
    return bool(panel.words) or panel.unit in {Unit.FROM_NOW, Unit.DATE}


def _column(panel: Panel, query: Query, name: str) -> dict[str, Any]:
    coloured: dict[str, Any] = {"id": "custom.cellOptions", "value": {"type": "color-text"}}
    named = panel.words and query.unit is None
    properties: list[dict[str, Any]] = [
        {"id": "displayName", "value": query.title},
        {"id": "unit", "value": (query.unit or panel.unit).value},
        _NOTHING,
    ]
    if _begins_with_numbers(panel):
        properties.append({"id": "custom.align", "value": "left"})
    if (query.unit or panel.unit) in _DATE_WIDTHS:
        properties.append({"id": "custom.width", "value": _DATE_WIDTHS[query.unit or panel.unit]})
    if named:
        properties.append({"id": "mappings", "value": mappings(panel)})
        properties.append({"id": "custom.width", "value": _WORD_WIDTH})
    if panel.steps or named:
        properties.append(coloured)
    return override(name, *properties)


def override(name: str, *properties: dict[str, Any]) -> dict[str, Any]:
    """Properties of the field with this name."""
    return {"matcher": {"id": "byName", "options": name}, "properties": list(properties)}


def transformations(panel: Panel) -> list[dict[str, Any]]:
    """Queries side by side, and the named columns only, in their order."""
    if panel.kind is not Kind.TABLE:
        return []
    numbers = dict.fromkeys([*(value_of(panel, at) for at in range(len(panel.queries))), _ONLY])
    first = _begins_with_numbers(panel)
    shown = [*numbers, *panel.columns] if first else [*panel.columns, *numbers]
    merged = [{"id": "merge", "options": {}}] if len(panel.queries) > 1 else []
    return [
        *merged,
        {"id": "filterFieldsByName", "options": {"include": {"names": shown}}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "includeByName": {},
                "indexByName": {name: at for at, name in enumerate(shown)},
                "renameByName": {},
            },
        },
    ]
