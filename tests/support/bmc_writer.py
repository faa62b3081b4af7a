"""A process that reads a BMC's log, kept in a file, into a history, until it is killed.

    python -m tests.support.bmc_writer HISTORY LOG

The log outlives the process, as a BMC's does: Unix seconds, one 8-byte float after another, each an
entry. The position in it is how many were read.
"""

import struct
import sys
from pathlib import Path

from gpuwatch.clock import SystemClock
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.history import History, HistorySettings
from tests.support.controllers import Controller, entry

RECORD = struct.Struct("<d")
AT_MOST = 20  # entries a delivery


def open_history(path: Path, clock: SystemClock) -> History:
    """The history as an agent opens it."""
    return History.open(path, clock, HistorySettings())


def poll(history: History, log: Path, clock: SystemClock) -> int:
    """Take what follows the position that history knows, then a sweep; how many were taken."""
    position = history.log_positions("host").get("sel")
    first, data = int(position or 0), log.read_bytes()
    told = [at for (at,) in RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size])]
    now = clock.now()
    entries = [entry(number, at) for number, at in enumerate(told, 1)][first : first + AT_MOST]
    batch = LogBatch(
        bmc="host",
        log="sel",
        at=now,
        entries=tuple(entries),
        position=str(first + len(entries)),
        baseline=position is None,
    )
    taken = history.take_log_batch(batch, now)
    history.take_bmc_sweep(Controller().sweep(now))
    return len(taken.entries)


def main() -> None:
    """Poll until killed; says so once the log has its baseline."""
    path, log = (Path(argument) for argument in sys.argv[1:3])
    clock = SystemClock()
    history = open_history(path, clock)
    poll(history, log, clock)
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    while True:
        poll(history, log, clock)
        history.tick(clock.now())


if __name__ == "__main__":
    main()
