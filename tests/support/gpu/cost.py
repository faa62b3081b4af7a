"""Cost: what polling takes, and what waiting for events takes."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from tests.support.agents import ROOT, clean_environment
from tests.support.gpu.host import Host
from tests.support.nvml_child import NvmlChild
from tests.support.processes import cpu_seconds

_PATIENCE_SECONDS = 300.0


def polling_cost(host: Host, *, sweeps: int) -> dict[str, Any]:
    """What `call_times` says in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.gpu.call_times", str(sweeps), str(host.sysfs)],
        cwd=ROOT,
        env=clean_environment() | host.environment(),
        capture_output=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
        text=True,
    )
    assert done.returncode == 0, f"call_times ended with {done.returncode}: {done.stderr}"
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def cost_table(cost: dict[str, Any]) -> str:
    """The cost for people."""
    lines = [f"a sweep of {cost['gpus']} GPUs, mean of {cost['sweeps']}, milliseconds"]
    lines += [
        f"  {name:10} cpu {each['cpu_ms']:9.3f}  wall {each['wall_ms']:9.3f}"
        f"  longest {each['longest_ms']:9.3f}"
        for name, each in {**cost["cadences"], "(counting)": cost["inventory"]}.items()
    ]
    for kind in ("calls", "fields"):
        lines.append(f"the slowest {kind}, microseconds a call")
        lines += [
            f"  {each['name']:60} {each['mean_us']:10.2f}  longest {each['longest_us']:10.2f}"
            for each in cost[f"slowest_{kind}"]
        ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class EventSet:
    """Each GPU's registration (types, NVML error code) by address; CPU seconds of waiting."""

    registered: dict[str, tuple[int, int]]
    waited_seconds: float
    cpu_seconds: float


def event_set(host: Host, *, wait_seconds: float) -> EventSet:
    """Register for events, then only wait for them."""
    with NvmlChild(host) as child:
        devices = [answer for answer in child.inventory() if answer["say"] == "device"]
        said = [child.next_event("events") for _ in devices]
        before, began = cpu_seconds(child.probe.pid), time.monotonic()
        time.sleep(wait_seconds)
        waited = time.monotonic() - began
        used = cpu_seconds(child.probe.pid) - before
    return EventSet({each["pci"]: (each["types"], each["code"]) for each in said}, waited, used)
