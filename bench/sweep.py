"""Sweep: what a fast sweep of eight GPUs costs the agent and its child, against the bare queries.

Both in turns of a few seconds, one stopped while the other runs, so that whatever else the machine
does befalls both; the ratio is the median of the turns'.

    python -m bench.sweep
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.agents import ROOT, Agent, running, simulated
from bench.processes import cpu_seconds
from bench.table import Row, Verdict, text
from simulator.world import Server

TARGET_RATIO = 1.5
AIM_MILLISECONDS = 5.0
BURN_MICROSECONDS = 20
TURNS = 7
_TURN_SECONDS = 2.5
_SETTLE_SECONDS = 0.2
_BACK_TO_BACK_SECONDS = 0.001  # shorter than any sweep: the next is due when one is done
_BARE_SWEEPS = {0: 3000, BURN_MICROSECONDS: 250}
_WARM_SWEEPS = 200


def measure(burn_microseconds: int) -> tuple[float, float, float, str]:
    """CPU seconds of a sweep of the product and of the bare loop, their ratio, what is asked."""
    ours, bare = [], []
    with (
        tempfile.TemporaryDirectory() as directory,
        simulated(Path(directory), burn_microseconds=burn_microseconds) as server,
        running(server, fast_seconds=_BACK_TO_BACK_SECONDS, slow="1h", rare="1h") as agent,
    ):
        agent.wait(_WARM_SWEEPS)
        for _ in range(TURNS):
            ours.append(_ours(agent))
            seconds, asked = _bare(agent, server, burn_microseconds)
            bare.append(seconds)
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    return statistics.median(ours), statistics.median(bare), ratio, asked


def _ours(agent: Agent) -> float:
    """CPU seconds that agent and children spend on a sweep, everything they do included."""
    pids = agent.pids
    time.sleep(_SETTLE_SECONDS)
    sweeps, published = agent.sweeps(), agent.version()
    before = cpu_seconds(pids)
    time.sleep(_TURN_SECONDS)
    spent = cpu_seconds(pids) - before
    made, shown = agent.sweeps() - sweeps, agent.version() - published
    if agent.pids != pids:
        raise RuntimeError("a child ended while it was measured")
    if shown < 0.9 * made:
        raise RuntimeError(f"{made} sweeps, {shown} of them published: not what it does at 10 s")
    return spent / made


def _bare(agent: Agent, server: Server, burn_microseconds: int) -> tuple[float, str]:
    """CPU seconds of a bare sweep, while the agent and its children are stopped."""
    pids = agent.pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        sweeps = _BARE_SWEEPS[burn_microseconds]
        done = subprocess.run(
            [sys.executable, "-m", "bench.bare", str(sweeps)],
            cwd=ROOT,
            env={**os.environ, **server.environment()},
            stdout=subprocess.PIPE,
            check=True,
            timeout=120,
            text=True,
        )
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)
    cpu, calls, fields = done.stdout.split()
    return float(cpu) / sweeps, f"{calls} calls, {fields} fields"


def run() -> tuple[Row, ...]:
    """The rows of this part."""
    rows = []
    for burn in (BURN_MICROSECONDS, 0):
        ours, bare, ratio, asked = measure(burn)
        what = f"{burn} us a query"
        rows += [
            Row(f"bare loop, {what} ({asked})", f"{bare * 1e3:.2f} ms"),
            Row(f"fast sweep, {what}: agent and child", f"{ours * 1e3:.2f} ms"),
        ]
        name = f"ratio of CPU, {what}"
        if burn:
            rows.append(Row.at_most(name, ratio, TARGET_RATIO))
        else:
            rows.append(Row(name, f"{ratio:.2f}", "said only: the bare loop does nothing at all"))
            name = "CPU of a fast sweep of agent and child"
            rows.append(Row.at_most(name, ours * 1e3, AIM_MILLISECONDS, "ms", aim=True))
    return tuple(rows)


if __name__ == "__main__":
    measured = run()
    print(text("sweep", measured))
    sys.exit(any(row.verdict is Verdict.MISSED for row in measured))
