"""The driver let go of: what others do meanwhile, what is told, and how it ends."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.agents import ROOT, AgentProcess, clean_environment, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import (
    EVERYBODY,
    QUICK,
    codes,
    finding,
    gpuwatch,
    run,
    simulate,
    source,
    verdicts,
)


def _all_are_read(agent: AgentProcess) -> None:
    eventually(
        lambda: source(agent)["up"] and verdicts(agent) == {"healthy": EVERYBODY},
        "eight GPUs are well",
    )


def test_a_reset_succeeds_under_release_only(make_server: MakeServer, tmp_path: Path) -> None:
    """The agent is the client in the way: it steps aside, and takes up again afterwards."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        server.set(2, "ecc.uncorrected.volatile.dram", 7)
        reset = simulate(server, "reset", "2")

        plain = run(reset)
        counted = server.get(2, "ecc.uncorrected.volatile.dram")
        released = gpuwatch(agent, "release", "--reason", "reset 2", "--", *reset)
        _all_are_read(agent)
        held_again = run(reset)

        assert plain.returncode == 1
        assert "In use by another client" in plain.stderr
        assert counted == "7"
        assert (released.returncode, released.stderr) == (0, "")
        assert server.get(2, "ecc.uncorrected.volatile.dram") in {None, "0"}
        assert held_again.returncode == 1
        audited = [(each["action"], each["reason"]) for each in agent.events("audit")]
        assert audited == [("release", "reset 2"), ("resume", "")]


def test_the_status_of_the_command_is_the_releases(make_server: MakeServer, tmp_path: Path) -> None:
    """As a shell has it: its own, 127 for none, 128 and the signal's number; resumed each time."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)

        status = {
            what: gpuwatch(agent, "release", "--", *command).returncode
            for what, command in {
                "failed": (sys.executable, "-c", "raise SystemExit(5)"),
                "absent": ("gpuwatch-has-no-such-command",),
                "killed": (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"),
            }.items()
        }
        _all_are_read(agent)
        nothing = gpuwatch(agent, "resume")

        assert status == {"failed": 5, "absent": 127, "killed": 137}
        assert (nothing.returncode, nothing.stdout) == (0, "nothing was released\n")
        assert not source(agent)["released"]


def test_a_release_is_taken_back_while_a_child_still_hangs(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Who is interrupted meanwhile takes it back; else nobody would watch until its end."""
    server = make_server()
    with running(server, tmp_path / "agent", options=(*QUICK, "nvml.end_grace=1m")) as agent:
        agent.wait_for_gpus(8)
        server.hang(None, "nvmlShutdown")
        words = ("release", "--socket", str(agent.control_socket), "--", "true")

        with subprocess.Popen(
            [sys.executable, "-m", "gpuwatch", *words],
            env=clean_environment() | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL,
        ) as asking:
            eventually(lambda: agent.events("nvml-released"), "it is being let go of")
            asking.terminate()
            asking.wait(60.0)
        taken_back = [each["action"] for each in agent.events("audit")]

        assert taken_back == ["release", "resume"]
        eventually(lambda: agent.events("nvml-resumed"), "it is taken up")
        _all_are_read(agent)


def test_a_release_is_told_pages_nobody_and_expires(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The verdicts are unknown, the reason stands everywhere; what happens meanwhile waits."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        server.remap_failure(6)
        paged = eventually(lambda: finding(agent, "row-remap-failed", 6), "a page is due")
        begun = gpuwatch(agent, "release", "--for", "8s", "--reason", "firmware", "--json")
        eventually(lambda: agent.gpu(0)["verdict"] == "unknown", "nobody is called healthy")
        clients = server.clients()
        server.lose(4, vanish=True)
        metric = agent.metric("gpuwatch_source_released", source="nvml")
        pages = agent.metric("gpuwatch_gpu_finding", urgency="page")
        ready = json.loads(agent.get("/readyz"))
        status, page = gpuwatch(agent, "status"), agent.get("/")
        told, host = verdicts(agent), codes(agent)
        waiting = finding(agent, "row-remap-failed", 6)
        server.restore(4)
        eventually(lambda: not source(agent)["released"], "the release is over by itself")
        agent.logged("release-over")
        eventually(lambda: verdicts(agent).get("healthy") == EVERYBODY - {6}, "they are read again")
        again = finding(agent, "row-remap-failed", 6)

        assert json.loads(begun.stdout)["released_until"] > 0
        assert clients == ()
        assert list(metric.values()) == [1.0]
        assert pages == {}
        assert (paged["route"], waiting["route"], again["route"]) == ("page", "info", "page")
        assert ready["ready"]
        assert "firmware" in str(ready["sources"])
        assert status.returncode == 1  # a failed remap wants a person, released or not
        assert "nvml: released: firmware" in status.stdout.replace("\n", " ")
        assert "firmware" in page
        assert told == {"unknown": EVERYBODY - {6}, "drain_now": frozenset({6})}
        assert host == []
        assert finding(agent, "off-the-bus", 4) is None


def test_an_agent_that_restarts_keeps_to_a_release(make_server: MakeServer, tmp_path: Path) -> None:
    """It does not take the driver up under an upgrade; `resume` still ends it."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        gpuwatch(agent, "release", "--for", "10m", "--reason", "driver upgrade")
        agent.kill()

    with running(server, tmp_path / "agent", options=QUICK) as agent:
        kept = eventually(lambda: source(agent)["released"] and source(agent), "it is released")
        clients = server.clients()
        gpuwatch(agent, "resume")
        agent.wait_for_gpus(8)
        agent.kill()

    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)

    assert kept["released_reason"] == "driver upgrade"
    assert clients == ()


def test_a_maintenance_may_ask_for_the_driver(make_server: MakeServer, tmp_path: Path) -> None:
    """When begin returns the driver is free; when it ends the GPUs are asked again."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        begun = gpuwatch(
            agent, "maintenance begin", "host", "--for", "2h", "--reason", "swap", "--release"
        )
        clients, reset = server.clients(), run(simulate(server, "reset", "2"))
        listed, status = gpuwatch(agent, "maintenance list"), gpuwatch(agent, "status")
        metric = agent.metric("gpuwatch_maintenance", scope="host")
        identity = begun.stdout.split()[0]
        ended = gpuwatch(agent, "maintenance end", identity)
        _all_are_read(agent)
        over = agent.metric("gpuwatch_maintenance", scope="host")
        unknown = gpuwatch(agent, "maintenance end", identity)

        assert (begun.returncode, clients, reset.returncode) == (0, (), 0)
        assert identity in listed.stdout
        assert (status.returncode, ended.returncode) == (3, 0)
        assert "maintenance of host until" in status.stdout
        assert (list(metric.values()), list(over.values())) == ([1.0], [0.0])
        assert unknown.returncode == 2
