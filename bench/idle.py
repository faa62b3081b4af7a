"""Idle: what an agent costs that watches eight healthy GPUs as it is shipped, every 10 s.

CPU is user and system time of agent, NVML probe and kernel-log reader together (/proc/PID/stat)
over whole minutes, so that as many slow sweeps fall into it as belong there; memory is their
proportional set size (smaps_rollup) at its end. The library burns nothing: what the driver costs is
not ours.

    python -m bench.idle
"""

import sys
import tempfile
import time
from pathlib import Path

from bench.agents import running, simulated
from bench.processes import command, cpu_seconds, size
from bench.table import Row, Verdict, text

SECONDS = 60.0
_SETTLE_SECONDS = 12.0  # first sweeps, first copies of the history
CORE_PERCENT = 0.5
MEBIBYTES = 75.0
_MEBIBYTE = 1 << 20
_NAMES = {"gpuwatch.sources.nvml": "NVML probe", "gpuwatch.sources.kernel_log": "kernel-log reader"}


def run(seconds: float = SECONDS) -> tuple[Row, ...]:
    """The rows of this part."""
    with (
        tempfile.TemporaryDirectory() as directory,
        simulated(Path(directory)) as server,
        running(server, fast_seconds=10.0, slow="60s", rare="5m") as agent,
    ):
        agent.wait(1)
        time.sleep(_SETTLE_SECONDS)
        pids = agent.pids
        before = [cpu_seconds((pid,)) for pid in pids]
        began = time.monotonic()
        time.sleep(seconds)
        spent = [cpu_seconds((pid,)) - old for pid, old in zip(pids, before, strict=True)]
        elapsed = time.monotonic() - began
        whole = size(pids)
        parts = [
            Row(
                f"  {_name(pid)}",
                f"{100 * used / elapsed:.2f} %, {size((pid,)).pss / _MEBIBYTE:.1f} MiB",
            )
            for pid, used in zip(pids, spent, strict=True)
        ]
    percent = 100 * sum(spent) / elapsed
    return (
        Row.at_most(f"CPU of a core, over {elapsed:.0f} s", percent, CORE_PERCENT, "%"),
        Row.at_most("memory (PSS) of all three", whole.pss / _MEBIBYTE, MEBIBYTES, "MiB"),
        *parts,
        Row("file descriptors, threads", f"{whole.descriptors}, {whole.threads}"),
    )


def _name(pid: int) -> str:
    line = command(pid)
    return next((name for module, name in _NAMES.items() if module in line), "agent")


if __name__ == "__main__":
    measured = run()
    print(text("idle", measured))
    sys.exit(any(row.verdict is Verdict.MISSED for row in measured))
