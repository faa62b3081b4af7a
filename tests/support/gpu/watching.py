"""Watching: the real agent on the driver under check, for a while, as a service would run it."""

import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.support.agents import ROOT, Agent, ended, eventually
from tests.support.gpu.host import Host
from tests.support.gpu.untouched import openings_of
from tests.support.processes import children_of, cpu_seconds, memory_bytes

_MIB = 1 << 20
_STARTED_SECONDS = 5.0  # after which the start is over, and CPU time is that of watching


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the agent said after a while, and what it took. `gaps` are by reason.

    `unexplained` are rows that failed without an error code. Memory is in MiB by process, CPU in
    percent of one core, each None or 0 where the kernel does not tell.
    """

    host_verdict: str
    verdicts: dict[str, str]
    findings: tuple[str, ...]
    sources: dict[str, str]
    families: int
    series: int
    gaps: dict[str, int]
    unexplained: tuple[str, ...]
    incidents: int
    memory_mib: dict[str, float | None]
    cpu_percent: float
    exit_status: int
    loader_run: bool


def watching(host: Host, directory: Path, *, seconds: float) -> Watched:
    """Run the agent that long with its own cadences, then look at everything it says."""
    with openings_of(host.module_loader) as openings, ended(_start(host, directory)) as agent:
        eventually(lambda: any(gpu["fresh"] for gpu in agent.gpus().values()), "a GPU answers")
        time.sleep(_STARTED_SECONDS)
        before = _cpu(agent.process.pid)
        time.sleep(seconds)
        cpu = _cpu(agent.process.pid) - before
        gpus, status = agent.api("gpus")["gpus"], agent.api("status")
        families = list(text_string_to_metric_families(agent.get("/metrics")))
        memory = _memory(agent.process.pid)
        answers = [(key, answer) for gpu in gpus for key, answer in gpu["readings"].items()]
        gaps = [(key, answer) for key, answer in answers if "gap" in answer]
        return Watched(
            host_verdict=status["verdict"],
            verdicts={gpu["pci_address"]: gpu["verdict"] for gpu in gpus},
            findings=tuple(
                each["code"] for holder in (status, *gpus) for each in holder["findings"]
            ),
            sources={
                each["name"]: "up" if each["up"] else each["problem"] for each in status["sources"]
            },
            families=len(families),
            series=sum(len(family.samples) for family in families),
            gaps=dict(Counter(answer["gap"] for _, answer in gaps)),
            unexplained=tuple(
                sorted({k for k, gap in gaps if gap["gap"] == "failed" and gap["code"] is None})
            ),
            incidents=sum(len(gpu["incidents"]) for gpu in gpus),
            memory_mib=memory,
            cpu_percent=round(100 * cpu / max(seconds, 1e-9), 2),
            exit_status=agent.stop(),
            loader_run=openings.look(),
        )


def _start(host: Host, directory: Path) -> Agent:
    chosen = (
        f"agent.state_directory={directory}/state",
        f"agent.runtime_directory={directory}/run",
        'web.listen_addresses=["127.0.0.1:0"]',
        f"nvml.sysfs={host.sysfs}",
        f"nvml.proc={host.proc}",
        f"kernel_log.path={host.kernel_log}",
        "log.format=json",
    )
    command = [sys.executable, "-m", "gpuwatch", "run"]
    command += [part for option in chosen for part in ("--set", option)]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "gpuwatch.toml").write_text("")
    config = {"GPUWATCH_CONFIG": str(directory / "gpuwatch.toml")}
    environment = host.environment() | config | {"PYTHONPATH": str(ROOT)}
    return Agent(command, environment, directory, wait=True)


def _memory(pid: int) -> dict[str, float | None]:
    """By what each process is; the agent's own is `agent`."""
    processes = {"agent": pid} | {child.program: child.pid for child in children_of(pid)}
    shares = {name: memory_bytes(number) for name, number in processes.items()}
    return {
        name: None if share is None else round(share / _MIB, 1) for name, share in shares.items()
    }


def _cpu(pid: int) -> float:
    return cpu_seconds(pid) + sum(cpu_seconds(child.pid) for child in children_of(pid))
