"""Boards that are swapped: the flag follows, and what comes in proves itself or is refused."""

from pathlib import Path
from typing import Any

from simulator.world import Server
from tests.support.agents import DAY, AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import QUICK

BAD, PEER = 2, 5
HOUR = 3600.0
LOAD_MILLIWATTS = 650_000


def _flags(agent: AgentProcess) -> list[dict[str, Any]]:
    return list(agent.api("flags")["flags"])


def _flag_in(agent: AgentProcess, state: str) -> dict[str, Any]:
    """The flag that comes into that state."""
    return eventually(
        lambda: next((flag for flag in _flags(agent) if flag["state"] == state), {}),
        f"a flag is {state}",
    )


def _fail(agent: AgentProcess, slot: int = BAD) -> dict[str, Any]:
    """The remap of a row fails: one flag is raised at once."""
    agent.server.set(slot, "remap.failed", 1)
    return _flag_in(agent, "open")


def _pass_under_load(agent: AgentProcess, hours: float, *slots: int) -> None:
    """Let boards work for so long, in steps that are no blind gaps."""
    for slot in slots:
        agent.server.set_power(slot, LOAD_MILLIWATTS)
    eventually(
        lambda: all(_watts(agent, slot) == LOAD_MILLIWATTS / 1000 for slot in slots),
        "they carry load",
    )
    before = agent.gpu(slots[0])["exposure_seconds"]
    agent.server.advance(hours * HOUR)
    eventually(
        lambda: agent.gpu(slots[0])["exposure_seconds"] >= before + hours * HOUR, "hours pass"
    )


def _watts(agent: AgentProcess, slot: int) -> float:
    reading = agent.gpu(slot)["readings"].get("gpuwatch_gpu_power_watts", {})
    return float(reading.get("value", 0.0))


def _options(server: Server) -> dict[str, Any]:
    return {"options": QUICK, "max_gap_seconds": DAY, "environment": server.environment()}


def test_a_swap_that_nobody_announced_is_noticed_and_accepted(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Open, verifying, closed: the new board worked for four hours, unproven."""
    server = make_server()
    with running(server, tmp_path / "agent", **_options(server)) as agent:
        agent.wait_for_gpus(8)
        raised = _fail(agent)
        agent.stop()
    serial = server.swap(BAD)
    server.reboot()
    with running(server, tmp_path / "agent", **_options(server)) as agent:
        agent.wait_for_gpus(8)
        _flag_in(agent, "verifying")
        changed = agent.logged("flag-board-changed")
        _pass_under_load(agent, 1.0, BAD)
        agent.stop()
    with running(server, tmp_path / "agent", **_options(server)) as agent:
        agent.wait_for_gpus(8)
        _pass_under_load(agent, 2.5, BAD)
        still = [flag["state"] for flag in _flags(agent)]
        _pass_under_load(agent, 1.0, BAD)
        closed = _flag_in(agent, "closed")

    assert (changed["announced"], changed["successor"]) == (False, serial)
    assert still == ["verifying"]
    assert closed["number"] == raised["number"]
    assert closed["outcome"] == "accepted_unproven"
