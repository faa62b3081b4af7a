"""Kill -9 at random moments while a BMC's log is read: no entry is lost, none is counted twice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from gpuwatch.clock import SystemClock
from tests.support.bmc_writer import RECORD, open_history, poll

ROOT = Path(__file__).parents[3]
KILLS = 100 if os.environ.get("GPUWATCH_SOAK") else 5


def _read_and_kill(history: Path, log: Path, chance: random.Random) -> int:
    """Start a reader, write entries for a moment, kill it in the middle; how many were written."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.support.bmc_writer", str(history), str(log)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    written = 0
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        end = time.monotonic() + chance.uniform(0.05, 0.4)
        while time.monotonic() < end:
            with log.open("ab") as file:
                file.write(RECORD.pack(time.time()))
            written += 1
            time.sleep(chance.uniform(0.0, 0.005))
    finally:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    return written


def test_a_kill_at_any_moment_loses_no_entry(tmp_path: Path) -> None:
    """The entries counted are those written after the first sight of the log, each once."""
    history, log, chance = tmp_path / "state" / "history.db", tmp_path / "log", random.Random(17)
    log.write_bytes(RECORD.pack(1.7e9) * 3)
    written = sum([_read_and_kill(history, log, chance) for _ in range(KILLS)])

    clock = SystemClock()
    opened = open_history(history, clock)
    while poll(opened, log, clock):
        pass
    record = opened.bmc("host")
    logged = opened.logged("host", 3 + written + 1)
    opened.close()

    assert record is not None
    assert sum(record.counts.values()) == written > 0
    assert len(logged) == 3 + written
    assert sum(one.baseline for one in logged) == 3
