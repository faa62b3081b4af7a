"""Agents: a real one at any pace, on a simulated server of eight GPUs whose readings move."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.processes import family
from simulator.world import Server

ROOT = Path(__file__).parent.parent
GPUS = 8
_PATIENCE_SECONDS = 60.0
_COUNT = re.compile(
    r'^gpuwatch_source_poll_duration_seconds_count\{source="nvml"\} (\S+)$', re.MULTILINE
)
_FAMILY = 3  # the agent, the NVML probe, the kernel-log reader


class Agent:
    """A running agent with its children."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        self._port = ""

    @property
    def pids(self) -> tuple[int, ...]:
        """The agent, then its children."""
        return family(self.process.pid)

    @property
    def ports(self) -> tuple[int, ...]:
        """Where it listens."""
        found = re.search(r'"ports": \[([\d, ]+)\]', self._log.read_text())
        return tuple(int(port) for port in found[1].split(",")) if found else ()

    def sweeps(self) -> int:
        """How many sweeps of all GPUs it has made."""
        found = _COUNT.search(self._get("/metrics"))
        return int(float(found[1])) if found else 0

    def version(self) -> int:
        """How many snapshots it has published: one for each sweep at least."""
        found = re.search(r'"version": (\d+)', self._get("/api/v1/status"))
        return int(found[1]) if found else 0

    def wait(self, sweeps: int) -> None:
        """Wait until it has made so many sweeps and all its children run."""
        self._eventually(lambda: self.sweeps() >= sweeps and len(self.pids) == _FAMILY)

    def _get(self, path: str) -> str:
        if not self._port:
            found = re.search(r'"ports": \[(\d+)', self._log.read_text())
            self._port = found[1] if found else ""
        try:
            url = f"http://127.0.0.1:{self._port}{path}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except (ValueError, urllib.error.URLError):  # not there yet
            return ""

    def _eventually(self, look: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not look():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the agent did not get going:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.1)


@contextmanager
def simulated(directory: Path, *, burn_microseconds: int = 0) -> Iterator[Server]:
    """A server of eight GPUs whose library burns CPU for each call and each batched field."""
    server = Server.create(directory / "server", gpus=GPUS, lively=True)
    server.set_server("burn_call_us", burn_microseconds)
    server.set_server("burn_field_us", burn_microseconds)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def running(
    server: Server, *, fast_seconds: float, slow: str, rare: str, options: Sequence[str] = ()
) -> Iterator[Agent]:
    """An agent that has made its first sweeps, ended whatever happens."""
    home = server.directory.parent / "agent"
    home.mkdir()
    command = [
        sys.executable,
        "-m",
        "bench.driven",
        str(fast_seconds),
        f"agent.state_directory={home}/state",
        f"agent.runtime_directory={home}/run",
        'web.listen_addresses=["127.0.0.1:0"]',
        f"nvml.sysfs={server.sysfs}",
        f"nvml.proc={server.proc}",
        f"nvml.slow={slow}",
        f"nvml.rare={rare}",
        f"kernel_log.path={server.kmsg}",
        "kernel_log.pstore_directories=[]",
        "log.format=json",
        *options,
    ]
    path = home / "log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **server.environment()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    agent = Agent(process, path)
    try:
        agent.wait(1)
        yield agent
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
