"""Classic: a dashboard as the JSON that Grafana 10 to 13 load (dashboard schema v1)."""

from collections.abc import Iterable, Iterator
from typing import Any

from grafana.model import WIDTH, Colour, Dashboard, Kind, Panel, Query, Section, Step, Variable

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
VERDICTS = {
    "healthy": Colour.GOOD,
    "watch": Colour.NOTE,
    "reset_at_window": Colour.SOON,
    "replace_at_window": Colour.ACT,
    "drain_now": Colour.NOW,
    "unknown": Colour.BLIND,
}


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
        "options": _OPTIONS[panel.kind] | ({"textMode": "name"} if panel.named else {}),
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
_OPTIONS: dict[Kind, dict[str, Any]] = {
    Kind.STAT: _STAT,
    Kind.TABLE: {"showHeader": True, "cellHeight": "sm"},
    Kind.TIME_SERIES: {
        "legend": {
            "displayMode": "table",
            "placement": "right",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
}


def _defaults(panel: Panel) -> dict[str, Any]:
    given: dict[str, Any] = {
        "unit": panel.unit.value,
        "thresholds": {"mode": "absolute", "steps": _steps(panel.base, panel.steps)},
        "mappings": [_mapping(panel)] if panel.words else [],
        "color": {"mode": "palette-classic" if panel.kind is Kind.TIME_SERIES else "thresholds"},
        "custom": _custom(panel),
    }
    if panel.empty:
        given["noValue"] = panel.empty
    if panel.most is not None:
        given["max"] = panel.most
    return given


def _steps(base: Colour, steps: Iterable[Step]) -> list[dict[str, Any]]:
    return [
        {"value": None, "color": base.value},
        *({"value": step.value, "color": step.colour.value} for step in steps),
    ]


def _mapping(panel: Panel) -> dict[str, Any]:
    options = {
        f"{number:g}": {"text": text, "color": colour.value, "index": at}
        for at, (number, text, colour) in enumerate(panel.words)
    }
    return {"type": "value", "options": options}


def _custom(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case Kind.TIME_SERIES:
            return {
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": 30 if panel.stacked else 0,
                "showPoints": "auto",
                "axisSoftMin": 0,  # soft: a margin below 0 is what one must not miss
                "spanNulls": False,  # a gap is what was not seen
                "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "line" if panel.steps else "off"},
            }
        case Kind.TABLE:
            # Only columns with a unit of their own have a colour: labels are no numbers.
            return {"align": "auto", "filterable": True, "cellOptions": {"type": "auto"}}
        case Kind.STAT:
            return {}


def _overrides(panel: Panel) -> Iterator[dict[str, Any]]:
    if panel.kind is Kind.TABLE:
        for at, query in enumerate(panel.queries):
            yield _column(panel, query, value_of(panel, at))
        if len(panel.queries) > 1:  # alone with data, the first is called like an only one
            yield _column(panel, panel.queries[0], _ONLY)
        for label in panel.columns:
            if label in _LINKS and "instance" in panel.columns:
                title, url = _LINKS[label]
                links = {"id": "links", "value": [{"title": title, "url": url}]}
                yield _override(label, links)
    elif any("{{verdict}}" in query.legend for query in panel.queries):
        for verdict, colour in VERDICTS.items():
            fixed = {"id": "color", "value": {"mode": "fixed", "fixedColor": colour.value}}
            yield _override(verdict, fixed)


def value_of(panel: Panel, at: int) -> str:
    """The name that Grafana gives to the numbers of a table's query."""
    return _ONLY if len(panel.queries) == 1 else f"Value #{_letter(at)}"


def _column(panel: Panel, query: Query, name: str) -> dict[str, Any]:
    coloured = {"id": "custom.cellOptions", "value": {"type": "color-text"}}
    return _override(
        name,
        {"id": "displayName", "value": query.title},
        {"id": "unit", "value": (query.unit or panel.unit).value},
        *([coloured] if panel.steps or panel.words else []),
    )


def _override(name: str, *properties: dict[str, Any]) -> dict[str, Any]:
    return {"matcher": {"id": "byName", "options": name}, "properties": list(properties)}


def _transformations(panel: Panel) -> list[dict[str, Any]]:
    """Queries side by side, and the named columns only, in their order."""
    if panel.kind is not Kind.TABLE:
        return []
    numbers = dict.fromkeys([*(value_of(panel, at) for at in range(len(panel.queries))), _ONLY])
    shown = [*panel.columns, *numbers]
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
