"""Watching: how end-to-end tests look at an agent while things go wrong around it."""

import re
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from simulator.world import Server
from tests.support.agents import ROOT, AgentProcess, clean_environment, eventually

# Deadlines and pauses as short as the settings allow, so that hangs are told soon.
QUICK = (
    "nvml.init_deadline=2s",
    "nvml.inventory_deadline=2s",
    "nvml.fast_deadline=2s",
    "nvml.slow_deadline=2s",
    "nvml.end_grace=200ms",
    "nvml.kill_after=500ms",
    'nvml.retry_after=["10s"]',
)
# After a driver load, a release or a reset, hangs and absences prove nothing for this long.
QUIET_SECONDS = 601.0
EVERYBODY = frozenset(range(8))


def source(agent: AgentProcess, name: str = "nvml") -> Any:  # noqa: ANN401 - JSON
    """The document of one source."""
    return next(each for each in agent.api("status")["sources"] if each["name"] == name)


def codes(agent: AgentProcess, slot: int | None = None) -> list[str]:
    """The findings that hold on the GPU of one slot, or on the host."""
    holder = agent.api("status") if slot is None else agent.gpu(slot)
    return [finding["code"] for finding in holder["findings"]]


def finding(agent: AgentProcess, code: str, slot: int | None = None) -> Any:  # noqa: ANN401 - JSON
    """One finding of the GPU in one slot, or of the host; None while it does not hold."""
    holder = agent.api("status") if slot is None else agent.gpu(slot)
    return next((each for each in holder["findings"] if each["code"] == code), None)


def verdicts(agent: AgentProcess) -> dict[str, frozenset[int]]:
    """Which slots have which verdict."""
    gpus = agent.gpus()
    told: dict[str, frozenset[int]] = {}
    for slot in agent.server.gpus():
        address = str(agent.server.get(slot, "pci"))
        if address in gpus:
            verdict = gpus[address]["verdict"]
            told[verdict] = told.get(verdict, frozenset()) | {slot}
    return told


def wait_for_judgement(agent: AgentProcess, times: int = 2) -> None:
    """Wait until the agent has judged again, with all that it knew when this was called."""
    version = agent.api("status")["version"]
    eventually(lambda: agent.api("status")["version"] >= version + times, "it judges again")


def last_readings(text: str) -> dict[str, float]:
    """When each GPU answered last, by UUID, as one scrape tells it; without those that are late."""
    pattern = r'gpuwatch_gpu_last_reading_timestamp_seconds\{.*?uuid="([^"]*)".*?\} (\S+)'
    return {uuid: float(at) for uuid, at in re.findall(pattern, text)}


def labelsets(text: str, uuid: str) -> set[str]:
    """Names and labels of every series of one GPU in a scrape."""
    lines = text.splitlines()
    return {line.rpartition(" ")[0] for line in lines if f'uuid="{uuid}"' in line}


@dataclass
class Scrapes:
    """What a scraper saw: when each GPU answered last in every scrape, and what went wrong."""

    seen: list[dict[str, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@contextmanager
def scraping(agent: AgentProcess) -> Iterator[Scrapes]:
    """Scrape /metrics several times a second while the block runs."""
    scrapes, done = Scrapes(), threading.Event()

    def scrape() -> None:
        while not done.wait(0.2):
            try:
                scrapes.seen.append(last_readings(agent.get("/metrics")))
            except (OSError, urllib.error.URLError) as error:
                scrapes.failures.append(repr(error))

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield scrapes
    finally:
        done.set()
        thread.join(30)


def gpuwatch(
    agent: AgentProcess, command: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line, as a process, against this agent."""
    words = [*command.split(), "--socket", str(agent.control_socket), *arguments]
    return run([sys.executable, "-m", "gpuwatch", *words])


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository and wait for it."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment() | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def simulate(server: Server, *arguments: str) -> Sequence[str]:
    """The command line that does something to a server."""
    return (
        sys.executable, "-m", "simulator.simulate", "--world", str(server.directory), *arguments,
    )  # fmt: skip
