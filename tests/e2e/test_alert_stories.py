"""Stories of on-call: who is told what, and how often, where a real Alertmanager delivers it.

docs/alerts.md has the numbers.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree

import pytest

from simulator.world import FIRST_SERIAL, Server
from tests.support.agents import DAY, PATIENCE_SECONDS, AgentProcess, eventually, running
from tests.support.alert_stories import (
    PACE,
    PATIENT,
    QUIET_SECONDS,
    SLOWER,
    fleet,
    instance_of,
    noted,
    sent,
    told,
)
from tests.support.alertmanager import PAGER, TICKETS, Alerting, alerting
from tests.support.receiver import RESOLVED
from tests.support.server import MakeServer
from tests.support.watching import EVERYBODY, QUICK, codes, gpuwatch, simulate

# What is counted is told within seconds: beside each other they take these from one another.
pytestmark = pytest.mark.xdist_group("alerts")

HOST = "node-1:9853"
BAD, PEERS = 2, (0, 1, 3)
NEWER = "590.44.01"


def _age(agent: AgentProcess) -> float:
    """How long ago, in simulated seconds, the source that is silent for longest was heard."""
    heard = agent.metric("gpuwatch_source_last_success_timestamp_seconds")
    return agent.server.clock.now().wall - min(heard.values())


def test_an_error_storm_is_one_page_for_the_board_that_owns_it(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Hundreds of errors with their echoes, and thousands of Xids of programs on other boards."""
    server = make_server(gpus=4)
    owner = str(server.get(BAD, "serial"))
    with (
        alerting(tmp_path / "alerting", [HOST], pace=PACE) as desk,
        running(server, tmp_path / "agent", options=QUICK) as agent,
    ):
        agent.wait_for_gpus(4)
        desk.hosts.agent(HOST, agent.port)
        server.uncorrectable(BAD, echo=PEERS, contained=False)
        for gpu, code in zip(PEERS, (13, 31, 43), strict=True):
            server.xid(gpu, code, process=(4243, "python3"), event=False, times=1000)
        for _ in range(299):
            server.uncorrectable(BAD, echo=PEERS, contained=False, remap=False)
        page = desk.receiver.arrived(PAGER)
        eventually(lambda: agent.gpu(BAD)["errors"]["dram"] == 300, "every error is counted")
        time.sleep(QUIET_SECONDS)
        during = sent(desk)
        gpuwatch(agent, "release", "--", *simulate(server, "reset", str(BAD)))
        desk.receiver.resolved(PAGER)
        time.sleep(QUIET_SECONDS)

    assert (during, sent(desk)) == ((1, 0), (1, 0))
    assert told(desk, PAGER) == told(desk, PAGER, RESOLVED) == {(HOST, "recovery-action", owner): 1}
    assert f"GPU {BAD} " in page.annotations["summary"]
    assert f"serial {owner}" in page.annotations["description"]
    assert "reset it under `gpuwatch release`" in page.annotations["description"]
    # The page itself is noted while the GPU is released, where a scrape falls into that time.
    assert noted(desk) - {(HOST, "recovery-action", owner)} == {
        *((HOST, "application-xid", str(server.get(peer, "serial"))) for peer in PEERS),
        (HOST, "recent-uncorrectable-error", owner),
        (HOST, "row-remap-pending", owner),
        (HOST, "row-remapped", owner),
    }


