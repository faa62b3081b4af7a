"""Boards fall off, come back, move and are given away; each keeps its own name and series."""

from pathlib import Path

import pytest

from simulator.world import Server
from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import (
    EVERYBODY,
    QUICK,
    QUIET_SECONDS,
    codes,
    finding,
    gpuwatch,
    labelsets,
    verdicts,
    wait_for_judgement,
)

LOST = 3
OTHERS = EVERYBODY - {LOST}


def _uuids(server: Server) -> dict[int, str]:
    return {slot: str(server.get(slot, "uuid")) for slot in server.gpus()}


def _series(agent: AgentProcess) -> list[str]:
    """Names and labels of every series."""
    lines = agent.get("/metrics").splitlines()
    return [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]


def _value(agent: AgentProcess, metric: str, uuid: str) -> list[float]:
    return list(agent.metric(metric, uuid=uuid).values())


@pytest.mark.parametrize("vanish", [False, True])
def test_one_lost_gpu_changes_nothing_for_the_others(
    make_server: MakeServer, tmp_path: Path, *, vanish: bool
) -> None:
    """It is absent with its identity kept, and said to be; so is its return."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        eventually(lambda: verdicts(agent) == {"healthy": EVERYBODY}, "all are well")
        uuids, serial = _uuids(server), str(server.get(LOST, "serial"))
        before = {slot: labelsets(agent.get("/metrics"), uuids[slot]) for slot in OTHERS}

        server.lose(LOST, vanish=vanish)
        told = eventually(lambda: finding(agent, "off-the-bus", LOST), "it is told")
        scrape = agent.get("/metrics")
        after = {slot: labelsets(scrape, uuids[slot]) for slot in OTHERS}
        present = {slot: _value(agent, "gpuwatch_gpu_present", uuids[slot]) for slot in EVERYBODY}
        info = agent.metric("gpuwatch_gpu_info", uuid=uuids[LOST], serial=serial)
        meanwhile, page, status = verdicts(agent), agent.get("/"), gpuwatch(agent, "status")
        server.restore(LOST)
        eventually(lambda: verdicts(agent) == {"healthy": EVERYBODY}, "it is back")
        again = {slot: labelsets(agent.get("/metrics"), uuids[slot]) for slot in OTHERS}

        assert present == {slot: [float(slot != LOST)] for slot in EVERYBODY}
        assert len(info) == 1
        assert after == before
        assert again == before
        assert (told["urgency"], told["remedy"]) == ("page", "power_cycle")
        assert meanwhile == {"drain_now": frozenset({LOST}), "healthy": OTHERS}
        assert serial in page
        assert (status.returncode, "(absent)" in status.stdout) == (1, True)
        assert [each["serial"] for each in agent.events("board-lost")] == [serial]
        assert [each["serial"] for each in agent.events("board-returned")] == [serial]
        assert _value(agent, "gpuwatch_gpu_present", uuids[LOST]) == [1.0]


def test_no_two_boards_share_series_when_indices_shift(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The driver counts seven from 0 after a load without the first: names stay with boards."""
    server = make_server()
    with running(server, tmp_path / "agent", options=[*QUICK, "nvml.expected_gpus=8"]) as agent:
        agent.wait_for_gpus(8)
        uuids = _uuids(server)
        server.lose(0, vanish=True, silent=True)
        server.reload(force=True)
        eventually(lambda: agent.gpu(1)["index"] == 0, "the indices shift")
        eventually(lambda: not agent.gpu(0)["present"], "the first is gone")
        series = _series(agent)
        present = agent.metric("gpuwatch_gpu_present")
        infos = agent.metric("gpuwatch_gpu_info")
        by_index = gpuwatch(agent, "status", "0", "--json")
        server.advance(QUIET_SECONDS)
        fewer = eventually(lambda: finding(agent, "gpu-count"), "the count is told")

        assert len(series) == len(set(series))
        assert sorted(present.values()) == [0.0] + [1.0] * 7
        assert len(infos) == 8
        assert all(
            sum(f'uuid="{uuid}"' in label for label in infos) == 1 for uuid in uuids.values()
        )
        assert uuids[1] in by_index.stdout
        assert "7 GPUs answer where the configuration expects 8" in fewer["sentence"]


