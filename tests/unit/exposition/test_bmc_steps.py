"""BMC steps: every finding of a BMC has an answer for hands at the server."""

from dataclasses import replace

import pytest

from gpuwatch.domain.verdicts import Finding, Scope
from gpuwatch.exposition.bmc_steps import bmc_step
from gpuwatch.policy.rules import BY_CODE, RULES, Rule
from tests.support.bmc_states import main_bmc, new_bmc
from tests.support.snapshots import AT, rich_snapshot

OF_BMCS = [rule for rule in RULES if rule.scope is Scope.BMC]


def _finding(rule: Rule) -> Finding:
    return Finding(
        code=rule.code,
        scope=rule.scope,
        subject="bmc.main",
        urgency=rule.urgency,
        route=rule.urgency,
        remedy=rule.remedy,
        since=AT,
        sentence="s",
        source=rule.source,
    )


@pytest.mark.parametrize("rule", OF_BMCS, ids=[rule.code for rule in OF_BMCS])
def test_every_rule_of_a_bmc_says_when_to_do_what(rule: Rule) -> None:
    """In whole sentences, with nothing left to fill in."""
    step = bmc_step(rich_snapshot(), main_bmc(AT), _finding(rule))

    assert step.startswith(("Now: ", "Nothing now. At a window: ", "Not urgent: "))
    assert step.endswith(".")
    assert "{" not in step


def test_the_step_names_the_server_as_remote_hands_know_it() -> None:
    """By its name and the serial number on its case."""
    snapshot, bmc = rich_snapshot(), main_bmc(AT)
    assert bmc.sweep is not None

    step = bmc_step(snapshot, bmc, _finding(BY_CODE["redundancy-lost"]))

    serial = bmc.sweep.identity.serial
    assert f"{snapshot.hostname} (serial {serial}) may stay on" in step


def test_a_server_whose_serial_nobody_told_goes_by_its_name() -> None:
    """As that of a BMC that has never answered."""
    silent = replace(new_bmc(AT), host="node17")

    step = bmc_step(rich_snapshot(), silent, _finding(BY_CODE["bmc-unreachable"]))

    assert "node17 runs on meanwhile" in step
