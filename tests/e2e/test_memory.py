"""Memory that runs out takes a child and not the agent."""

import os
import signal
from pathlib import Path
from typing import Any

from tests.support.agents import AgentProcess, eventually, running
from tests.support.processes import address_space, bound_memory, children_of, memory_bytes
from tests.support.server import MakeServer

TEMPERATURE = "gpuwatch_gpu_temperature_celsius"
SPARE_BYTES = 256 << 20
GROWTH_BYTES = 8 << 20


def _score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def _probe(pid: int) -> int:
    return next(child.pid for child in children_of(pid) if child.program == "gpuwatch.sources.nvml")


def _nvml(agent: AgentProcess) -> dict[str, Any]:
    sources: list[dict[str, Any]] = agent.api("status")["sources"]
    return next(one for one in sources if one["name"] == "nvml")


def test_the_kernel_would_end_a_child_first_and_the_agent_starts_another(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """What the kernel does to the largest score when memory is short, done to the child here."""
    with running(make_server(gpus=1), tmp_path) as agent:
        agent.wait_for_gpus(1)
        own = _score(agent.process.pid)
        scores = [_score(child.pid) for child in children_of(agent.process.pid) if child.program]
        os.kill(_probe(agent.process.pid), signal.SIGKILL)
        died = agent.logged("probe-died")
        eventually(
            lambda: (
                agent.metric("gpuwatch_source_restarts_total", source="nvml")
                == {'{source="nvml"}': 1.0}
            ),
            "another child was started",
        )
        agent.wait_for_gpus(1)
        alive = agent.process.poll()

    assert alive is None
    assert "for memory" in died["reason"]
    assert len(scores) == 2
    assert min(scores) > own


def test_a_child_that_grows_to_its_limit_ends_alone_and_its_gpus_are_gaps(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The library takes memory at every sweep; the limit is the kernel's, for child after child."""
    server = make_server(gpus=2)
    with running(server, tmp_path) as agent:
        agent.wait_for_gpus(2)
        pid = agent.process.pid
        bound_memory(pid, address_space(pid) + SPARE_BYTES)
        before = memory_bytes(pid)
        server.grow(1, "nvmlDeviceGetTemperature", 512)
        os.kill(_probe(pid), signal.SIGTERM)  # what runs has no bound, its successors do
        died = eventually(
            lambda: [line for line in agent.events("probe-died") if "SIGABRT" in line["reason"]],
            "children grow to their bound",
        )
        gap = eventually(
            lambda: agent.gpu(0)["readings"][TEMPERATURE].get("gap"), "nothing is read any more"
        )
        problem = eventually(lambda: _nvml(agent)["problem"], "the source tells why")
        after = memory_bytes(pid)
        server.unhang(1)
        agent.wait_for_gpus(2)
        eventually(lambda: "value" in agent.gpu(1)["readings"][TEMPERATURE], "it is read again")
        alive = agent.process.poll()

    assert alive is None
    assert died
    assert gap
    assert "SIGABRT" in problem
    assert (after or 0) - (before or 0) < GROWTH_BYTES
