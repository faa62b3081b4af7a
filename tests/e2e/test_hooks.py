"""Hooks of a real agent: run at a real flag, and never able to hold the agent."""

import json
from pathlib import Path

from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer

BAD = 2


def _hooks(folder: Path) -> tuple[str, ...]:
    """One that writes down what it reads, and one that never ends."""
    folder.mkdir()
    keeps, hangs = folder / "keeps", folder / "hangs"
    keeps.write_text(f'#!/bin/sh\ncat >> "{folder}/seen"\n', encoding="utf-8")
    hangs.write_text("#!/bin/sh\nexec sleep 1000\n", encoding="utf-8")
    keeps.chmod(0o755)
    hangs.chmod(0o755)
    return (
        f'hooks.keeps.command=["{keeps}"]',
        f'hooks.hangs.command=["{hangs}"]',
        "hooks.hangs.timeout=3s",
    )


def _runs(agent: AgentProcess, hook: str, outcome: str) -> float:
    return sum(agent.metric("gpuwatch_hook_runs_total", hook=hook, outcome=outcome).values())


def test_a_hook_is_run_at_a_flag_and_one_that_hangs_delays_nothing(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A restart runs nothing again that succeeded."""
    server, seen = make_server(), tmp_path / "hooks" / "seen"
    options = _hooks(tmp_path / "hooks")
    with running(server, tmp_path / "agent", options=options) as agent:
        agent.wait_for_gpus(8)

        server.remap_failure(BAD)
        eventually(seen.exists, "the flag's hook")
        eventually(lambda: _runs(agent, "hangs", "timed_out"), "the end of the one that hangs")

        (document,) = [json.loads(line) for line in seen.read_text().splitlines()]
        assert document["transition"] == "raised"
        assert document["flag"]["serial"] == agent.gpu(BAD)["serial"]
        assert agent.metric("gpuwatch_hook_waiting", hook="hangs") != {}
        assert agent.events("hook-failed")[0]["hook"] == "hangs"
        assert agent.stop() == 0
    with running(server, tmp_path / "agent", options=options) as agent:
        eventually(lambda: _runs(agent, "hangs", "timed_out"), "the retry after the restart")

        assert len(seen.read_text().splitlines()) == 1
