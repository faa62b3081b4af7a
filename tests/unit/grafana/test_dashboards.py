"""Dashboards are whole: numbered, placed, explained, with units, and built from what exists."""

import itertools
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.domain.acceptances import AcceptanceState
from gpuwatch.domain.bmc import RedundancyState
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.verdicts import Urgency, Verdict
from gpuwatch.sources.nvml_signals import TABLE
from grafana import words
from grafana.build import DASHBOARDS, HERE, main, text
from grafana.classic import SOURCE, document
from grafana.model import WIDTH, Dashboard, Kind
from tests.support.dashboards import ANY_CHOICE, asked

ROOT = Path(__file__).parents[3]
EACH = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.uid)


def _panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = document(dashboard)["panels"]
    return panels


def _cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    across = range(place["x"], place["x"] + place["w"])
    down = range(place["y"], place["y"] + place["h"])
    return set(itertools.product(across, down))


@EACH
def test_golden_dashboards_are_current(dashboard: Dashboard) -> None:
    """The committed files are what the code builds."""
    path = HERE / f"{dashboard.uid}.json"
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        path.write_text(text(dashboard))

    assert path.read_text() == text(dashboard), f"{path.name}: make golden, and read the diff"


def test_every_committed_dashboard_is_built(tmp_path: Path) -> None:
    """A dashboard whose code is gone does not stay behind, and the command writes all."""
    status = main([str(tmp_path)])

    assert status == 0
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in HERE.iterdir()}


@EACH
def test_panels_are_numbered_once_and_lie_side_by_side(dashboard: Dashboard) -> None:
    """No panel hides another or leaves the grid, and none is named like another."""
    panels = _panels(dashboard)

    cells = [cell for panel in panels for cell in _cells(panel)]
    titles = [panel["title"] for panel in panels]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) < WIDTH
    assert sorted(set(titles)) == sorted(titles)


@EACH
def test_every_panel_explains_itself_and_asks_the_chosen_source(dashboard: Dashboard) -> None:
    """A description that is a sentence, a unit, and the data source from the variable."""
    panels = [panel for panel in _panels(dashboard) if panel["type"] != "row"]

    sources = [panel["datasource"] for panel in panels]
    sources += [target["datasource"] for panel in panels for target in panel["targets"]]
    assert [panel["title"] for panel in panels if not panel["description"].endswith(".")] == []
    assert [
        panel["title"] for panel in panels if not panel["fieldConfig"]["defaults"]["unit"]
    ] == []
    assert [source for source in sources if source != SOURCE] == []


@EACH
def test_a_dashboard_can_be_provisioned(dashboard: Dashboard) -> None:
    """No number of another Grafana, no inputs that only an import fills, and a fixed address."""
    made = json.loads(text(dashboard))

    variables = made["templating"]["list"]
    assert (made["id"], "__inputs" in made) == (None, False)
    assert re.fullmatch(r"gpuwatch-[a-z]{3,8}", made["uid"])
    assert (variables[0]["type"], variables[0]["name"]) == ("datasource", "datasource")
    assert [link["includeVars"] and link["keepTime"] for link in made["links"]] == [True]


def test_links_lead_to_dashboards_and_variables_that_exist() -> None:
    """A row of a table leads to its host or GPU with the choice made there."""
    known = {one.uid: {variable.name for variable in one.variables} for one in DASHBOARDS}
    links = set(re.findall(r"/d/([a-z-]+)\?([^\"]*)", "".join(map(text, DASHBOARDS))))

    chosen = {uid: set(re.findall(r"var-(\w+)=", query)) for uid, query in links}
    assert chosen == {
        "gpuwatch-host": {"datasource", "instance"},
        "gpuwatch-gpu": {"datasource", "instance", "uuid"},
    }
    assert all(names - {"datasource"} <= known[uid] for uid, names in chosen.items())


