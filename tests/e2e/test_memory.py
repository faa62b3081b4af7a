"""Memory that runs out takes a child and not the agent."""

import os
import signal
from pathlib import Path

from tests.support.agents import eventually, running
from tests.support.processes import children_of, memory_bytes
from tests.support.server import MakeServer

TEMPERATURE = "gpuwatch_gpu_temperature_celsius"
GROWTH_MEBIBYTES = 16 << 10  # more than any child may have
FLAT_BYTES = 8 << 20


def _score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def _probe(pid: int) -> int:
    return next(child.pid for child in children_of(pid) if child.program == "gpuwatch.sources.nvml")


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


def test_a_child_that_grows_to_its_limit_ends_alone_and_its_gpu_is_set_apart(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The library takes memory whenever it is asked of one GPU, child after child; others go on."""
    server = make_server(gpus=2)
    with running(server, tmp_path) as agent:
        agent.wait_for_gpus(2)
        eventually(lambda: len(agent.metric(TEMPERATURE)) == 2, "both have been read")
        pid = agent.process.pid
        before = memory_bytes(pid)
        server.grow(1, "nvmlDeviceGetTemperature", GROWTH_MEBIBYTES)
        eventually(
            lambda: [line for line in agent.events("probe-died") if "SIGABRT" in line["reason"]],
            "children grow to their bound",
        )
        apart = eventually(lambda: agent.gpu(1)["set_apart"], "the GPU is set apart")
        eventually(lambda: len(agent.metric(TEMPERATURE)) == 1, "one GPU tells nothing more")
        (told,) = agent.metric(TEMPERATURE)
        after = memory_bytes(pid)
        alive = agent.process.poll()

    assert alive is None
    assert "nvmlDeviceGetTemperature" in apart
    assert 'gpu="0"' in told
    assert (after or 0) - (before or 0) < FLAT_BYTES
