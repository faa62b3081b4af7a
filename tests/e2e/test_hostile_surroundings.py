"""The agent among what it must not trust: files, counters, a locked database, threads that hang."""

import json
import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.support.agents import ROOT, Agent, ended, eventually, running
from tests.support.server import MakeServer

BAD = 2
HANGS = """
import sys, threading, time
from gpuwatch.agent import run
from gpuwatch.config.loading import load
threading.Thread(target=time.sleep, args=(3600,)).start()
sys.exit(run(load(options=sys.argv[1:])))
"""


def test_no_file_in_the_maintenance_directory_ends_the_watch(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """What cannot be taken is refused and said; the file that can be holds."""
    server = make_server()
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        works = agent.directory / "run" / "maintenance.d"
        works.mkdir(exist_ok=True)
        (works / "deep.json").write_text("[" * 16_000)
        (works / "long.json").write_text(f'{{"until": {"9" * 400}}}')
        (works / "half.json").write_text(r'{"until": 99999999999, "reason": "\ud800"}')
        (works / os.fsdecode(b"\xff.json")).write_text("{}")
        good = {"until": server.clock.now().wall + 3600, "reason": "a\nb <script> \ud800"}
        (works / "good.json").write_text(json.dumps(good))

        held = eventually(lambda: agent.api("status")["maintenance"], "the good one holds")
        server.uncorrectable(BAD)
        eventually(lambda: agent.gpu(BAD)["incidents"], "an error is seen after that")

        assert [(item["identity"], item["reason"]) for item in held] == [("good", "a b <script>")]
        assert "<script>" not in agent.get("/")
        refused = {event["file"] for event in agent.events("maintenance-file-refused")}
        assert {"deep.json", "long.json", "half.json"} < refused
        assert sum(agent.metric("gpuwatch_agent_failures_total").values()) == 0


def test_work_that_is_edited_to_need_the_driver_gets_it(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A file may ask for it later; an agent that starts meanwhile starts no child."""
    server, place = make_server(), tmp_path / "agent"
    with running(server, place) as agent:
        agent.wait_for_gpus(8)
        work = agent.directory / "run" / "maintenance.d" / "upgrade.json"
        work.parent.mkdir(exist_ok=True)
        until = server.clock.now().wall + 3600
        work.write_text(json.dumps({"until": until, "reason": "first"}))
        eventually(lambda: agent.api("status")["maintenance"], "the work is seen")
        work.write_text(json.dumps({"until": until, "reason": "then", "release": True}))
        eventually(
            lambda: agent.metric("gpuwatch_source_released", source="nvml").popitem()[1],
            "the driver is let go of",
        )
        agent.stop()

    with running(server, place) as agent:
        eventually(
            lambda: agent.metric("gpuwatch_source_released", source="nvml").popitem()[1],
            "the driver is let go of again",
        )
        assert agent.events("probe-started") == []
        work.unlink()
        agent.wait_for_gpus(8)


def test_a_locked_database_holds_the_end_up_for_a_moment_only(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Somebody repairs the file: the agent ends by itself, and in order."""
    server = make_server()
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        path = agent.directory / "state" / "history.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")

            status = agent.stop()

        assert status == 0
        assert agent.events("stopped")


def test_a_thread_that_hangs_does_not_hold_the_process(tmp_path: Path) -> None:
    """The interpreter would wait for it for ever; where it hangs is told, and nothing was lost."""
    options = (
        f"agent.state_directory={tmp_path}/state",
        f"agent.runtime_directory={tmp_path}/run",
        'web.listen_addresses=["127.0.0.1:0"]',
        "nvml.enabled=false",
        "kernel_log.enabled=false",
        "log.format=json",
    )
    command = [sys.executable, "-c", HANGS, *options]
    here = {"PYTHONPATH": str(ROOT), "GPUWATCH_CONFIG": "/dev/null"}
    with ended(Agent(command, here, tmp_path, wait=True)) as agent:
        began = time.monotonic()
        status = agent.stop()
        print(f"ended after {time.monotonic() - began:.1f} s")  # noqa: T201 - measured by hand

        assert status == 0
        assert agent.events("stopped")
        assert "left behind, because they hang" in agent.log()
        assert "threading.py" in agent.log()
