"""A GPU, a child or the driver that hangs takes nobody else along, and is told as what it is."""

import os
import signal
import socket
from pathlib import Path

from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.unkillable import unkillable
from tests.support.watching import (
    EVERYBODY,
    QUICK,
    QUIET_SECONDS,
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


def test_one_gpu_that_hangs_is_set_apart_told_and_taken_back(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Unknown at the first missed deadline, drained when it lasts; seven go on all the while."""
    server = make_server()
    sick = str(server.get(SICK, "uuid"))
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        server.advance(QUIET_SECONDS)
        server.hang(SICK, CALL)
        eventually(lambda: agent.gpu(SICK)["set_apart"], "the sick GPU is set apart")
        at_first = agent.gpu(SICK)
        _everybody_is_read_again(agent, OTHERS)
        with scraping(agent) as scrapes:
            told = eventually(lambda: finding(agent, "gpu-unresponsive", SICK), "it is told", 180)
        meanwhile, state = verdicts(agent), source(agent)
        status, page = gpuwatch(agent, "status"), agent.get("/")
        page_of_it = agent.get(f"/gpu/{sick}")
        server.unhang(SICK)
        eventually(lambda: agent.gpu(SICK)["verdict"] == "healthy", "it is healthy again")
        _everybody_is_read_again(agent, EVERYBODY)

        assert (at_first["verdict"], at_first["present"], at_first["fresh"]) == (
            "unknown",
            True,
            False,
        )
        assert CALL in at_first["set_apart"]
        assert meanwhile == {"drain_now": frozenset({SICK}), "healthy": OTHERS}
        assert (told["urgency"], told["route"], told["remedy"]) == ("page", "page", "reset")
        assert f"in state S, in {CALL}" in told["sentence"]
        assert scrapes.failures == []
        assert {len(seen) for seen in scrapes.seen} == {7}
        assert (state["up"], state["fresh"], state["restarts"]) == (True, True, 1)
        assert status.returncode == 1
        assert "gpu-unresponsive" in status.stdout
        assert "must be drained now" in page
        assert CALL in page_of_it
        assert [each["pci"] for each in agent.events("gpu-came-back")] == [at_first["pci_address"]]
        assert [each["code"] for each in agent.events("finding-ended")] == ["gpu-unresponsive"]


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
        assert "in state S, in nvml" in told["sentence"]
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
