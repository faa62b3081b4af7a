"""Memory that runs out takes a child and not the agent."""

import os
import signal
from pathlib import Path

from tests.support.agents import eventually, running
from tests.support.processes import children_of
from tests.support.server import MakeServer


def _score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_the_kernel_would_end_a_child_first_and_the_agent_starts_another(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """What the kernel does to the largest score when memory is short, done to the child here."""
    with running(make_server(gpus=1), tmp_path) as agent:
        agent.wait_for_gpus(1)
        own = _score(agent.process.pid)
        scores = [_score(child.pid) for child in children_of(agent.process.pid) if child.program]
        probe = next(
            child
            for child in children_of(agent.process.pid)
            if child.program == "gpuwatch.sources.nvml"
        )
        os.kill(probe.pid, signal.SIGKILL)
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
    assert len(scores) == 2
    assert min(scores) > own