def test_a_gpu_given_to_a_virtual_machine_is_not_missing(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """It is another driver's, and the host has all the GPUs that it should have."""
    server = make_server()
    with running(server, tmp_path / "agent", options=[*QUICK, "nvml.expected_gpus=8"]) as agent:
        agent.wait_for_gpus(8)
        uuid = str(server.get(LOST, "uuid"))
        server.vfio(LOST)
        eventually(lambda: not agent.gpu(LOST)["managed"], "it is not ours any more")
        server.advance(QUIET_SECONDS)
        eventually(lambda: agent.gpu(0)["fresh"], "the others are read")
        wait_for_judgement(agent, times=4)
        host, mine, others = agent.api("status"), agent.gpu(LOST), verdicts(agent)
        managed = _value(agent, "gpuwatch_gpu_managed", uuid)
        present = _value(agent, "gpuwatch_gpu_present", uuid)
        status, page = gpuwatch(agent, "status"), agent.get("/")
        server.take_back(LOST)
        eventually(lambda: verdicts(agent) == {"healthy": EVERYBODY}, "it is taken back")

        assert (host["verdict"], host["findings"], mine["findings"]) == ("healthy", [], [])
        assert others == {"unknown": frozenset({LOST}), "healthy": OTHERS}
        assert (managed, present) == ([0.0], [])
        assert status.returncode == 0
        assert "another driver" in status.stdout
        assert "is held by another driver" in page
        (given,) = agent.events("gpu-not-managed")
        assert given["driver"] == "vfio-pci"
        assert _value(agent, "gpuwatch_gpu_managed", uuid) == [1.0]


def test_a_host_with_more_gpus_than_it_should_have(make_server: MakeServer, tmp_path: Path) -> None:
    """One finding of the host, for a window; the GPUs are blameless."""
    server = make_server()
    with running(server, tmp_path / "agent", options=[*QUICK, "nvml.expected_gpus=7"]) as agent:
        agent.wait_for_gpus(8)
        wait_for_judgement(agent)
        server.advance(QUIET_SECONDS)
        told = eventually(lambda: finding(agent, "gpu-count"), "the count is told")

        assert "8 GPUs answer where the configuration expects 7" in told["sentence"]
        assert (told["urgency"], codes(agent)) == ("window", ["gpu-count"])
        assert verdicts(agent) == {"healthy": EVERYBODY}


def test_boards_that_are_swapped_and_exchanged_keep_their_own_names(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A new board starts with nothing, one that moved takes its errors along."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        server.uncorrectable(2)
        server.uncorrectable(5)
        eventually(lambda: len(agent.gpu(2)["incidents"]) == 1, "board 2 has an incident")
        eventually(lambda: len(agent.gpu(5)["incidents"]) == 1, "board 5 has an incident")
        before = _uuids(server)
        agent.stop()
    server.swap(2)
    server.exchange(5, 6)
    server.reboot()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        after, series = _uuids(server), _series(agent)
        boards = {each["uuid"]: each for each in agent.api("gpus")["gpus"]}
        left = agent.events("board-left")
        moved = {each["uuid"] for each in agent.events("board-moved")}
        agent.stop()
    server.swap_baseboard()
    server.reboot()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        changed, left_alone = agent.events("platform-changed"), agent.events("board-left")
        new = [each["uuid"] for each in agent.api("gpus")["gpus"]]
        listed = gpuwatch(agent, "boards list", "--json")

    incidents = {uuid: len(board["incidents"]) for uuid, board in boards.items()}
    assert [each["uuid"] for each in left] == [before[2]]
    assert moved == {before[5], before[6]}
    assert (after[5], after[6]) == (before[6], before[5])
    assert incidents == {uuid: int(uuid == before[5]) for uuid in after.values()}
    assert len(series) == len(set(series))
    assert ([each["detail"][:12] for each in changed], left_alone) == (["8 boards out"], [])
    assert sorted(new) == sorted(_uuids(server).values())
    assert all(uuid in listed.stdout for uuid in (*before.values(), *new))
