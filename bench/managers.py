"""Managers: real agents that watch BMCs alone, as on a management host: memory, and a dead BMC.

python -m bench.managers
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.agents import ROOT
from bench.processes import cpu_seconds_with_ended, family, size
from bench.table import Row, Verdict, text
from simulator.bmc.process import PACKAGE, PROGRAM
from simulator.bmc.server import MONITOR, IpmiBmc

BMCS = 20
DEAD_SECONDS = 180.0
DEAD_PERCENT = 0.1
_MEBIBYTE = 1 << 20
_PATIENCE_SECONDS = 120.0
_SETTLE_SECONDS = 20.0
_FILE = """\
[agent]
state_directory = "{home}/state"
runtime_directory = "{home}/run"

[web]
listen_addresses = ["127.0.0.1:0"]

[nvml]
enabled = false

[kernel_log]
enabled = false

[log]
format = "json"
"""
_BMC = """
[bmc.{name}]
protocol = "ipmi"
address = "{address}"
user = "{user}"
password_file = "{home}/secret"
host = "{name}"
interval = "60s"
"""


def run() -> tuple[Row, ...]:
    """The rows of this part."""
    if shutil.which(PROGRAM) is None:
        what = f"missing: {PROGRAM} (apt-get install {PACKAGE})"
        return (Row(what, "not measured", verdict=Verdict.MISSED),)
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor() as pool:
        parts = [
            pool.submit(part, Path(place) / name)
            for name, part in (("many", management_host), ("dead", dead_bmc))
        ]
        return tuple(row for part in parts for row in part.result())


class Manager:
    """A running agent without GPUs."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._log = log

    def wait_for(self, name: str, value: float, number: int) -> None:
        """Wait until so many series of a metric have this value."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._count(name, value) < number:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"no {number} of {name} {value}: {self._log.read_text()[-2000:]}"
                )
            time.sleep(0.5)

    def _count(self, name: str, value: float) -> int:
        found = re.search(r'"ports": \[(\d+)', self._log.read_text())
        if found is None:
            return 0
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/metrics", timeout=10) as got:
                lines = got.read().decode().splitlines()
        except urllib.error.URLError:
            return 0
        return sum(line.startswith(name + "{") and line.endswith(f" {value}") for line in lines)


@contextmanager
def managing(home: Path, addresses: dict[str, str]) -> Iterator[Manager]:
    """An agent that watches these BMCs, by their names, and nothing else."""
    home.mkdir()
    secret = home / "secret"
    secret.touch(mode=0o600)
    secret.write_text(MONITOR.password)
    bmcs = (
        _BMC.format(name=name, address=address, user=MONITOR.name, home=home)
        for name, address in addresses.items()
    )
    (home / "gpuwatch.toml").write_text(_FILE.format(home=home) + "".join(bmcs))
    log = home / "log"
    command = [sys.executable, "-m", "gpuwatch", "run", "--config", str(home / "gpuwatch.toml")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Manager(process, log)
    finally:
        process.terminate()
        process.wait(30)


def management_host(folder: Path) -> tuple[Row, ...]:
    """What the BMCs of twenty other hosts take, each with a child of its own."""
    folder.mkdir()
    with ExitStack() as inside:
        bmcs = [inside.enter_context(IpmiBmc(folder / f"bmc-{i}")) for i in range(BMCS)]
        addresses = {f"node{i}": f"127.0.0.1:{bmc.port}" for i, bmc in enumerate(bmcs)}
        with managing(folder / "agent", addresses) as manager:
            manager.wait_for("gpuwatch_bmc_up", 1.0, BMCS)
            time.sleep(_SETTLE_SECONDS)
            pids = family(manager.pid)
            whole, agent = size(pids).pss, size(pids[:1]).pss
    each = (whole - agent) / BMCS
    return (
        Row(
            f"memory (PSS) of a management host with {BMCS} BMCs",
            f"{whole / _MEBIBYTE:.0f} MiB, {each / _MEBIBYTE:.1f} a BMC",
        ),
    )


def dead_bmc(folder: Path) -> tuple[Row, ...]:
    """What an agent and its child spend on a BMC that never answers, its start left out."""
    folder.mkdir()
    silent = socket.socket(type=socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{silent.getsockname()[1]}"
    with silent, managing(folder / "agent", {"dead": address}) as manager:
        manager.wait_for("gpuwatch_bmc_trouble", 1.0, 1)
        began, before = time.monotonic(), _spent(manager)
        time.sleep(DEAD_SECONDS)
        percent = 100 * (_spent(manager) - before) / (time.monotonic() - began)
    name = f"CPU of an agent whose BMC is dead, over {DEAD_SECONDS:.0f} s"
    return (Row.at_most(name, percent, DEAD_PERCENT, "%"),)


def _spent(manager: Manager) -> float:
    return sum(cpu_seconds_with_ended(pid) for pid in family(manager.pid))


if __name__ == "__main__":
    measured = run()
    print(text("managers", measured))
    sys.exit(any(row.verdict is Verdict.MISSED for row in measured))
