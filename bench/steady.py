"""Steady: an agent that sweeps without a pause holds at the end what it held near the beginning.

Counted from sweep 500 on, and from when the agent has lived through its first minute: then the
first slow sweep has come round and the first housekeeping has made its thread and its copy of the
history. At 10 s sweep 500 is an hour later than that; back to back it is four seconds after start.

python -m bench.steady [SWEEPS]
"""

import sys
import tempfile
import time
from pathlib import Path

from bench.agents import Agent, running, simulated
from bench.processes import Size, size
from bench.table import Row, Verdict, text

FROM_SWEEP = 500
FROM_SECONDS = 75.0
SWEEPS = 10_000
LIMIT_PERCENT = 2.0
_BACK_TO_BACK_SECONDS = 0.001  # shorter than any sweep: the next is due when one is done
_MEBIBYTE = 1 << 20
_LOOKS = 5  # descriptors and threads come and go with our own requests: the least of some looks


def run(sweeps: int = SWEEPS) -> tuple[Row, ...]:
    """The rows of this part."""
    with (
        tempfile.TemporaryDirectory() as directory,
        simulated(Path(directory)) as server,
        running(server, fast_seconds=_BACK_TO_BACK_SECONDS, slow="60s", rare="5m") as agent,
    ):
        time.sleep(FROM_SECONDS)
        first = _at(agent, FROM_SWEEP)
        base, began = agent.sweeps(), time.monotonic()
        last = _at(agent, base + sweeps - FROM_SWEEP)
        pace = (time.monotonic() - began) / (sweeps - FROM_SWEEP)
    return (
        Row(f"{sweeps - FROM_SWEEP:,} sweeps back to back", f"{pace * 1e3:.1f} ms each"),
        _row("memory (private)", first.uss, last.uss, _MEBIBYTE, "MiB"),
        _row("file descriptors", first.descriptors, last.descriptors, 1, ""),
        _row("threads", first.threads, last.threads, 1, ""),
    )


def _row(name: str, first: int, last: int, unit: int, word: str) -> Row:
    growth = 100 * (last - first) / first
    row = Row.at_most(f"growth of {name} over them", growth, LIMIT_PERCENT, "%")
    figure = f"{first / unit:.4g} -> {last / unit:.4g} {word}".rstrip()
    return Row(row.name, f"{figure}, {row.figure}", row.target, row.verdict)


def _at(agent: Agent, sweeps: int) -> Size:
    """What agent and children hold once they have made so many sweeps."""
    while agent.sweeps() < sweeps:
        if agent.process.poll() is not None:
            raise RuntimeError("the agent ended")
        time.sleep(0.5)
    looks = []
    for _ in range(_LOOKS):
        time.sleep(0.1)
        looks.append(size(agent.pids))
    return Size(
        pss=min(look.pss for look in looks),
        uss=min(look.uss for look in looks),
        descriptors=min(look.descriptors for look in looks),
        threads=min(look.threads for look in looks),
    )


if __name__ == "__main__":
    measured = run(int(sys.argv[1]) if len(sys.argv) > 1 else SWEEPS)
    print(text("steady", measured))
    sys.exit(any(row.verdict is Verdict.MISSED for row in measured))
