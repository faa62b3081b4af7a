"""Classic: a dashboard as the JSON that Grafana 10 to 13 load (dashboard schema v1)."""

from collections.abc import Iterable, Iterator
from typing import Any

from grafana import tables
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
_LEGEND_BESIDE = 12  # columns of the grid; in a narrower panel it would leave no room for lines
_NARROWEST = 80  # pixels; Grafana's own 150 pushes columns out of sight


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
        "transformations": tables.transformations(panel),
    }


def _target(panel: Panel, query: Query, at: int) -> dict[str, Any]:
    instant = panel.kind is not Kind.TIME_SERIES
    return {
        "refId": tables.letter(at),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "editorMode": "code",
        "instant": instant,
        "range": not instant,
        "format": "table" if panel.kind is Kind.TABLE else "time_series",
    }


_TITLE_SIZE = 12  # pixels; what Grafana chooses cannot be read on a phone
_STAT: dict[str, Any] = {
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
            several = {"text": {"titleSize": _TITLE_SIZE}} if len(panel.queries) > 1 else {}
            return _STAT | several | ({"textMode": "name"} if panel.named else {})
        case Kind.TABLE:
            return {"showHeader": True, "cellHeight": "sm"}
        case Kind.TIME_SERIES:
            beside = panel.width >= _LEGEND_BESIDE and not panel.bars
            legend = _BESIDE if beside else _BELOW
            return {
                "legend": legend | {"showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }


def _defaults(panel: Panel) -> dict[str, Any]:
    given: dict[str, Any] = {
        # A unit would make dates of the labels in a table, whose numbers have theirs.
        "unit": "string" if panel.kind is Kind.TABLE else panel.unit.value,
        "thresholds": {"mode": "absolute", "steps": _steps(panel.base, panel.steps)},
        # Of a table they are its numbers' alone: a GPU whose index is 1 is not called "yes".
        "mappings": tables.mappings(panel) if panel.kind is not Kind.TABLE else [],
        "color": {"mode": "palette-classic" if panel.kind is Kind.TIME_SERIES else "thresholds"},
        "custom": _custom(panel),
    }
    if panel.empty:
        given["noValue"] = panel.empty
    if panel.kind is Kind.TIME_SERIES and panel.unit is Unit.COUNT:
        given["decimals"] = 0
    if panel.kind is Kind.TIME_SERIES and panel.unit is Unit.SHARE:
        given["max"] = 1
    return given


def _steps(base: Colour, steps: Iterable[Step]) -> list[dict[str, Any]]:
    return [
        {"value": None, "color": base.value},
        *({"value": step.value, "color": step.colour.value} for step in steps),
    ]


def _custom(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case Kind.TIME_SERIES:
            return {
                "drawStyle": "bars" if panel.bars else "line",
                "lineWidth": 1,
                "fillOpacity": 80 if panel.bars else 30 if panel.stacked else 0,
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
        yield from tables.columns(panel)
    elif any("{{verdict}}" in query.legend for query in panel.queries):
        for verdict, colour in VERDICTS.items():
            fixed = {"id": "color", "value": {"mode": "fixed", "fixedColor": colour.value}}
            said = {"id": "displayName", "value": verdict.replace("_", " ")}
            yield tables.override(verdict, fixed, said)
    else:
        for query in panel.queries:
            if query.colour:
                steps = _steps(Colour.PLAIN, [Step(1, query.colour)])
                value = {"mode": "absolute", "steps": steps}
                yield tables.override(query.legend, {"id": "thresholds", "value": value})
