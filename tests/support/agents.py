"""Agents for tests: the real product as a process, on a simulated server, asked over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from simulator.world import Server

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 60.0
DAY = 86_400.0
WINDOW = '[[windows]]\nname = "sunday"\ncron = "0 2 * * sun"\nduration = "4h"\nzone = "UTC"\n'
_Got = TypeVar("_Got")
_Agent = TypeVar("_Agent", bound="Agent")


def eventually(
    look: Callable[[], _Got], what: str, within_seconds: float = PATIENCE_SECONDS
) -> _Got:
    """What `look` returns once it is truthy. Fails with `what` and the last look otherwise."""
    deadline = time.monotonic() + within_seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_seconds:g} s: {what}; last seen: {seen!r}")
        time.sleep(0.05)


def clean_environment() -> dict[str, str]:
    """This process's environment without what steers tests: an agent refuses what it knows not."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GPUWATCH_")}


class Agent:
    """A process that is an agent. `directory` keeps its state: another may go on after it.

    `wait` is whether to wait until it listens.
    """

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], directory: Path, *, wait: bool
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.log_path = directory / "agent.log"
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=clean_environment() | environment,
                stdin=subprocess.DEVNULL,
                stderr=log,
                stdout=log,
            )
        self._port: int | None = None
        if wait:
            self._port = self.port

    @property
    def port(self) -> int:
        """The port it listens on, waiting for that."""
        if self._port is None:
            self._port = int(self.logged("started")["ports"][0])
        return self._port

    @property
    def control_socket(self) -> Path:
        """Where the agent listens for the command line."""
        return self.directory / "run" / "control.sock"

    def log(self) -> str:
        """What this process has logged."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's events of one name."""
        wanted = f'"event": "{name}"'
        lines = self.log().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and wanted in line]

    def logged(self, name: str, within_seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The first event of one name, waiting for it."""

        def look() -> list[dict[str, Any]]:
            if self.process.poll() is not None:
                raise AssertionError(f"the agent ended ({self.process.returncode}): {self.log()}")
            return self.events(name)

        return eventually(look, f"log event {name}", within_seconds)[0]

    def get(self, path: str) -> str:
        """The body of one page."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    def api(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """One document of the API."""
        return json.loads(self.get(f"/api/v1/{path}"))

    def gpus(self) -> dict[str, Any]:
        """Every GPU's document by its slot's PCI address."""
        return {gpu["pci_address"]: gpu for gpu in self.api("gpus")["gpus"]}

    def metric(self, name: str, **labels: str) -> dict[str, float]:
        """Samples of one metric whose labels contain `labels`, keyed by their label text."""
        found = {}
        for line in self.get("/metrics").splitlines():
            if match := re.fullmatch(rf"{name}(\{{.*\}})? (\S+)", line):
                text = match[1] or ""
                if all(f'{key}="{value}"' in text for key, value in labels.items()):
                    found[text] = float(match[2])
        return found

    def wait_for_gpus(self, count: int) -> None:
        """Wait until that many GPUs have answered."""
        eventually(
            lambda: sum(gpu["fresh"] for gpu in self.gpus().values()) == count,
            f"{count} GPUs answer",
        )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self, within_seconds: float = PATIENCE_SECONDS) -> int:
        """End it with SIGTERM; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(within_seconds)

    def kill(self) -> None:
        """End it as a power failure does."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)


class AgentProcess(Agent):
    """An agent on a simulated server."""

    def __init__(
        self,
        server: Server,
        directory: Path,
        *,
        options: Sequence[str] = (),
        max_gap_seconds: float = 120.0,
        pace_seconds: float = 0.0,
        environment: dict[str, str] | None = None,
        wait: bool = True,
    ) -> None:
        self.server = server
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "gpuwatch.toml"
        if not config.exists():
            config.write_text(WINDOW)
        command = [
            sys.executable,
            "-m",
            "tests.support.warped_agent",
            str(server.directory),
            str(max_gap_seconds),
            str(pace_seconds),
            f"agent.state_directory={directory}/state",
            f"agent.runtime_directory={directory}/run",
            'web.listen_addresses=["127.0.0.1:0"]',
            f"nvml.sysfs={server.sysfs}",
            f"nvml.proc={server.proc}",
            f"kernel_log.path={server.kmsg}",
            "kernel_log.pstore_directories=[]",
            "nvml.fast=2s",
            "nvml.slow=2s",
            "nvml.rare=4s",
            "log.format=json",
            "log.level=debug",
            *options,
        ]
        here = {**server.environment(), "PYTHONPATH": str(ROOT), "GPUWATCH_CONFIG": str(config)}
        super().__init__(command, here | (environment or {}), directory, wait=wait)

    def gpu(self, slot: int) -> Any:  # noqa: ANN401 - JSON
        """The document of the GPU in one slot of the server."""
        return self.gpus()[str(self.server.get(slot, "pci"))]


@contextmanager
def running(server: Server, directory: Path, **settings: Any) -> Iterator[AgentProcess]:  # noqa: ANN401
    """An agent that is ended whatever happens."""
    with ended(AgentProcess(server, directory, **settings)) as agent:
        yield agent


@contextmanager
def ended(agent: _Agent) -> Iterator[_Agent]:
    """The agent, which is ended whatever happens."""
    try:
        yield agent
    finally:
        if agent.process.poll() is None:
            agent.process.terminate()
            try:
                agent.process.wait(10)
            except subprocess.TimeoutExpired:
                agent.kill()
