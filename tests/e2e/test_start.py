"""What the journal says when the agent starts, cannot start, or cannot write its history."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.agents import DAY, AgentProcess, eventually, running
from tests.support.server import MakeServer


def test_the_journal_says_what_started(make_server: MakeServer, tmp_path: Path) -> None:
    """Which version, with which settings, on which history: the first question of a post-mortem."""
    with running(make_server(gpus=1), tmp_path / "agent") as agent:
        started = agent.logged("started")

    assert started["version"]
    assert started["config"]
    assert started["history"] == str(tmp_path / "agent/state/history.db")


def test_a_folder_that_cannot_be_made_is_named_with_its_setting(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Not an errno alone, and status 69."""
    options = ("agent.runtime_directory=/proc/gpuwatch",)
    agent = AgentProcess(make_server(gpus=1), tmp_path / "agent", options=options, wait=False)

    status = agent.process.wait(60.0)

    assert status == 69
    assert "agent.runtime_directory /proc/gpuwatch cannot be used: " in agent.log()


def test_a_maintenance_lasts_by_the_clock_of_the_agent(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A server whose time runs otherwise can be worked on for an hour like any other."""
    server = make_server(gpus=1)
    words = ("maintenance", "begin", "host", "--for", "1h", "--reason", "swap", "--socket")
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(1)
        server.advance(30 * DAY)
        begun = subprocess.run(
            [sys.executable, "-m", "gpuwatch", *words, str(agent.control_socket)], check=False
        )
        held = eventually(lambda: agent.api("status")["maintenance"], "maintenance holds")

    assert begun.returncode == 0
    assert [work["reason"] for work in held] == ["swap"]


def test_a_history_that_cannot_be_written_is_told_in_the_journal(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The page is not open at night; the journal is shipped."""
    state = tmp_path / "agent" / "state"
    with running(make_server(gpus=1), tmp_path / "agent") as agent:
        agent.wait_for_gpus(1)
        shutil.rmtree(state)
        state.write_text("not a folder")
        agent.server.uncorrectable(0)
        degraded = agent.logged("history-degraded")
        eventually(lambda: agent.api("status")["degraded"], "the API tells too")

    assert degraded["level"] == "error"
    assert degraded["remedy"]
    assert degraded["path"] == str(state / "history.db")
