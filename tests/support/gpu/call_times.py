"""Call times: a child that sweeps as the product's does and times every call on the way.

`python -m tests.support.gpu.call_times SWEEPS SYSFS` writes one JSON object to standard output. A
call's time is that from its announcement to the next one, so it includes reading its answer.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynvml

from gpuwatch.domain.signals import Cadence, Field, Moved, PerLink
from gpuwatch.sources.nvml.binding import field_number
from gpuwatch.sources.nvml.calls import Lane, Mark
from gpuwatch.sources.nvml.devices import Devices
from gpuwatch.sources.nvml.fields import FieldBatch
from gpuwatch.sources.nvml.gpu import Gpu, driver_version
from gpuwatch.sources.nvml_signals import TABLE
from gpuwatch.sources.wire import ProgressPage

_SLOWEST = 10


class Stopwatch(ProgressPage):
    """A progress page that keeps how long each call took, in nanoseconds by function."""

    def __init__(self) -> None:
        self.taken: dict[str, list[int]] = defaultdict(list)
        self._under_way = ""
        self._since = 0

    def marker(self, device: str, function: str) -> Mark:  # noqa: ARG002 - the page's signature
        """Announce a call: the one before is over."""

        def mark(_: int) -> None:
            self.leave()
            self._under_way, self._since = function, time.perf_counter_ns()

        return mark

    def leave(self) -> None:
        """The call is over."""
        if self._under_way:
            self.taken[self._under_way].append(time.perf_counter_ns() - self._since)
        self._under_way = ""


def measure(sweeps: int) -> dict[str, Any]:
    """Cost of each cadence's sweep of all GPUs, the slowest calls, and each field by itself."""
    watch = Stopwatch()
    pynvml.nvmlInitWithFlags(pynvml.NVML_INIT_FLAG_NO_GPUS)
    driver = driver_version(str(pynvml.nvmlSystemGetDriverVersion()))
    devices = Devices(Lane(watch, lambda: None), driver)
    inventory = _cost(lambda: list(devices.inventory(None)), 1)
    watch.taken.clear()
    cadences = {
        cadence.value: _cost(lambda: list(devices.sweep(None, frozenset({cadence}))), sweeps)  # noqa: B023 - called at once
        for cadence in Cadence
    }
    calls = [_call(name, taken) for name, taken in watch.taken.items()]
    fields = [
        _call(name, taken) for name, taken in _field_times(devices.gpus, driver, sweeps).items()
    ]
    return {
        "gpus": len(devices.gpus),
        "sweeps": sweeps,
        "inventory": inventory,
        "cadences": cadences,
        "slowest_calls": sorted(calls, key=_mean, reverse=True)[:_SLOWEST],
        "slowest_fields": sorted(fields, key=_mean, reverse=True)[:_SLOWEST],
    }


def _cost(work: Callable[[], object], times: int) -> dict[str, float]:
    """Milliseconds a time: CPU and wall on average, and the longest."""
    work()  # plans are made at the first sweep
    walls = []
    cpu = time.process_time_ns()
    for _ in range(times):
        began = time.perf_counter_ns()
        work()
        walls.append(time.perf_counter_ns() - began)
    cpu = time.process_time_ns() - cpu
    return {
        "cpu_ms": round(cpu / times / 1e6, 4),
        "wall_ms": round(sum(walls) / times / 1e6, 4),
        "longest_ms": round(max(walls) / 1e6, 4),
    }


def _call(name: str, taken: list[int]) -> dict[str, Any]:
    mean = round(sum(taken) / len(taken) / 1e3, 2)
    return {
        "name": name,
        "calls": len(taken),
        "mean_us": mean,
        "longest_us": round(max(taken) / 1e3, 2),
    }


def _mean(call: dict[str, Any]) -> float:
    return float(call["mean_us"])


def _field_times(
    gpus: tuple[Gpu, ...], driver: tuple[int, ...], times: int
) -> dict[str, list[int]]:
    """How long each field takes in a call of its own: which of a batch is the slow one."""
    taken: dict[str, list[int]] = defaultdict(list)
    for name, number in _numbers(driver).items():
        for gpu in gpus:
            batch = FieldBatch(gpu.handle, [number])
            for _ in range(times):
                began = time.perf_counter_ns()
                batch.ask()
                taken[name].append(time.perf_counter_ns() - began)
    return dict(taken)


def _numbers(driver: tuple[int, ...]) -> dict[str, tuple[int, int]]:
    """The table's fields that this driver may be asked; of a link's, that of link 0."""
    found: dict[str, tuple[int, int]] = {}
    for row in TABLE:
        query = row.query.query if isinstance(row.query, PerLink) else row.query
        if isinstance(query, Field | Moved) and (number := field_number(query, driver)):
            field = query.fields[0] if isinstance(query, Moved) else query
            found.setdefault(field.name, number)
    return found


if __name__ == "__main__":
    if not (Path(sys.argv[2]) / "module" / "nvidia").is_dir():
        sys.exit("the nvidia module is not loaded: nothing is asked, since asking may load it")
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