def test_every_metric_in_dashboards_exists() -> None:
    """A metric is exported by the agent, or recorded by the rules."""
    exported = (ROOT / "tests" / "golden" / "metric_names.txt").read_text().splitlines()
    known = {line.split()[0] for line in exported} | {row.name for row in TABLE} | {"up"}
    known |= set(re.findall(r"record: (\S+)", (ROOT / "alerts/gpuwatch.rules.yml").read_text()))
    exprs = [query.expr for query in asked(ANY_CHOICE)]
    exprs += [variable.selector for one in DASHBOARDS for variable in one.variables]

    named = {name for expr in exprs for name in re.findall(r"[\w:]*gpuwatch[_:][\w:]+", expr)}
    assert named - known == set()
    assert len(named) > 50


def test_a_dashboard_of_the_fleet_asks_for_no_series_of_every_gpu() -> None:
    """What has a series for each GPU of 2,000 hosts comes from a recording rule."""
    small = re.compile(
        r"gpuwatch_(host_finding|bmc_finding|gpu_flag|gpu_acceptance|board_flag|bmc_trouble|source_|maintenance_)"
    )
    exprs = [query.expr for query in asked(ANY_CHOICE) if "fleet" in query.where]
    exprs += [query.expr for query in asked(ANY_CHOICE) if "planning" in query.where]

    raw = {name for expr in exprs for name in re.findall(r"(?<![\w:])gpuwatch_\w+", expr)}
    assert {name for name in raw if not small.match(name)} == set()


def test_a_table_knows_its_columns() -> None:
    """A table names the labels that it shows and its numbers; nothing else has columns."""
    panels = [panel for one in DASHBOARDS for panel in one.panels]

    tables = [panel for panel in panels if panel.kind is Kind.TABLE]
    others = [panel for panel in panels if panel.kind is not Kind.TABLE]
    assert [panel.title for panel in tables if not panel.columns] == []
    assert [p.title for p in tables if not all(query.title for query in p.queries)] == []
    assert [panel.title for panel in others if panel.columns] == []


def test_words_of_a_table_name_its_numbers_and_no_labels() -> None:
    """Grafana applies words to texts too: the GPU with index 1 was called "yes"."""
    panels = [panel for one in DASHBOARDS for panel in _panels(one) if panel["type"] == "table"]

    labels = {"Value", *(f"Value #{letter}" for letter in "ABCD")}
    named = [
        override["matcher"]["options"]
        for panel in panels
        for override in panel["fieldConfig"]["overrides"]
        if any(each["id"] == "mappings" for each in override["properties"])
    ]
    assert [one["title"] for one in panels if one["fieldConfig"]["defaults"]["mappings"]] == []
    assert set(named) <= labels
    assert len(named) > 10


@pytest.mark.parametrize(
    ("shown", "known"),
    [
        (words.URGENCIES, set(Urgency)),
        (words.REDUNDANCIES, set(RedundancyState)),
        (words.FLAG_STATES, set(FlagState)),
        (words.ACCEPTANCES, set(AcceptanceState)),
    ],
)
def test_nothing_drops_out_of_a_table_that_sorts_by_gravity(
    shown: words.Words, known: set[str]
) -> None:
    """What a label may be has a number and a word; a new state would be missing."""
    assert {word for _, word, _ in shown} == known
    assert [number for number, _, _ in shown] == list(range(len(shown), 0, -1))


def test_every_verdict_has_a_colour_and_its_place() -> None:
    """Counts of verdicts stand in the order of gravity, each with its colour from 1 on."""
    queries = words.verdicts("sum(x{{{}}})".format)

    assert set(words.VERDICTS) == set(Verdict)
    assert queries[0].expr == 'sum(x{verdict="drain_now"})'
    assert [query.legend for query in queries][-1] == "healthy"
    assert all(query.colour for query in queries)


def test_a_label_is_shown_as_it_is() -> None:
    """A unit of dates made "in 7826 years" of a host's name, and an empty label is a dash."""
    tables = [panel for one in DASHBOARDS for panel in _panels(one) if panel["type"] == "table"]

    units = {panel["fieldConfig"]["defaults"]["unit"] for panel in tables}
    dashed = [
        {"id": "noValue", "value": "-"} in override["properties"]
        for panel in tables
        for override in panel["fieldConfig"]["overrides"]
    ]
    assert units == {"string"}
    assert all(dashed)
