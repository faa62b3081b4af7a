"""The whole story of one board, as people live it: from the first error to a closed flag."""

import getpass
import json
import os
import re
from pathlib import Path
from typing import Any

from tests.support.agents import DAY, AgentProcess, eventually, running
from tests.support.golden import assert_golden
from tests.support.server import MakeServer
from tests.support.watching import QUICK, gpuwatch

BAD, PEERS = 2, (0, 1, 3)
HOUR = 3600.0
LOAD_MILLIWATTS = 650_000
CADENCES: dict[str, Any] = {"options": QUICK, "max_gap_seconds": 13 * DAY}


def _flag(agent: AgentProcess) -> Any:  # noqa: ANN401 - JSON
    flags = agent.api("flags")["flags"]
    return flags[0] if flags else None


def _state(agent: AgentProcess, state: str) -> Any:  # noqa: ANN401 - JSON
    """The flag, once it is in that state."""
    return eventually(lambda: (flag := _flag(agent)) and flag["state"] == state and flag, state)


def _told(agent: AgentProcess, *words: str) -> str:
    """What a command says that must succeed."""
    done = gpuwatch(agent, *words)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return str(done.stdout)


def _degrade(agent: AgentProcess) -> Any:  # noqa: ANN401 - JSON
    """Two incidents twelve days apart, with a reset in between; the flag."""
    agent.wait_for_gpus(4)
    agent.server.uncorrectable(BAD, echo=PEERS)
    eventually(lambda: len(agent.gpu(BAD)["incidents"]) == 1, "the first incident")
    agent.server.advance(12 * DAY)
    eventually(lambda: agent.gpu(BAD)["exposure_seconds"] > 12 * DAY, "twelve days of service")
    agent.server.uncorrectable(BAD, echo=PEERS)
    return _state(agent, "open")


def _work(agent: AgentProcess, hours: float) -> None:
    """The board in the slot carries load for so long."""
    agent.server.set_power(BAD, LOAD_MILLIWATTS)
    eventually(lambda: _watts(agent) == LOAD_MILLIWATTS / 1000, "it carries load")
    before = agent.gpu(BAD)["exposure_seconds"]
    agent.server.advance(hours * HOUR)
    eventually(
        lambda: agent.gpu(BAD)["exposure_seconds"] >= before + hours * HOUR, "the hours pass"
    )


def _watts(agent: AgentProcess) -> float:
    reading = agent.gpu(BAD)["readings"].get("gpuwatch_gpu_power_watts", {})
    return float(reading.get("value", 0.0))


def _audit_log(agent: AgentProcess) -> str:
    """The audit log as people read it, in instants that do not change from run to run."""
    document = json.loads(_told(agent, "audit", "--json"))
    lines = [
        f"{record['number']} {record['actor']} {record['action']} {record['subject']}: "
        f"{record['reason']}\n  before: {record['before']}\n  after: {record['after']}\n"
        for record in document["audit"]
    ]
    text = "".join(lines).replace(f"uid {os.getuid()} ({getpass.getuser()})", "uid N (NAME)")
    return re.sub(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?", "DATE", text)


def test_the_audit_log_of_a_whole_story_is_golden(make_server: MakeServer, tmp_path: Path) -> None:
    """Degrade, flag, plan, acknowledge, start, swap, accept, closed."""
    server = make_server(gpus=4)
    report = tmp_path / "fieldiag.log"
    report.write_text("Final Result: PASS\n")
    with running(server, tmp_path / "agent", **CADENCES) as agent:
        raised = _degrade(agent)
        windows = json.loads(_told(agent, "windows", "--json"))
        why = " ".join(_told(agent, "explain", str(BAD)).split())
        _told(agent, "flags ack", "1", "--reason", "the part is ordered")
        _told(agent, "flags set", "1", "--vendor-case", "CASE-1731", "--disposition", "rma")
        acknowledged = _flag(agent)
        _told(agent, "flags start", "1", "--reason", "the window is open")
        agent.stop()
    serial = server.swap(BAD)
    server.reboot()
    with running(server, tmp_path / "agent", **CADENCES) as agent:
        agent.wait_for_gpus(4)
        verifying = _state(agent, "verifying")
        eventually(lambda: agent.gpu(BAD)["acceptance"], "what came in is tried")
        _work(agent, 2.0)
        eventually(lambda: "2.0 of 4 h" in _told(agent, "boards show", serial), "two hours")
        _told(agent, "boards accept", serial, "--diagnostic", str(report), "--result", "passed")
        _work(agent, 2.5)
        closed = _state(agent, "closed")
        eventually(lambda: agent.gpu(BAD)["verdict"] == "healthy", "the slot is healthy")
        host = agent.api("status")
        audit = _audit_log(agent)

    assert raised["code"] == "rising-uncorrectable-trend"
    assert "12 days apart" in raised["sentence"]
    assert raised["window_start"] in json.dumps(windows)
    assert "12 days apart" in why
    assert acknowledged["acknowledged_at"] is not None
    assert (verifying["successor_serial"], verifying["number"]) == (serial, raised["number"])
    assert closed["outcome"] == "accepted"
    assert (host["verdict"], host["findings"]) == ("healthy", [])
    assert_golden("story_audit.txt", audit)