def test_a_reset_under_release_pages_nobody_unless_it_fails(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Uncontained errors: one reset works, one finds the GPU in use, one loses the GPU."""
    server = make_server(gpus=4)
    mended, held, lost = 0, 1, 2
    serials = {gpu: str(server.get(gpu, "serial")) for gpu in (mended, held, lost)}
    with (
        alerting(tmp_path / "alerting", [HOST], pace=PATIENT) as desk,
        running(server, tmp_path / "agent", options=QUICK) as agent,
    ):
        agent.wait_for_gpus(4)
        desk.hosts.agent(HOST, agent.port)
        server.uncorrectable(mended, contained=False)
        eventually(lambda: desk.firing(route="page"), "the page is on its way")
        worked = gpuwatch(agent, "release", "--", *simulate(server, "reset", str(mended)))
        eventually(lambda: agent.gpu(mended)["verdict"] == "watch", "it is mended")
        eventually(
            lambda: not desk.alertmanager.alerts(route="page"), "no page waits to be sent any more"
        )
        nobody = sent(desk)

        server.uncorrectable(held, contained=False)
        server.uncorrectable(lost, contained=False)
        eventually(lambda: "recovery-action" in codes(agent, lost), "both are found")
        user = server.hold(held)
        refused = gpuwatch(agent, "release", "--", *simulate(server, "reset", str(held)))
        gpuwatch(agent, "release", "--", *simulate(server, "lose", str(lost)))
        gone = desk.receiver.arrived(PAGER, code="off-the-bus")
        desk.receiver.arrived(PAGER, code="recovery-action")
        time.sleep(QUIET_SECONDS)
        user.close()

    assert (worked.returncode, refused.returncode) == (0, 1)
    assert nobody == (0, 0)
    # Both are of one host: the later one's page lists the earlier, where that was sent before it.
    assert told(desk, PAGER) in (
        {(HOST, "recovery-action", serials[held]): 1, (HOST, "off-the-bus", serials[lost]): 1},
        {(HOST, "recovery-action", serials[held]): 2, (HOST, "off-the-bus", serials[lost]): 1},
    )
    assert sent(desk)[0] <= len((held, lost))
    assert told(desk, TICKETS) == {}
    assert f"serial {serials[lost]}" in gone.annotations["description"]
    assert "power-cycle" in gone.annotations["description"]


def test_a_dead_fabric_manager_is_one_page_for_the_host(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """All eight GPUs say it, and none of them is to blame."""
    server = make_server()
    with (
        alerting(tmp_path / "alerting", [HOST], pace=PACE) as desk,
        running(server, tmp_path / "agent", options=QUICK) as agent,
    ):
        agent.wait_for_gpus(8)
        server.advance(601.0)
        # A kernel log that is quiet is heard of once a minute.
        eventually(
            lambda: _age(agent) < 60.0, "every source has been heard since", 2 * PATIENCE_SECONDS
        )
        desk.hosts.agent(HOST, agent.port)
        for gpu in EVERYBODY:
            server.set(gpu, "fabric.state", 2)
        eventually(
            lambda: set(agent.metric("gpuwatch_gpu_fabric_completed").values()) == {0.0},
            "every GPU says it",
        )
        server.advance(301.0)
        page = desk.receiver.arrived(PAGER)
        time.sleep(QUIET_SECONDS)
        for gpu in EVERYBODY:
            server.set(gpu, "fabric.state", 3)
        eventually(
            lambda: set(agent.metric("gpuwatch_gpu_fabric_completed").values()) == {1.0},
            "every GPU is registered again",
        )
        server.advance(301.0)
        desk.receiver.resolved(PAGER)

    assert told(desk, TICKETS) == {}
    assert sent(desk) == (1, 0)
    assert told(desk, PAGER) == told(desk, PAGER, RESOLVED) == {(HOST, "fabric-not-ready", ""): 1}
    assert page.annotations["summary"].startswith(f"{HOST}: ")
    assert noted(desk) == set()


@pytest.mark.timeout(600)
def test_a_rolling_upgrade_pages_nobody_and_a_missing_gpu_once(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Twenty hosts boot with another driver, every second one under a release; then one lacks one.

    node_exporter answers all the time, so that nothing but patience keeps the pager quiet.
    """
    names = [f"node-{number:02d}" for number in range(20)]
    short = names[7]
    gpus = dict.fromkeys(names, 1) | {short: 2}
    instances = [instance_of(name) for name in names]
    nodes = [f"{name}:9100" for name in names]
    with (
        alerting(tmp_path / "alerting", instances, nodes=nodes, pace=SLOWER) as desk,
        fleet(desk, make_server, tmp_path, gpus) as hosts,
    ):
        for first in range(0, len(names), 4):
            batch = names[first : first + 4]
            for name in batch[::2]:
                hosts.release(name, "driver upgrade")
            for name in batch:
                hosts.shut_down(name).reboot(driver=NEWER)
            hosts.boot(batch)
        count = "count by (driver) (gpuwatch_gpu_info)"
        eventually(
            lambda: desk.prometheus.numbers(count, "driver") == {(NEWER,): 21.0},
            "every GPU is seen with the other driver",
        )
        time.sleep(QUIET_SECONDS)
        upgraded = sent(desk), noted(desk)

        server = hosts.shut_down(short)
        server.lose(1, vanish=True, silent=True)
        server.reboot()
        hosts.boot([short])
        server.advance(601.0)
        page = desk.receiver.arrived(PAGER)
        time.sleep(QUIET_SECONDS)

    serial = str(server.get(1, "serial"))
    assert upgraded == ((0, 0), set())
    assert sent(desk) == (1, 0)
    assert told(desk, PAGER) == {(instance_of(short), "board-missing-in-service", serial): 1}
    assert f"serial {serial}" in page.annotations["description"]


@contextmanager
def _agents(folder: Path, *servers: Server) -> Iterator[tuple[AgentProcess, ...]]:
    """An agent on each server, in a life of its own after each boot."""
    with ExitStack() as stack:
        places = (folder / str(server.directory.name) for server in servers)
        yield tuple(
            stack.enter_context(running(server, place, options=QUICK, max_gap_seconds=13 * DAY))
            for server, place in zip(servers, places, strict=True)
        )


def _flag(agent: AgentProcess) -> None:
    """Two incidents twelve days apart on the first GPU: its board is flagged."""
    agent.wait_for_gpus(2)
    agent.server.uncorrectable(0, echo=(1,))
    eventually(lambda: len(agent.gpu(0)["incidents"]) == 1, "the first incident")
    agent.server.advance(12 * DAY)
    eventually(lambda: agent.gpu(0)["exposure_seconds"] > 12 * DAY, "twelve days of service")
    agent.server.uncorrectable(0, echo=(1,))
    eventually(lambda: agent.api("flags")["flags"], "a flag")
    eventually(lambda: _age(agent) < 60.0, "every source has been heard since")


def _take_down(desk: Alerting, *agents: AgentProcess) -> None:
    """Both hosts are taken into maintenance and switched off, as for a swap."""
    for agent in agents:
        gpuwatch(agent, "maintenance begin", "host", "--for", "2h", "--reason", "swap")
    eventually(
        lambda: len(desk.prometheus.query('gpuwatch_maintenance{scope="host"} == 1')) == 2,
        "both are in maintenance",
    )
    for agent in agents:
        agent.stop()
        rmtree(agent.directory / "run")  # as a boot does


def test_a_flagged_board_in_another_host_is_one_ticket_that_names_both(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """It is taken out of its host and put into another, which never heard of it."""
    here, there = "node-1:9853", "node-2:9853"
    origin, other = make_server(gpus=2), make_server(gpus=2, first_serial=FIRST_SERIAL + 100)
    serial, neighbour = str(origin.get(0, "serial")), str(other.get(0, "serial"))
    with alerting(tmp_path / "alerting", [here, there], pace=PACE) as desk:
        with _agents(tmp_path, origin, other) as (one, two):
            _flag(one)
            two.wait_for_gpus(2)
            desk.hosts.agent(here, one.port)
            desk.hosts.agent(there, two.port)
            desk.receiver.arrived(TICKETS, code="rising-uncorrectable-trend")
            gpuwatch(one, "flags start", "1", "--reason", "the window is open")
            _take_down(desk, one, two)
        origin.carry(0, other, 1)
        origin.reboot()
        other.reboot()
        with _agents(tmp_path, origin, other) as (one, two):
            desk.hosts.agent(here, one.port)
            desk.hosts.agent(there, two.port)
            ticket = desk.receiver.arrived(TICKETS, code="flagged-board-elsewhere")
            time.sleep(QUIET_SECONDS)

    assert told(desk, TICKETS) == {
        (here, "rising-uncorrectable-trend", serial): 1,
        (here, "row-remap-pending-long", serial): 1,
        (there, "flagged-board-elsewhere", serial): 1,
    }
    assert sent(desk) == (0, 3)
    assert ticket.annotations["summary"] == f"GPU 1 on {there}: a board that was flagged on {here}"
    assert f"serial {serial}" in ticket.annotations["description"]
    assert neighbour not in json.dumps(dict(ticket.annotations))
    assert {host for host, _, _ in noted(desk)} <= {here}
