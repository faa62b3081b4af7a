"""The life of a flag on the real agent: who takes it up is not paged, and who did what is kept."""

import json
import os
import time
from pathlib import Path
from typing import Any

from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import QUICK, finding, gpuwatch

FAILED = "row-remap-failed"


def _flag(agent: AgentProcess) -> Any:  # noqa: ANN401 - JSON
    """The only flag."""
    (flag,) = agent.api("flags")["flags"]
    return flag


def _series(agent: AgentProcess, name: str) -> list[float]:
    return list(agent.metric(f"gpuwatch_gpu_flag_{name}", code=FAILED).values())


def _pages(agent: AgentProcess) -> int:
    return len(agent.metric("gpuwatch_gpu_finding", code=FAILED, urgency="page"))


def _offline(agent: AgentProcess) -> str:
    """Settings by which commands find what the agent left."""
    file = agent.directory / "offline.toml"
    file.write_text(f'[agent]\nstate_directory = "{agent.directory}/state"\n')
    return str(file)


def test_who_takes_a_flag_up_is_not_paged_any_more(make_server: MakeServer, tmp_path: Path) -> None:
    """Acknowledged by this user, who stands in the audit log; a restart keeps all of it."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(2)
        server.remap_failure(1)
        eventually(lambda: agent.api("flags")["flags"], "a flag")
        before = (_pages(agent), _series(agent, "acknowledged"), _flag(agent)["window_name"])

        told = gpuwatch(agent, "flags ack", "1", "--reason", "the part is ordered")
        after = (_pages(agent), _series(agent, "acknowledged"), _series(agent, "scheduled"))
        again = gpuwatch(agent, "flags ack", "1")
        kept, verdict = _flag(agent), agent.gpu(1)["verdict"]
        route = finding(agent, FAILED, 1)["route"]
        lines = {line["number"]: line for line in agent.events("audit")}
        agent.stop()

    with running(server, tmp_path / "agent", options=QUICK) as restarted:
        restarted.wait_for_gpus(2)
        eventually(lambda: finding(restarted, FAILED, 1), "the finding is known again")
        restored, pages = _flag(restarted), _pages(restarted)

    seen = kept["audit"][-1]
    assert (before, after) == ((1, [0.0], "sunday"), (0, [1.0], [1.0]))
    assert (told.returncode, told.stdout.startswith(f"flag 1: {FAILED} of ")) == (0, True)
    assert (again.returncode, "is open and acknowledged by" in again.stderr) == (1, True)
    assert (verdict, route) == ("drain_now", "info")
    assert (seen["action"], seen["reason"]) == ("flag-acknowledged", "the part is ordered")
    assert seen["actor"].startswith(f"uid {os.getuid()} (")
    assert kept["acknowledged_by"] == seen["actor"]
    assert [record["actor"] for record in kept["audit"][:-1]] == ["gpuwatch"]
    assert lines[seen["number"]]["after"] == seen["after"]
    assert sorted(lines) == [record["number"] for record in kept["audit"]]
    assert (restored, pages) == (kept, 0)


def test_a_flag_is_worked_on_from_the_command_line(make_server: MakeServer, tmp_path: Path) -> None:
    """Snoozed until it pages again, scheduled, written on, taken in hands, done: all recorded."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(2)
        server.remap_failure(1)
        eventually(lambda: agent.api("flags")["flags"], "a flag")
        planned = _flag(agent)

        snoozed = gpuwatch(agent, "flags snooze", "1", "--for", "12h", "--json")
        during = (_pages(agent), _series(agent, "snoozed"))
        server.advance(12 * 3600.0)
        eventually(lambda: _pages(agent) == 1, "the snooze ends by itself")
        nowhere = gpuwatch(agent, "flags schedule", "1", "--window", "monday")
        pinned = gpuwatch(agent, "flags schedule", "1", "--window", "sunday")
        chosen = (_pages(agent), _flag(agent)["pinned"])
        gpuwatch(agent, "flags set", "1", "--disposition", "rma", "--vendor-case", "C-7")
        early = gpuwatch(agent, "flags done", "1", "--outcome", "refused", "--reason", "no")
        gpuwatch(agent, "flags start", "1")
        late = gpuwatch(agent, "flags dismiss", "1", "--reason", "no")
        ended = gpuwatch(agent, "flags done", "1", "--outcome", "refused", "--reason", "no part")
        silent = finding(agent, FAILED, 1)
        flag = _flag(agent)
        log = json.loads(gpuwatch(agent, "audit", "--subject", "flag 1", "--json").stdout)["audit"]
        agent.stop()
        config = _offline(agent)
        remembered = gpuwatch(agent, "flags show", "1", "--json", "--config", config)
        offline = gpuwatch(agent, "audit", "--json", "--config", config)
        refused = gpuwatch(agent, "flags set", "1", "--vendor-case", "C-8")

    until = json.loads(snoozed.stdout)["flag"]["snoozed_until"]
    assert (planned["window_name"], until > time.strftime("%Y")) == ("sunday", True)
    assert during == (0, [1.0])
    assert (nowhere.returncode, "is not coming" in nowhere.stderr) == (2, True)
    assert (pinned.returncode, chosen) == (0, (0, True))
    assert (early.returncode, "is open: it cannot be done" in early.stderr) == (1, True)
    assert (late.returncode, "is in hands: it cannot be dismissed" in late.stderr) == (1, True)
    assert "possible now: swap the board" in late.stderr
    assert ended.returncode == 0
    assert silent is None
    assert (flag["state"], flag["outcome"]) == ("closed", "refused")
    assert [record["action"] for record in log if record["actor"] != "gpuwatch"] == [
        *("flag-snoozed", "flag-scheduled", "flag-set", "flag-started", "flag-done"),
    ]
    assert json.loads(remembered.stdout)["flag"]["audit"] == log == flag["audit"]
    assert "this is what" in remembered.stderr
    assert json.loads(offline.stdout)["audit"] == log
    assert refused.returncode == 69
