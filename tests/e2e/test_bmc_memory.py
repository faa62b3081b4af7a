"""What an agent remembers of a real BMC implementation, over kills, clears and switches."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.bmc.server import IpmiBmc
from tests.support.agents import eventually
from tests.support.bmc import bmcs
from tests.support.bmc_agents import BmcAgent, configuration
from tests.support.watching import run


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[IpmiBmc]:
    """The BMC of an 8-GPU server, with two entries in its log."""
    with bmcs(tmp_path) as make:
        made = make()
        made.sel_fill(1)
        made.sel_add("PSU2 Status", 3, seconds_ago=86_400)
        yield made


def _cli(agent: BmcAgent, *words: str) -> subprocess.CompletedProcess[str]:
    socket = ("--socket", str(agent.control_socket))
    return run([sys.executable, "-m", "gpuwatch", *words, *socket])


def _began(agent: BmcAgent, code: str) -> list[dict[str, Any]]:
    return [line for line in agent.events("finding-began") if line["code"] == code]


def _counted(agent: BmcAgent) -> int:
    """The entries counted, of every topic and severity."""
    return int(sum(agent.metric("gpuwatch_bmc_log_events_total", bmc="host").values()))


def test_a_log_is_counted_once_over_a_kill_and_a_clear(bmc: IpmiBmc, tmp_path: Path) -> None:
    """Old entries never, new ones once, also those of the time in which no agent was there."""
    settings = configuration({"host": bmc}, tmp_path / "agent")
    agent = BmcAgent(settings, tmp_path / "agent")
    try:
        agent.logged("bmc-log-baseline")
        bmc.sel_add("PSU1 Status", 1)
        eventually(lambda: _counted(agent) == 1, "the entry is counted")
        agent.kill()
        bmc.sel_add("PSU3 Status", 1)
        agent = BmcAgent(settings, tmp_path / "agent")
        at_once = _counted(agent)
        told = agent.logged("bmc-log-entry")
        eventually(lambda: _counted(agent) == 2, "the entry of the time between is counted")
        bmc.sel_clear()
        cleared = agent.logged("log-cleared")
        after = _counted(agent), agent.metric("gpuwatch_bmc_log_cleared_total", bmc="host")
    finally:
        agent.stop()

    assert at_once == 1
    assert "PSU3" in told["sensor"]
    assert cleared["bmc"] == "host"
    assert (after[0], list(after[1].values())) == (2, [1.0])


def test_a_switched_chassis_is_an_event(bmc: IpmiBmc, tmp_path: Path) -> None:
    """A line of the log, and in the API."""
    agent = BmcAgent(configuration({"host": bmc}, tmp_path / "agent"), tmp_path / "agent")
    try:
        agent.logged("bmc-answers")
        bmc.power_off()
        agent.logged("chassis-power-off")
        told = agent.api("events")["events"]
    finally:
        agent.stop()

    assert [(event["kind"], event["bmc"]) for event in told] == [
        ("chassis_power_off", "host"),
        ("bmc_added", "host"),
    ]


def test_a_bmc_that_is_dead_at_the_start_is_told(bmc: IpmiBmc, tmp_path: Path) -> None:
    """It is down, and why; nobody can say that its server is as it should be."""
    bmc.stop()
    agent = BmcAgent(configuration({"host": bmc}, tmp_path / "agent"), tmp_path / "agent")
    try:
        silent = agent.logged("bmc-not-answering")
        up = agent.metric("gpuwatch_bmc_up", bmc="host")
        accepted = _cli(agent, "bmc", "host", "--accept", "--reason", "as it is")
    finally:
        agent.stop()

    assert (silent["bmc"], silent["trouble"]) == ("host", "unreachable")
    assert list(up.values()) == [0.0]
    assert "does not tell what its server has" in accepted.stderr


def test_a_supply_that_was_taken_out_for_good_is_accepted(bmc: IpmiBmc, tmp_path: Path) -> None:
    """It is missed over a restart of the agent, until somebody says that it is not."""
    settings = configuration({"node17-bmc": bmc}, tmp_path / "agent", more='host = "node17"')
    agent = BmcAgent(settings, tmp_path / "agent")
    accept = ("--accept", "--reason", "five will do")
    try:
        agent.logged("bmc-answers")
        agent.stop()
        bmc.psu_gone(6)
        agent = BmcAgent(settings, tmp_path / "agent")
        missed = eventually(lambda: _began(agent, "psu-failed"), "the supply is missed")
        accepted = _cli(agent, "bmc", "node17", *accept)
        again = _cli(agent, "bmc", "node17", *accept)
        audit = _cli(agent, "audit").stdout
    finally:
        agent.stop()

    assert [line["host"] for line in missed] == ["node17"]
    assert accepted.stdout == "accepted bmc.node17-bmc; no longer missed: supply PSU6\n"
    assert again.stdout == "accepted bmc.node17-bmc; no longer missed: nothing\n"
    assert "bmc-accepted" in audit


def _maintenance(agent: BmcAgent, *words: str) -> subprocess.CompletedProcess[str]:
    return _cli(agent, "maintenance", *words)


def test_work_on_a_watched_host_is_announced_by_its_name(bmc: IpmiBmc, tmp_path: Path) -> None:
    """What is no BMC and no host of one is refused, with what there is."""
    settings = configuration({"node17-bmc": bmc}, tmp_path / "agent", more='host = "node17"')
    agent = BmcAgent(settings, tmp_path / "agent")
    why = ("--for", "1h", "--reason", "fans")
    try:
        begun = _maintenance(agent, "begin", "bmc", "node17", *why)
        wrong = _maintenance(agent, "begin", "bmc", "node18", *why)
        held = agent.metric("gpuwatch_maintenance", scope="bmc")
        shown = json.loads(_maintenance(agent, "list", "--json").stdout)["maintenance"]
    finally:
        agent.stop()

    assert begun.returncode == 0
    assert wrong.returncode != 0
    assert "there are: node17-bmc, node17" in wrong.stderr
    assert list(held.values()) == [1.0]
    assert [(one["scope"], one["bmc"]) for one in shown] == [("bmc", "node17")]
