"""The life of a board from its first error to a closed flag, and what is handed to its vendor."""

import csv
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from tests.support.agents import DAY, AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import QUICK, gpuwatch

BAD, PEERS = 2, (0, 1, 3)
HOUR = 3600.0
LOAD_MILLIWATTS = 650_000
NAME = "gpu-node-17"
OPTIONS: dict[str, Any] = {
    "options": [*QUICK, f"agent.hostname={NAME}", "host.site=ams1"],
    "max_gap_seconds": 13 * DAY,
}


def _told(agent: AgentProcess, *words: str) -> str:
    """What a command says that must succeed."""
    done = gpuwatch(agent, *words)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return str(done.stdout)


def _in_state(agent: AgentProcess, state: str) -> Any:  # noqa: ANN401 - JSON
    """The flag, once it is in that state."""
    return eventually(
        lambda: next((one for one in agent.api("flags")["flags"] if one["state"] == state), None),
        state,
    )


def _fail(agent: AgentProcess, incidents: int) -> float:
    """An uncorrectable error with its echoes; the server's clock when it happened."""
    at = agent.server.clock.now().wall
    agent.server.uncorrectable(BAD, echo=PEERS)
    eventually(lambda: len(agent.gpu(BAD)["incidents"]) == incidents, "the incident")
    eventually(lambda: sum(agent.gpu(BAD)["errors"].values()) == incidents, "it is counted")
    return float(at)


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


def _unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
        return folder / tar.getnames()[0].partition("/")[0]


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_evidence_of_a_whole_life_tells_what_was_injected(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """First error, incident, flag, window, work, swap, acceptance, closed: one archive of it."""
    server = make_server(gpus=4)
    flagged, uuid = str(server.get(BAD, "serial")), str(server.get(BAD, "uuid"))
    diagnostic = tmp_path / "fieldiag.log"
    diagnostic.write_text(f"on {NAME}: Final Result: PASS\n")
    whole, redacted = tmp_path / "whole.tar.gz", tmp_path / "redacted.tar.gz"
    with running(server, tmp_path / "agent", **OPTIONS) as agent:
        agent.wait_for_gpus(4)
        first = _fail(agent, 1)
        server.advance(12 * DAY)
        eventually(lambda: agent.gpu(BAD)["exposure_seconds"] > 12 * DAY, "twelve days of service")
        second = _fail(agent, 2)
        window = _in_state(agent, "open")["window_name"]
        _told(agent, "flags schedule", "1", "--window", window, "--reason", "the part is ordered")
        _told(agent, "flags start", "1", "--reason", "the window is open")
        agent.stop()
    successor = server.swap(BAD)
    server.reboot()
    with running(server, tmp_path / "agent", **OPTIONS) as agent:
        agent.wait_for_gpus(4)
        _in_state(agent, "verifying")
        eventually(lambda: agent.gpu(BAD)["acceptance"], "what came in is tried")
        _told(
            agent, "boards accept", successor, "--diagnostic", str(diagnostic), "--result", "passed"
        )
        _work(agent, 4.5)
        _in_state(agent, "closed")
        _told(agent, "evidence", "1", "--output", str(whole))
        _told(agent, "evidence", "1", "--redact", "--output", str(redacted))

    folder = _unpacked(whole, tmp_path / "w")
    hidden = _unpacked(redacted, tmp_path / "r")
    incidents = _rows(folder / "incidents.csv")
    opened = {row["incident"]: float(row["opened_at_unix_seconds"]) for row in incidents}
    counters = _rows(folder / "counters.csv")
    aggregate = [
        row["value"]
        for row in counters
        if row["signal"] == "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total"
    ]
    text = "".join(path.read_text() + path.name for path in hidden.rglob("*") if path.is_file())
    assert (_checked(folder), _checked(hidden), _identity(folder)) == (0, 0, (flagged, uuid))
    assert list(opened) == ["1", "2"]
    assert all(
        abs(told - done) < 60 for told, done in zip(opened.values(), (first, second), strict=True)
    )
    assert {row["incident_memory"] for row in incidents} == {"dram"}
    assert {"ecc", "xid_48"} <= _signals(incidents, "owner")
    assert _signals(incidents, "echo") == {"xid_94"}
    assert aggregate == ["0", "1", "2"]
    assert {row["code"] for row in _rows(folder / "xids.csv")} >= {"48", "63", "94"}
    assert {row["what"] for row in counters} == {"value", "driver_epoch", "reset"}
    assert _rows(folder / "readings.csv")
    assert len(list((folder / "captures").glob("*-incident-*.json"))) == 2
    assert "pid=4242, name=python3" in (folder / "kernel.log").read_text()
    assert [row["action"] for row in _rows(folder / "audit.csv")] == [
        "flag-raised",
        "flag-scheduled",
        "flag-started",
        "flag-board-changed",
        "diagnostic-attached",
        "flag-accepted",
    ]
    assert "Final Result: PASS" in (folder / "diagnostic.json").read_text()
    assert [name for name in (NAME, "ams1", successor, "python3") if name in text] == []
    assert [name for name in (flagged, uuid, "on host-1: Final Result") if name not in text] == []


def _identity(folder: Path) -> tuple[str, str]:
    manifest = json.loads((folder / "manifest.json").read_text())
    return manifest["serial"], manifest["uuid"]


def _signals(incidents: list[dict[str, str]], role: str) -> set[str]:
    return {row["signal"] for row in incidents if row["role"] == role}


def _checked(folder: Path) -> int:
    """What coreutils say of it."""
    command = ["/usr/bin/sha256sum", "--quiet", "--strict", "-c", "MANIFEST.sha256"]
    return subprocess.run(command, cwd=folder, check=False).returncode
