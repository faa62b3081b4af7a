"""Effect: what polling costs somebody's work on the same GPU, by throughput with and without."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.agents import ROOT, clean_environment
from tests.support.gpu.host import Host
from tests.support.nvml_child import NvmlChild
from tests.support.patience import eventually

CADENCE_SECONDS = 2.0
_PROBING_SECONDS = 120.0
_USABLE = {
    "torch": "import torch, sys; sys.exit(not torch.cuda.is_available())",
    "cupy": "import cupy, sys; sys.exit(not cupy.cuda.runtime.getDeviceCount())",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """Products a second in alternating phases without and with polling, and how many polls."""

    without: tuple[float, ...]
    polled: tuple[float, ...]
    polls: int

    @property
    def ratio(self) -> float:
        """Throughput with polling over that without."""
        return (sum(self.polled) / len(self.polled)) / (sum(self.without) / len(self.without))


def matrix_command() -> list[str] | None:
    """How to run the matrix product here; None where no framework reaches the GPU.

    GPUWATCH_GPU_PYTHON names another interpreter that has one.
    """
    named = os.environ.get("GPUWATCH_GPU_PYTHON")
    candidates = [named] if named else [sys.executable, shutil.which("python3", path=os.defpath)]
    for python in filter(None, candidates):
        for framework, trial in _USABLE.items():
            if _succeeds([python, "-c", trial]):
                return [python, str(Path(__file__).with_name("matrix.py")), framework]
    return None


def _succeeds(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBING_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class Work:
    """A running workload and what it has said so far: (monotonic second, products a second)."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.said: list[tuple[float, float]] = []
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment() | environment,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self.said.append((time.monotonic(), told["products"] / told["seconds"]))

    def rate(self, since: float) -> float:
        """Mean products a second of what was said since a monotonic second, the first excepted."""
        rates = [rate for at, rate in list(self.said) if at > since][1:]
        return sum(rates) / len(rates)

    def end(self) -> None:
        """End it, by its pid."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def effect(host: Host, command: Sequence[str], *, phase_seconds: float, rounds: int) -> Effect:
    """Alternate phases without and with polling of all fast rows while the workload runs."""
    work = Work(command, host.environment())
    without: list[float] = []
    polled: list[float] = []
    try:
        assert eventually(lambda: len(work.said) > 1, 180.0), "the workload says nothing"
        polls = 0
        for _ in range(rounds):
            without.append(_phase(work, phase_seconds))
            with _polling(host) as counted:
                polled.append(_phase(work, phase_seconds))
            polls += len(counted)
    finally:
        work.end()
    return Effect(tuple(without), tuple(polled), polls)


def _phase(work: Work, seconds: float) -> float:
    since = time.monotonic()
    time.sleep(seconds)
    assert eventually(lambda: sum(at > since for at, _ in list(work.said)) > 1)
    return work.rate(since)


@contextmanager
def _polling(host: Host) -> Iterator[list[float]]:
    """Poll at the shortest cadence that the settings allow while the block runs."""
    stopping = threading.Event()
    polls: list[float] = []

    def poll() -> None:
        with NvmlChild(host) as child:
            child.inventory()
            while not stopping.is_set():
                child.sweep("fast")
                polls.append(time.monotonic())
                stopping.wait(CADENCE_SECONDS)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield polls
    finally:
        stopping.set()
        thread.join()
