"""BMC: a sweep of 60 sensors beside an exporter's scrape of them, and what our child holds.

One simulated BMC that answers in 2 ms stands behind a relay that counts datagrams. Our child and
prometheus-ipmi-exporter (which starts FreeIPMI's tools) ask it in turn, both warm: what describes
the sensors was read before. CPU is user and system time of all processes that take part; the
watchdog, the clock and the cause of the last restart, which the exporter does not ask for, count.

    python -m bench.bmc
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.processes import cpu_seconds, cpu_seconds_with_ended, size
from bench.table import Row, Verdict, text
from simulator.bmc.configuration import SEL_ENTRIES_MAX
from simulator.bmc.process import PACKAGE, PROGRAM
from simulator.bmc.relay import Relay
from simulator.bmc.server import MONITOR, IpmiBmc, Model
from tests.support import ipmi_exporter
from tests.support.ipmi_child import asking

ROUNDS = 20
CHILD_MEBIBYTES = 40.0
TIME_RATIO = 1.0
CPU_RATIO = 0.5
DATAGRAM_RATIO = 0.8
_SWEEP_SECONDS = 0.5  # between two sweeps while they are measured
_LARGE_SWEEPS = 5
_MEBIBYTE = 1 << 20
_TOOLS = {
    PROGRAM: PACKAGE,
    ipmi_exporter.PROGRAM: ipmi_exporter.PACKAGE,
    "ipmi-sensors": "freeipmi-tools",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one sweep or scrape takes, on average: seconds, seconds of CPU, datagrams."""

    seconds: float
    cpu: float
    datagrams: float


def run() -> tuple[Row, ...]:
    """The rows of this part."""
    missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if missing:
        packages = " ".join(missing)
        what = f"missing: {packages} (apt-get install {packages})"
        return (Row(what, "not measured", verdict=Verdict.MISSED),)
    with tempfile.TemporaryDirectory() as place:
        return _sweeps(Path(place))


def _measured(
    relay: Relay, once: Callable[[], float], cpu: Callable[[], float], rounds: int = ROUNDS
) -> Cost:
    """What `once` takes, which gives its own seconds; the first time does not count."""
    once()
    passed, spent = relay.counts["passed"], cpu()
    seconds = sum(once() for _ in range(rounds))
    return Cost(
        seconds / rounds,
        (cpu() - spent) / rounds,
        (relay.counts["passed"] - passed) / rounds,
    )


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _ours(bmc: IpmiBmc, relay: Relay, folder: Path) -> tuple[Cost, int, int]:
    """What our sweep takes, of how many sensors, and the child's memory in bytes."""
    with asking(bmc, folder, interval=_SWEEP_SECONDS, port=relay.port) as child:
        pid = child.process.pid
        cost = _measured(relay, lambda: child.sweep().seconds, lambda: cpu_seconds((pid,)), ROUNDS)
        return cost, len(child.sweep().sensors), size((pid,)).pss


def _large(folder: Path) -> int:
    """A child's memory in bytes after it read a large BMC's sensors and a full event log."""
    model = Model(large=True)
    with IpmiBmc(folder / "large", model) as bmc:
        bmc.sel_fill(SEL_ENTRIES_MAX - len(bmc.sel_entries()))
        with asking(bmc, folder, interval=_SWEEP_SECONDS) as child:
            for _ in range(_LARGE_SWEEPS):
                child.sweep()
            return size((child.process.pid,)).pss


def _sweeps(folder: Path) -> tuple[Row, ...]:
    with ExitStack() as inside:
        bmc = inside.enter_context(IpmiBmc(folder / "bmc"))
        relay = inside.enter_context(Relay(bmc.port))
        ours, sensors, pss = _ours(bmc, relay, folder)
        exporter = inside.enter_context(ipmi_exporter.ipmi_exporter(folder / "exporter", MONITOR))
        pid = exporter.process.pid
        scrape = _measured(
            relay,
            lambda: _timed(lambda: exporter.scrape(bmc, relay.port)),
            lambda: cpu_seconds_with_ended(pid),
        )
    large = _large(folder)
    names = ("prometheus-ipmi-exporter's scrape", f"our sweep of the same {sensors} sensors")
    return (
        *(
            Row(name, f"{cost.seconds * 1e3:.0f} ms, {cost.cpu * 1e3:.0f} ms CPU, "
                f"{cost.datagrams:.0f} datagrams")
            for name, cost in zip(names, (scrape, ours), strict=True)
        ),
        Row.at_most("ratio of time", ours.seconds / scrape.seconds, TIME_RATIO),
        Row.at_most("ratio of CPU", ours.cpu / scrape.cpu, CPU_RATIO),
        Row.at_most("ratio of datagrams", ours.datagrams / scrape.datagrams, DATAGRAM_RATIO),
        Row.at_most("memory (PSS) of a child", pss / _MEBIBYTE, CHILD_MEBIBYTES, "MiB"),
        Row.at_most("the same, large BMC and full SEL", large / _MEBIBYTE, CHILD_MEBIBYTES, "MiB"),
    )  # fmt: skip


if __name__ == "__main__":
    measured = run()
    print(text("bmc", measured))
    sys.exit(any(row.verdict is Verdict.MISSED for row in measured))
