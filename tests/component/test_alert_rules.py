"""The rules for Prometheus, by Prometheus's own tool: when each alert fires and is over."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from gpuwatch.cli.alerts.groups import groups
from gpuwatch.cli.alerts.model import Alert, Recording, document
from tests.support import alert_cases, near_cases
from tests.support.alert_cases import Case, ending, firing, firing_again, quiet
from tests.support.alert_gaps import ENDS_AT_ONCE, restarted
from tests.support.fleet_cases import EDGES, FORGETFUL
from tests.support.near_cases import NEAR, NEAR_LONG
from tests.support.require import require
from tests.support.silence_cases import SCRAPED, SILENT
from tests.support.watch_cases import COHORTS, LONG, SHORT, WEEKDAYS

ALWAYS = {"GpuwatchWatchdog"}
OF_FINDINGS = ("gpuwatch-findings", "gpuwatch-sums")
RULES = Path(__file__).parents[2] / "alerts" / "gpuwatch.rules.yml"


def _run(*arguments: str | Path) -> str:
    """What promtool has to say; "" when all is well."""
    promtool = require("promtool", "prometheus")
    done = subprocess.run(
        [promtool, *arguments], capture_output=True, text=True, check=False, timeout=200
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _told(
    folder: Path, cases: Iterable[Case], every: str = "1m", leaving_out: Iterable[str] = ()
) -> str:
    """What the rules, without their texts, make of the cases; groups are left out to save time."""
    chosen = [group for group in groups() if group.name not in leaving_out]
    (folder / "rules.yml").write_text("\n".join(document(chosen, annotated=False)))
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
    [
        ((*SHORT, *NEAR, *SCRAPED), "1m"),
        ((*LONG, *NEAR_LONG, *EDGES), "5m"),
        ((*COHORTS, *FORGETFUL), "1d"),
        (restarted(SHORT), "1m"),
        (restarted(LONG), "5m"),
        (restarted(COHORTS), "1d"),
    ],
    ids=["short", "long", "cohorts", "short-restarted", "long-restarted", "cohorts-restarted"],
)
def test_alerts_fire_when_they_should_and_only_then(
    tmp_path: Path, cases: tuple[Case, ...], every: str
) -> None:
    """What blinds gpuwatch or moves through the fleet is told, also when agents restart."""
    assert _told(tmp_path, cases, every, OF_FINDINGS) == ""


def test_what_happens_every_week_pages_nobody(tmp_path: Path) -> None:
    """Reboots, driver upgrades, indices that shift: all rules, and who is paged."""
    assert _told(tmp_path, WEEKDAYS) == ""


def test_a_host_that_stops_answering_ends_no_page(tmp_path: Path) -> None:
    """Silence is no recovery: pages of GPUs, hosts and BMCs end when the agent says so."""
    assert _told(tmp_path, SILENT, leaving_out=("gpuwatch-sums",)) == ""


def test_findings_fire_no_alert_but_their_own(tmp_path: Path) -> None:
    """One that holds no more, and one of a rule whose code begins alike, fire nothing."""
    assert _told(tmp_path, [near_cases.findings()]) == ""


def test_recorded_sums_are_the_sums(tmp_path: Path) -> None:
    """Of two hosts, one of whose boards is not identified."""
    assert _told(tmp_path, [near_cases.SUMS]) == ""


def test_every_recording_rule_has_a_case() -> None:
    """Its name is asked for and its samples are told."""
    records = {
        rule.record for group in groups() for rule in group.rules if isinstance(rule, Recording)
    }

    asked = {query for case in (*LONG, near_cases.SUMS) for _, query, _ in case.queries}

    assert records - asked == set()


def test_every_alert_fires_does_not_fire_ends_and_outlives_a_restart() -> None:
    """All four are told by some case; the dead man's alert fires always and never ends."""
    once = (*SHORT, *LONG, *COHORTS, alert_cases.findings())
    near = (*once, *NEAR, *NEAR_LONG, near_cases.findings())
    again = (*restarted((*SHORT, *LONG, *COHORTS)), alert_cases.findings())
    alerts = {rule.name for group in groups() for rule in group.rules if isinstance(rule, Alert)}

    assert alerts - firing(once) == set()
    assert alerts - quiet(near) == ALWAYS
    assert alerts - ending(once) == ALWAYS
    assert alerts - firing_again(again) == ENDS_AT_ONCE
