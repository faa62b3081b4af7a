"""Classic: a dashboard as the JSON that Grafana 10 to 13 load (dashboard schema v1)."""

from collections.abc import Iterable, Iterator
from typing import Any

from grafana.model import (
    WIDTH,
    Colour,
    Dashboard,
    Kind,
    Panel,
    Query,
    Section,
    Step,
    Unit,
    Variable,
)
from grafana.words import VERDICTS

SCHEMA = 39  # of Grafana 10.4 and 11; newer ones migrate it when they load it
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
TAG = "gpuwatch"
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
    "gpu": 60, "slot": 105, "serial": 150, "uuid": 340, "urgency": 95, "state": 110, "xid": 70,
    "bmc": 90, "psu": 70, "source": 130, "pci_address": 125, "vbios": 140, "driver": 115,
    "part_number": 185, "code": 225, "remedy": 120,
}  # fmt: skip
_NARROWEST = 80  # pixels; Grafana's own 150 pushes columns out of sight
_LEGEND_BESIDE = 12  # columns of the grid; in a narrower panel it would leave no room for lines


def document(dashboard: Dashboard) -> dict[str, Any]:
    """The whole document. Panels are numbered in their order, so that links to them last."""
    return {
        "uid": dashboard.uid,
        "id": None,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": [TAG],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "timezone": "browser",
        "time": {"from": dashboard.span, "to": "now"},
        "links": [_LINK],
        "annotations": {"list": []},
        "templating": {"list": [_DATA_SOURCE, *map(_variable, dashboard.variables)]},
        "panels": list(_panels(dashboard.sections)),
    }


_LINK = {
    "type": "dashboards",
    "title": "gpuwatch",
    "tags": [TAG],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}
_DATA_SOURCE = {
    "type": "datasource",
    "name": "datasource",
    "label": "Data source",
    "query": "prometheus",
    "regex": "",
    "hide": 0,
    "multi": False,
    "includeAll": False,
    "refresh": 1,
    "current": {},
    "options": [],
}


def _variable(variable: Variable) -> dict[str, Any]:
    query = f"label_values({variable.selector}, {variable.label})"
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.title,
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": variable.name},
        "regex": f"/{variable.cut}/" if variable.cut else "",
        "hide": 2 if variable.hidden else 0,
        "multi": False,
        "includeAll": False,
        "refresh": 2,  # whenever the span of time changes
        "sort": 7,  # by nature, upwards
        "current": {},
        "options": [],
    }


def _panels(sections: Iterable[Section]) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for section in sections:
        number += 1
        yield _row(section, number, top)
        top, left, tallest = top + 1, 0, 0
        for panel in section.panels:
            if left + panel.width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield _panel(panel, number, place)
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _row(section: Section, number: int, top: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "row",
        "title": section.title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1},
        "panels": [],
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [_target(panel, query, at) for at, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": _options(panel),
        "transformations": _transformations(panel),
    }


def _target(panel: Panel, query: Query, at: int) -> dict[str, Any]:
    instant = panel.kind is not Kind.TIME_SERIES
    return {
        "refId": _letter(at),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "editorMode": "code",
        "instant": instant,
        "range": not instant,
        "format": "table" if panel.kind is Kind.TABLE else "time_series",
    }


def _letter(at: int) -> str:
    return "ABCDEFGHIJ"[at]


