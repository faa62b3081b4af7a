"""The agent is killed at random moments while errors happen: none is lost, doubled or misplaced."""

import os
import random
from pathlib import Path

from gpuwatch.history import History, HistorySettings
from simulator.world import Server
from tests.support.agents import AgentProcess, eventually, running
from tests.support.kills import Injector, seed
from tests.support.server import MakeServer

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
KILLS = 200 if SOAK else 20
KILLS_OF_A_GROUP = 5
BAD, OTHER = 2, 5


def test_a_kill_at_any_moment_loses_no_error(make_server: MakeServer, tmp_path: Path) -> None:
    """Sums per board and memory, incidents and their dates are what was injected."""
    number = seed()
    print(f"\nGPUWATCH_KILL_SEED={number} repeats this run")  # noqa: T201 - to repeat a failure
    server, place = make_server(), tmp_path / "agent"
    injector = Injector(server, random.Random(number))
    with running(server, place) as agent:
        agent.wait_for_gpus(8)
        injector.begin_group(agent)
        agent.kill()

    ended: set[str] = set()
    for _ in range(KILLS // KILLS_OF_A_GROUP):
        for _ in range(KILLS_OF_A_GROUP):
            children = injector.watch_and_kill(place)
            ended |= {child.program for child in children}
            injector.between(children)
        with running(server, place) as agent:
            injector.settle(agent)
            assert "\n".join(injector.misdated(agent)) == ""
            incidents = {slot: len(agent.gpu(slot)["incidents"]) for slot in server.gpus()}
            assert incidents == {slot: injector.incidents[slot] for slot in server.gpus()}
            injector.begin_group(agent)
            agent.kill()

    assert ended >= {"gpuwatch.sources.nvml", "gpuwatch.sources.kernel_log"}


def test_a_corrupt_history_is_restored_from_its_copy(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The flag of the copy stands, the loss is shown, and what came after it is counted again."""
    server, place = make_server(), tmp_path / "agent"
    with running(server, place) as agent:
        agent.wait_for_gpus(8)
        server.remap_failure(BAD)
        before = eventually(lambda: agent.api("flags")["flags"], "a flag")
        agent.stop()
    assert _copy(server, place)
    server.uncorrectable(OTHER, count=3)
    _spoil(place)

    with running(server, place) as agent:
        agent.wait_for_gpus(8)
        eventually(lambda: agent.gpu(OTHER)["errors"]["dram"] == 3, "the errors since the copy")
        server.uncorrectable(OTHER, count=2)
        eventually(lambda: agent.gpu(OTHER)["errors"]["dram"] == 5, "monitoring goes on")

        assert agent.api("flags")["flags"] == before
        assert _host_findings(agent) == {"history-lost"}
        assert "came from the copy of" in _loss(agent)
        assert agent.metric("gpuwatch_history_degraded", reason="corrupt-rebuilt") == {
            '{reason="corrupt-rebuilt"}': 1.0
        }
        assert agent.gpu(BAD)["verdict"] == "drain_now"


def test_a_corrupt_history_without_a_copy_starts_anew_and_says_so(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """What still holds is flagged again, old counts are prior, and the loss is no silence."""
    server, place = make_server(), tmp_path / "agent"
    with running(server, place) as agent:
        agent.wait_for_gpus(8)
        server.remap_failure(BAD)
        server.uncorrectable(OTHER, count=3)
        eventually(lambda: agent.gpu(OTHER)["errors"]["dram"] == 3, "the errors")
        before = eventually(lambda: agent.api("flags")["flags"], "a flag")
        agent.stop()
    _spoil(place)

    with running(server, place) as agent:
        agent.wait_for_gpus(8)
        after = eventually(lambda: agent.api("flags")["flags"], "the flag is raised again")
        server.uncorrectable(OTHER, count=2)
        eventually(lambda: agent.gpu(OTHER)["errors"]["dram"] == 2, "monitoring goes on")

        assert [(flag["serial"], flag["code"]) for flag in after] == [
            (flag["serial"], flag["code"]) for flag in before
        ]
        assert agent.gpu(OTHER)["prior"]["dram"] == 3
        assert _host_findings(agent) == {"history-lost"}
        assert "no copy was found" in _loss(agent)
        assert len(list((place / "state").glob("history.db.corrupt-*"))) == 1


def _copy(server: Server, place: Path) -> bool:
    """Make the copy that the agent makes once a minute."""
    history = History.open(place / "state" / "history.db", server.clock, HistorySettings())
    made = history.copy()
    history.close()
    return made


def _spoil(place: Path) -> None:
    """Overwrite the head of the history's file."""
    with (place / "state" / "history.db").open("r+b") as file:
        file.write(b"not a database " * 8)


def _host_findings(agent: AgentProcess) -> set[str]:
    return {finding["code"] for finding in agent.api("status")["findings"]}


def _loss(agent: AgentProcess) -> str:
    """What the finding says."""
    findings = agent.api("status")["findings"]
    return next(str(each["sentence"]) for each in findings if each["code"] == "history-lost")
