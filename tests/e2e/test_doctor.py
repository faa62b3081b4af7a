"""The doctor at a real agent on a simulated server, while one thing after the other goes wrong."""

import json
from pathlib import Path
from typing import Any

from simulator.world import Server
from tests.support.agents import AgentProcess, eventually, running
from tests.support.commands import run
from tests.support.disk import fill, small_disk
from tests.support.server import MakeServer
from tests.support.watching import QUICK, source

OK, PROBLEM, UNKNOWN = "ok", "problem", "unknown"


def _settings(server: Server, folder: Path, state: Path) -> Path:
    """All in the file, so that the command reads what the agent reads; with a BMC that is dead."""
    secret = folder / "bmc.secret"
    secret.write_text("hunter2-needle\n")
    secret.chmod(0o600)
    path = folder / "gpuwatch.toml"
    path.write_text(
        f'[agent]\nstate_directory = "{state}"\nruntime_directory = "{folder}/run"\n'
        f'[nvml]\nsysfs = "{server.sysfs}"\nproc = "{server.proc}"\n'
        f'[kernel_log]\npath = "{server.kmsg}"\npstore_directories = []\n'
        '[web]\nlisten_addresses = ["127.0.0.1:0"]\n'
        '[bmc.dead]\nprotocol = "redfish"\naddress = "127.0.0.1:1"\nuser = "watch"\n'
        f'password_file = "{secret}"\ninterval = "5s"\n'
    )
    return path


class _Doctor:
    """Asks in the place of a person; `states` are those of the latest visit."""

    def __init__(self, server: Server, config: Path) -> None:
        self._server = server
        self._config = config
        self.found: dict[str, str] = {}
        self.status = 0

    def states(self, *names: str, **environment: str) -> dict[str, str]:
        """How the named checks stand now."""
        told = run(
            "doctor", "--json", "--config", str(self._config),
            environment={**self._server.environment(), **environment},
        )  # fmt: skip
        checks: list[dict[str, Any]] = json.loads(told.out)["checks"]
        self.found = {one["name"]: one["found"] for one in checks}
        self.status = told.status
        known = {one["name"]: str(one["state"]) for one in checks}
        return {name: known[name] for name in names}


def test_what_goes_wrong_stands_in_its_line(make_server: MakeServer, tmp_path: Path) -> None:
    """With an agent, and without one as far as can be told: disk, driver, library, BMC, log."""
    server = make_server(gpus=2)
    with small_disk(tmp_path / "disk", mebibytes=8) as disk:
        config = _settings(server, tmp_path, disk)
        doctor = _Doctor(server, config)
        with running(server, tmp_path, options=[*QUICK, f"agent.state_directory={disk}"]) as agent:
            agent.wait_for_gpus(2)
            well = _well(agent, doctor)
            agent.get("/metrics")
            agent.get("/metrics")
            full = _on_a_full_disk(agent, doctor, disk)
            server.unload(force=True)
            _until_said(agent, "no driver is loaded")
            server.uninstall_library()
            server.load()
            _until_said(agent, "libnvidia-ml")
            missing = doctor.states("driver", "library", "gpus")
            agent.stop()
        server.unload()
        alone = doctor.states("agent", "driver", "bmc.dead", "history", "kernel-log")
        why = doctor.found["agent"]
        server.install_library()
        server.load()
        config.write_text(config.read_text().replace(f'path = "{server.kmsg}"', 'path = "/none"'))
        asked = doctor.states("driver", "library", "gpus", "prometheus", "kernel-log")
        counted = doctor.found["gpus"]

    assert well == {
        "agent": OK, "driver": OK, "library": OK, "gpus": OK, "devices": OK, "kernel-log": OK,
        "history": OK, "disk": PROBLEM, "children": OK, "prometheus": UNKNOWN, "bmc.dead": PROBLEM,
    }  # fmt: skip
    assert full == {"history": PROBLEM, "prometheus": OK, "agent": OK}
    assert missing == {"driver": OK, "library": PROBLEM, "gpus": UNKNOWN}
    assert alone == {
        "agent": PROBLEM, "driver": PROBLEM, "bmc.dead": PROBLEM, "history": OK, "kernel-log": OK,
    }  # fmt: skip
    assert "no agent listens" in why
    assert asked == {
        "driver": OK, "library": OK, "gpus": OK, "prometheus": UNKNOWN, "kernel-log": PROBLEM,
    }  # fmt: skip
    assert counted == "2 GPUs, all answer"


def _well(agent: AgentProcess, doctor: _Doctor) -> dict[str, str]:
    eventually(lambda: agent.api("bmcs")["bmcs"][0]["trouble"], "the BMC is found dead")
    return doctor.states(
        "agent", "driver", "library", "gpus", "devices", "kernel-log", "history", "disk",
        "children", "prometheus", "bmc.dead",
    )  # fmt: skip


def _on_a_full_disk(agent: AgentProcess, doctor: _Doctor, disk: Path) -> dict[str, str]:
    filler = fill(disk)
    agent.server.uncorrectable(0, count=1)  # there is something to be written
    eventually(lambda: "disk-full" in agent.api("status")["degraded"], "the disk is full")
    told = doctor.states("history", "prometheus", "agent")
    filler.unlink()
    eventually(lambda: agent.api("status")["degraded"] == [], "it writes again")
    return told


def _until_said(agent: AgentProcess, words: str) -> None:
    """Until the agent's source of GPUs says so."""
    eventually(lambda: words in source(agent)["problem"], f"it says: {words}")
