"""The rules for Prometheus, by Prometheus's own tool: when each alert fires and is over."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.alerts.fleet import WATCHES as FLEET
from gpuwatch.cli.alerts.groups import groups
from gpuwatch.cli.alerts.model import document
from gpuwatch.cli.alerts.watching import WATCHES
from tests.support import alert_cases
from tests.support.alert_cases import Case
from tests.support.require import require
from tests.support.watch_cases import COHORTS, LONG, SHORT, WEEKDAYS

RULES = Path(__file__).parents[2] / "alerts" / "gpuwatch.rules.yml"


def _run(*arguments: str | Path) -> str:
    """What promtool has to say; "" when all is well."""
    promtool = require("promtool", "prometheus")
    done = subprocess.run(
        [promtool, *arguments], capture_output=True, text=True, check=False, timeout=200
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _told(folder: Path, cases: Iterable[Case], every: str = "1m") -> str:
    """What the rules, without their texts, make of the cases."""
    (folder / "rules.yml").write_text("\n".join(document(groups(), annotated=False)))
    tests = folder / "tests.json"
    tests.write_text(alert_cases.document(cases, "rules.yml", every))
    return _run("test", "rules", tests)


def test_prometheus_accepts_the_rules() -> None:
    """`promtool check rules` parses every expression and template."""
    assert _run("check", "rules", RULES) == ""


def test_every_finding_fires_its_alert_and_outlives_a_restart(tmp_path: Path) -> None:
    """Each rule on each route: quiet before, firing, through a restart of its agent, and over."""
    assert _told(tmp_path, [alert_cases.findings()]) == ""


def test_a_finding_that_is_hushed_pages_no_longer(tmp_path: Path) -> None:
    """Who takes a board up within the pager's wait is not paged for it."""
    assert _told(tmp_path, [alert_cases.hushed()]) == ""


@pytest.mark.parametrize(
    ("cases", "every"),
    [(SHORT, "1m"), (WEEKDAYS, "1m"), (LONG, "5m"), (COHORTS, "1d")],
    ids=["short", "weekdays", "long", "cohorts"],
)
def test_alerts_fire_when_they_should_and_only_then(
    tmp_path: Path, cases: tuple[Case, ...], every: str
) -> None:
    """What blinds gpuwatch or moves through the fleet is told; what happens every week is not."""
    assert _told(tmp_path, cases, every) == ""


def test_every_alert_that_is_no_finding_has_a_case_in_which_it_fires() -> None:
    """An alert that no case has made fire may never fire."""
    fired = {
        check.alert for case in (*SHORT, *LONG, *COHORTS) for check in case.checks if check.fires
    }

    assert fired == {name_of(watch.code) for watch in (*WATCHES, *FLEET)}
