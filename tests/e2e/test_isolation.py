"""A GPU, a child or the driver that hangs takes nobody else along, and is told as what it is."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer, servers
from tests.support.unkillable import unkillable
from tests.support.watching import (
    EVERYBODY,
    QUICK,
    QUIET_SECONDS,
    Scrapes,
    codes,
    finding,
    gpuwatch,
    last_readings,
    scraping,
    source,
    verdicts,
)

SICK = 3
OTHERS = EVERYBODY - {SICK}
CALL = "nvmlDeviceGetUtilizationRates"


def _everybody_is_read_again(agent: AgentProcess, slots: frozenset[int]) -> None:
    """Wait until each of these GPUs has answered once more, and once more after that."""
    uuids = {str(agent.server.get(slot, "uuid")) for slot in slots}
    for _ in range(2):
        before = last_readings(agent.get("/metrics"))
        eventually(
            lambda: all(
                last_readings(agent.get("/metrics")).get(uuid, 0.0) > before.get(uuid, 0.0)  # noqa: B023
                for uuid in uuids
            ),
            f"slots {sorted(slots)} answer again",
        )


@dataclass(frozen=True)
class Story:
    """One GPU hangs and is set apart; `scraped` scrapes were made until the others went on."""

    agent: AgentProcess
    scrapes: Scrapes
    at_first: Any
    scraped: int


@pytest.fixture(scope="module", name="story")
def _story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A hang that lasts while the other tests of this module run: its rule wants a minute."""
    directory = tmp_path_factory.mktemp("story")
    with servers(directory) as make, running(make(), directory / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        agent.server.advance(QUIET_SECONDS)
        with scraping(agent) as scrapes:
            agent.server.hang(SICK, CALL)
            eventually(lambda: agent.gpu(SICK)["set_apart"], "the sick GPU is set apart")
            at_first = agent.gpu(SICK)
            _everybody_is_read_again(agent, OTHERS)
            yield Story(agent, scrapes, at_first, len(scrapes.seen))


@pytest.mark.xdist_group("story of a hang")
def test_a_gpu_is_unknown_from_its_first_missed_deadline(story: Story) -> None:
    """It is named with the call; nobody is paged yet, and the other seven go on."""
    gpu = story.at_first

    assert (gpu["verdict"], gpu["present"], gpu["fresh"]) == ("unknown", True, False)
    assert gpu["findings"] == []
    assert CALL in gpu["set_apart"]
    assert verdicts(story.agent)["healthy"] == OTHERS


def test_a_child_that_cannot_be_killed_keeps_neither_port_nor_agent(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """It is counted and left; SIGTERM ends the agent in five seconds; its port is free at once."""
    server = make_server()
    with (
        unkillable(tmp_path, by_reading=True) as place,
        running(server, tmp_path / "agent", options=QUICK) as agent,
    ):
        agent.wait_for_gpus(8)
        server.hang(SICK, CALL, "file", path=Path(place.spec["path"]))
        eventually(lambda: source(agent)["unkillable"] == 2, "two children are given up")
        _everybody_is_read_again(agent, OTHERS)
        counted = agent.metric("gpuwatch_source_unkillable_children", source="nvml")
        state, stuck = source(agent), agent.events("probe-abandoned")
        ended = agent.stop(within_seconds=5.0)
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", agent.port))
            again.listen()
        left = [pid for each in stuck if Path(f"/proc/{(pid := each['pid'])}").exists()]

        assert ended == 0
        assert list(counted.values()) == [2.0]
        assert state["problem"].startswith("2 probes cannot be ended")
        assert all("in state D" in each["stuck"] and CALL in each["stuck"] for each in stuck)
        assert len(left) == 2


def test_a_gpu_that_hangs_before_the_agent_starts_is_known_all_the_same(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """It cannot tell who it is any more; history knows who sits there, and it is not missing."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        agent.stop()
    server.hang(SICK, "*")
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(7)
        eventually(lambda: agent.gpu(SICK)["set_apart"], "the sick GPU is set apart")
        _everybody_is_read_again(agent, OTHERS)
        gpu, told = agent.gpu(SICK), verdicts(agent)
        server.unhang(SICK)
        eventually(lambda: verdicts(agent) == {"healthy": EVERYBODY}, "it is healthy again")

    assert gpu["serial"] == server.get(SICK, "serial")
    assert (gpu["findings"], told) == ([], {"unknown": frozenset({SICK}), "healthy": OTHERS})


def test_a_driver_that_hangs_is_one_matter_of_the_host(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """One page for the host and none for its eight GPUs; told when it answers again."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        server.advance(QUIET_SECONDS)
        server.hang(None, "*")
        told = eventually(lambda: finding(agent, "driver-hung"), "the driver is told to hang")
        verdict, gpus = agent.api("status")["verdict"], verdicts(agent)
        of_gpus = {code for slot in EVERYBODY for code in codes(agent, slot)}
        paged = agent.metric("gpuwatch_host_finding", urgency="page")
        server.unhang(None)
        agent.wait_for_gpus(8)
        eventually(lambda: codes(agent) == [], "nothing is wrong with the host any more")

        assert (verdict, gpus) == ("drain_now", {"unknown": EVERYBODY})
        assert of_gpus == set()
        assert (told["urgency"], told["remedy"]) == ("page", "reboot")
        assert ", in nvml" in told["sentence"]  # the state may be R for a moment
        assert len(paged) == 1
        assert verdicts(agent) == {"healthy": EVERYBODY}
        conditions = [each["condition"] for each in agent.events("driver-condition")]
        assert conditions == ["ready", "driver-hung", "ready"]


def test_a_child_that_is_killed_or_stopped_is_replaced(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Whoever did that, it was no GPU: none is set apart, the loss of the child is counted."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        os.kill(server.clients()[0], signal.SIGKILL)
        eventually(lambda: source(agent)["restarts"] == 1, "the killed child is replaced")
        (stopped,) = eventually(server.clients, "another child asks the driver")
        os.kill(stopped, signal.SIGSTOP)
        eventually(lambda: source(agent)["restarts"] == 2, "the stopped child is replaced")
        eventually(lambda: not Path(f"/proc/{stopped}").exists(), "the stopped child is gone")
        _everybody_is_read_again(agent, EVERYBODY)

        state, died = source(agent), agent.events("probe-died")
        assert (state["up"], state["problem"]) == (True, "")
        assert agent.metric("gpuwatch_source_restarts_total", source="nvml") == {
            '{source="nvml"}': 2.0
        }
        assert agent.events("gpu-set-apart") == []
        assert "SIGKILL" in died[0]["reason"]
        assert "in state T" in died[1]["reason"]
        assert verdicts(agent) == {"healthy": EVERYBODY}


@pytest.mark.xdist_group("story of a hang")
def test_a_gpu_that_is_silent_for_a_minute_is_to_be_drained(story: Story) -> None:
    """The page names the call and the process's state; the rest of the host is well."""
    agent, sick = story.agent, str(story.agent.server.get(SICK, "uuid"))

    told = eventually(lambda: finding(agent, "gpu-unresponsive", SICK), "it is told", 180)
    seen = story.scrapes.seen[story.scraped :]
    state, status = source(agent), gpuwatch(agent, "status")

    assert verdicts(agent) == {"drain_now": frozenset({SICK}), "healthy": OTHERS}
    assert (told["urgency"], told["route"], told["remedy"]) == ("page", "page", "reset")
    assert re.search(f"in state [SR], in {CALL}", told["sentence"])
    assert {len(answered) for answered in seen} == {7}
    assert story.scrapes.failures == []
    assert (state["up"], state["fresh"], state["restarts"]) == (True, True, 1)
    assert (status.returncode, "gpu-unresponsive" in status.stdout) == (1, True)
    assert "must be drained now" in agent.get("/")
    assert CALL in agent.get(f"/gpu/{sick}")


@pytest.mark.xdist_group("story of a hang")
def test_a_gpu_that_answers_again_is_taken_back(story: Story) -> None:
    """Nobody restarts anything; the log says that it came back."""
    agent = story.agent

    agent.server.unhang(SICK)
    eventually(lambda: verdicts(agent) == {"healthy": EVERYBODY}, "it is healthy again")
    _everybody_is_read_again(agent, EVERYBODY)

    back, ended = agent.events("gpu-came-back"), agent.events("finding-ended")
    assert {each["pci"] for each in back} == {story.at_first["pci_address"]}
    assert {each["code"] for each in ended} <= {"gpu-unresponsive"}
    assert agent.gpu(SICK)["set_apart"] == ""
    assert story.scrapes.failures == []