_STAT = {
    "colorMode": "value",
    "graphMode": "none",
    "justifyMode": "auto",
    "orientation": "auto",
    "textMode": "auto",
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
}
_BESIDE = {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"]}
_BELOW = {"displayMode": "list", "placement": "bottom", "calcs": []}


def _options(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case Kind.STAT:
            return _STAT | ({"textMode": "name"} if panel.named else {})
        case Kind.TABLE:
            return {"showHeader": True, "cellHeight": "sm"}
        case Kind.TIME_SERIES:
            legend = _BESIDE if panel.width >= _LEGEND_BESIDE else _BELOW
            return {
                "legend": legend | {"showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }


def _defaults(panel: Panel) -> dict[str, Any]:
    given: dict[str, Any] = {
        "unit": panel.unit.value,
        "thresholds": {"mode": "absolute", "steps": _steps(panel.base, panel.steps)},
        # Of a table they are its numbers' alone: a GPU whose index is 1 is not called "yes".
        "mappings": _mappings(panel) if panel.kind is not Kind.TABLE else [],
        "color": {"mode": "palette-classic" if panel.kind is Kind.TIME_SERIES else "thresholds"},
        "custom": _custom(panel),
    }
    if panel.empty:
        given["noValue"] = panel.empty
    if panel.kind is Kind.TIME_SERIES and panel.unit is Unit.COUNT:
        given["decimals"] = 0
    most = 1.0 if panel.unit is Unit.SHARE else panel.most
    if panel.kind is Kind.TIME_SERIES and most is not None:
        given["max"] = most
    return given


def _steps(base: Colour, steps: Iterable[Step]) -> list[dict[str, Any]]:
    return [
        {"value": None, "color": base.value},
        *({"value": step.value, "color": step.colour.value} for step in steps),
    ]


def _mappings(panel: Panel) -> list[dict[str, Any]]:
    options = {
        f"{number:g}": {"text": text, "color": colour.value, "index": at}
        for at, (number, text, colour) in enumerate(panel.words)
    }
    return [{"type": "value", "options": options}] if options else []


def _custom(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case Kind.TIME_SERIES:
            return {
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": 30 if panel.stacked else 0,
                "showPoints": "auto",
                "axisSoftMin": panel.floor,  # soft: a margin below 0 is what one must not miss
                "axisSoftMax": 1,  # else a line of zeros has an axis up to 100
                "spanNulls": False,  # a gap is what was not seen
                "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "line" if panel.steps else "off"},
            }
        case Kind.TABLE:
            # Only columns with a unit of their own have a colour: labels are no numbers.
            return {
                "align": "auto",
                "filterable": panel.width == WIDTH,
                "minWidth": _NARROWEST,
                "cellOptions": {"type": "auto"},
            }
        case Kind.STAT:
            return {}


def _overrides(panel: Panel) -> Iterator[dict[str, Any]]:
    if panel.kind is Kind.TABLE:
        for at, query in enumerate(panel.queries):
            yield _column(panel, query, value_of(panel, at))
        if len(panel.queries) > 1:  # alone with data, the first is called like an only one
            yield _column(panel, panel.queries[0], _ONLY)
        yield from filter(None, (_label(panel, label) for label in panel.columns))
    elif any("{{verdict}}" in query.legend for query in panel.queries):
        for verdict, colour in VERDICTS.items():
            fixed = {"id": "color", "value": {"mode": "fixed", "fixedColor": colour.value}}
            said = {"id": "displayName", "value": verdict.replace("_", " ")}
            yield _override(verdict, fixed, said)
    else:
        for query in panel.queries:
            if query.colour:
                steps = _steps(Colour.PLAIN, [Step(1, query.colour)])
                value = {"mode": "absolute", "steps": steps}
                yield _override(query.legend, {"id": "thresholds", "value": value})


def _label(panel: Panel, label: str) -> dict[str, Any] | None:
    """What a column of labels looks like, and where it leads to."""
    properties: list[dict[str, Any]] = []
    if label in _WIDTHS and label != panel.columns[-1]:
        properties.append({"id": "custom.width", "value": _WIDTHS[label]})
    if label in _LINKS and "instance" in panel.columns:
        title, url = _LINKS[label]
        properties.append({"id": "links", "value": [{"title": title, "url": url}]})
    return _override(label, *properties) if properties else None


def value_of(panel: Panel, at: int) -> str:
    """The name that Grafana gives to the numbers of a table's query."""
    return _ONLY if len(panel.queries) == 1 else f"Value #{_letter(at)}"


def _begins_with_numbers(panel: Panel) -> bool:
    """Whether numbers say how bad it is or by when: they come first, and cannot be out of sight."""
    return bool(panel.words) or panel.unit in {Unit.FROM_NOW, Unit.DATE}


def _column(panel: Panel, query: Query, name: str) -> dict[str, Any]:
    coloured = {"id": "custom.cellOptions", "value": {"type": "color-text"}}
    named = panel.words and query.unit is None
    left = [{"id": "custom.align", "value": "left"}] if _begins_with_numbers(panel) else []
    return _override(
        name,
        {"id": "displayName", "value": query.title},
        {"id": "unit", "value": (query.unit or panel.unit).value},
        *left,
        *([{"id": "mappings", "value": _mappings(panel)}] if named else []),
        *([coloured] if panel.steps or named else []),
    )


def _override(name: str, *properties: dict[str, Any]) -> dict[str, Any]:
    return {"matcher": {"id": "byName", "options": name}, "properties": list(properties)}


def _transformations(panel: Panel) -> list[dict[str, Any]]:
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
