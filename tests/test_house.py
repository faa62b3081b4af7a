"""The house's own rules: budgets of size, and what is generated is current."""

import ast
import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.cli import main
from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.policy.rules import RULES
from gpuwatch.sources.nvml_signals import TABLE
from tests.support import alert_causes, bmc_stories, watch_stories
from tests.support.rule_stories import CASES, TOLD_BY

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "gpuwatch").rglob("*.py"))
MODULE_LINES = 300
FUNCTION_LINES = 40
_SIGNALS = (
    "Everything that NVML is asked for and that is published, written by "
    "`gpuwatch signals --markdown`. Cadences are settings; by default fast is 10 s, slow 60 s, "
    "rare 5 min and inventory hourly. What a board or driver does not tell is absent."
)
_XIDS = (
    "What each code means, written by `gpuwatch xids --markdown`. Codes, mnemonics and action "
    "buckets are facts from NVIDIA's catalog "
    "(<https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html>); the meanings "
    "are our own words."
)
_RULES = (
    "Every rule that judges, written by `gpuwatch rules --markdown`. Words in braces are filled "
    "with what was found. A rule whose source is a URL follows that document; the others are "
    "gpuwatch's own heuristics and no criterion of NVIDIA's. While a cause holds that a rule is "
    "silenced by, the rule says nothing. `rules.disabled`, `rules.not_paging` and `rules.shadow` "
    "in the configuration quieten them; thresholds are not settings, but for the air at the inlet "
    "(`policy.inlet_class`)."
)
_BMC_METRICS = (
    "Every metric about BMCs, written by `gpuwatch signals --bmc --markdown`. Each series also has "
    "the labels `bmc` (the name in the settings) and `host` (whose BMC it is; empty for the host "
    "that runs gpuwatch, which Prometheus takes for no label). What a BMC does not tell is absent, "
    "and so is what it told once and is too old. See [bmc.md](bmc.md)."
)
_GENERATED = {
    "signals.md": ("Signals", _SIGNALS),
    "bmc-metrics.md": ("Metrics of BMCs", _BMC_METRICS),
    "xids.md": ("Xids", _XIDS),
    "rules.md": ("Rules", _RULES),
}
TABLES = re.compile(r"(nvml_signals|rules|xids|migrations)\.py$")


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            yield (
                f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
                size - (docstring.count("\n") + 1 if docstring else 0),
            )


def test_no_module_outgrows_its_budget() -> None:
    """A module over 300 lines is two modules; table files may be longer."""
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in SOURCES
        if not TABLES.search(path.name)
        and (lines := len(path.read_text().splitlines())) > MODULE_LINES
    }

    assert too_long == {}


def test_no_function_outgrows_a_glance() -> None:
    """A function over 40 lines, docstring aside, is two functions."""
    too_long = [
        (name, size) for path in SOURCES for name, size in _functions(path) if size > FUNCTION_LINES
    ]

    assert too_long == []


def test_every_module_says_what_it_is() -> None:
    """A module docstring is one sentence a newcomer can repeat."""
    silent = [str(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]

    assert silent == []


def test_nothing_is_left_unfinished() -> None:
    """Marks of unfinished work do not land."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    found = [str(path) for path in SOURCES if marks.search(path.read_text())]

    assert found == []


def _generated(name: str, command: str) -> str:
    title, intro = _GENERATED[name]
    body = io.StringIO()
    with contextlib.redirect_stdout(body):
        assert main([*command.split(), "--markdown"]) == 0
    return f"# {title}\n\n{intro}\n\n{body.getvalue()}"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("signals.md", "signals"),
        ("bmc-metrics.md", "signals --bmc"),
        ("xids.md", "xids"),
        ("rules.md", "rules"),
    ],
)
def test_golden_documents_from_tables_are_current(name: str, command: str) -> None:
    """What a document says of a table is what the table says."""
    path, expected = ROOT / "docs" / name, _generated(name, command)
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        path.write_text(expected)

    assert path.read_text() == expected, f"docs/{name}: make golden, and read the diff"


def test_golden_alerts_are_current() -> None:
    """The rules for Prometheus are those of the rule table."""
    path, body = ROOT / "alerts" / "gpuwatch.rules.yml", io.StringIO()
    with contextlib.redirect_stdout(body):
        assert main(["rules", "--alerts", "--config", os.devnull]) == 0
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        path.write_text(body.getvalue())

    assert path.read_text() == body.getvalue(), "alerts: make golden, and read the diff"


def test_every_rule_is_told_by_a_story_of_the_real_agent() -> None:
    """A rule that no simulated board has made fire may never fire on a real one."""
    told = {case.code for case in (*CASES, *bmc_stories.CASES)} | TOLD_BY.keys()

    assert told == {rule.code for rule in RULES}


def test_every_rule_has_an_alert_that_a_story_delivers_and_ends() -> None:
    """From its cause on a real agent to the receiver of a real Alertmanager."""
    told = {code for story in alert_causes.STORIES for code in story.codes}

    assert told == {rule.code for rule in RULES}


def test_every_alert_of_the_shipped_file_is_delivered_by_a_story() -> None:
    """Also those about the watch itself and about fleets."""
    of_rules = {code for story in alert_causes.STORIES for code in story.codes}
    of_watches = {story.code for story in watch_stories.STORIES} | watch_stories.APART.keys()
    shipped = re.findall(r"- alert: (\w+)", (ROOT / "alerts" / "gpuwatch.rules.yml").read_text())

    assert {name_of(code) for code in of_rules | of_watches} == set(shipped)


def test_the_stories_of_rules_exist() -> None:
    """The test that the table names is there, and its module speaks of the rule."""
    missing = [
        (code, where)
        for code, where in TOLD_BY.items()
        for text in [(ROOT / "tests" / "e2e" / where.split("::")[0]).read_text()]
        if f"def {where.split('::')[1]}(" not in text or code not in text
    ]

    assert missing == []


def test_every_metric_that_documents_name_exists() -> None:
    """A dashboard built from the documents finds its metrics."""
    names = (ROOT / "tests" / "golden" / "metric_names.txt").read_text()
    known = {line.split()[0] for line in names.splitlines()}
    known.add("gpuwatch_version")  # a member of the status document
    known |= {row.name for row in TABLE}  # texts are no samples, and documents may speak of them
    named = {
        (path.name, name)
        for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("alerts/*"))
        for name in re.findall(r"\bgpuwatch_[a-z_]+[a-z]", path.read_text())
    }

    assert {(where, name) for where, name in named if name not in known} == set()


def test_tests_that_belong_together_are_kept_on_one_worker() -> None:
    """pytest-xdist writes the group of a test where pytest has a place for it, else nowhere."""
    assert any("_nodeid" in getattr(one, "__slots__", ()) for one in pytest.Item.__mro__)
