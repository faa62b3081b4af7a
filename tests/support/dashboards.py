"""Dashboards for tests: their queries, with variables as Grafana would fill them in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grafana.build import DASHBOARDS
from grafana.model import Panel

RATE_INTERVAL = {"__rate_interval": "1m"}
ANY_CHOICE = {"instance": "node-1:9853", "server": "node-1", "uuid": "GPU-1", **RATE_INTERVAL}


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of one panel."""

    where: str  # dashboard, panel and the query's place, in words
    panel: Panel
    expr: str


def filled(expr: str, choices: Mapping[str, str]) -> str:
    """The expression with its variables filled in; a variable without a choice is an error."""
    return re.sub(r"\$(\w+)", lambda found: choices[found[1]], expr)


def asked(choices: Mapping[str, str]) -> Iterator[Asked]:
    """Every query of every panel of every dashboard."""
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for at, query in enumerate(panel.queries, 1):
                where = f"{dashboard.uid}: {panel.title} {at}"
                yield Asked(where, panel, filled(query.expr, choices))
