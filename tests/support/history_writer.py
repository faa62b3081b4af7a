"""A process that sweeps hardware kept in a shared file into a history, until it is killed.

    python -m tests.support.history_writer HISTORY HARDWARE LOG [copying]

With `copying` a thread copies the history without a pause, as the agent's does once a minute.
The hardware outlives the process, as real hardware does: a table of counters that the test raises.
The log is a file of fixed-size Xid records, numbered by their place, of which the history keeps the
position.
"""

import mmap
import struct
import sys
import threading
from pathlib import Path
from typing import TypeAlias

from gpuwatch.clock import SystemClock
from gpuwatch.domain.devices import Epoch
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.readings import Sweep
from gpuwatch.history import History, HistorySettings
from tests.support.histories import BOTH_CADENCES, FAST_AND_SLOW, UNSUPPORTED, board_key, device

BOARDS = 4
WORD_BYTES = 8
COUNTERS = 4  # volatile, aggregate, dram, sram; before them all, the driver load
HARDWARE_BYTES = WORD_BYTES * (1 + BOARDS * COUNTERS)
RECORD = struct.Struct("<2q")  # board, code

Words: TypeAlias = "memoryview[int]"  # written word by word: struct would show zeros in between


def map_hardware(file: Path) -> Words:
    """The hardware's words."""
    with file.open("r+b") as opened:
        return memoryview(mmap.mmap(opened.fileno(), HARDWARE_BYTES)).cast("q")


def read_counters(words: Words, board: int) -> tuple[int, int, int, int]:
    """What the counters of a board stand at."""
    start = 1 + board * COUNTERS
    return words[start], words[start + 1], words[start + 2], words[start + 3]


def write_counters(words: Words, board: int, counters: tuple[int, int, int, int]) -> None:
    """Let the counters of a board stand at these."""
    for place, value in enumerate(counters, 1 + board * COUNTERS):
        words[place] = value


def sweep_all(history: History, words: Words, clock: SystemClock) -> None:
    """One sweep of every board."""
    for board in range(BOARDS):
        volatile, aggregate, dram, sram = read_counters(words, board)
        fast = (volatile, aggregate, 0, 0, 0, "0", 300_000, 55, 1)
        history.take_sweep(
            Sweep(
                board=board_key(board),
                at=clock.now(),
                cadences=BOTH_CADENCES,
                signals=FAST_AND_SLOW,
                values=(*fast, UNSUPPORTED, dram, UNSUPPORTED, sram),
            )
        )


def read_log(history: History, log: Path, clock: SystemClock) -> None:
    """Take every record after the position that history knows."""
    position = history.kernel_log_position()
    first = 0 if position is None else position[1] + 1
    data = log.read_bytes()
    for number in range(first, len(data) // RECORD.size):
        board, code = RECORD.unpack_from(data, number * RECORD.size)
        now = clock.now()
        event = Event(
            kind=EventKind.XID,
            at=now.wall,
            source=EventSource.KERNEL_LOG,
            identity=f"log/{number}",
            boot_id=now.boot_id,
            pci_address=f"0000:{board + 1:02x}:00.0",
            code=code,
        )
        history.take_event(event, now, (now.boot_id, number))


def open_history(path: Path, words: Words, clock: SystemClock) -> History:
    """The history as an agent opens it: epoch first, then the boards."""
    history = History.open(path, clock, HistorySettings())
    load = words[0]
    now = clock.now()
    history.enter_epoch(Epoch(boot_id=now.boot_id, driver_load=str(load)), now)
    history.take_inventory(tuple(device(number) for number in range(BOARDS)), now)
    return history


def copy_for_ever(history: History) -> None:
    """Make one copy after another."""
    while True:
        history.copy()


def main() -> None:
    """Sweep until killed; says so once every board has its baseline."""
    path, hardware, log = (Path(argument) for argument in sys.argv[1:4])
    clock = SystemClock()
    words = map_hardware(hardware)
    history = open_history(path, words, clock)
    sweep_all(history, words, clock)
    if sys.argv[4:] == ["copying"]:
        threading.Thread(target=copy_for_ever, args=(history,), daemon=True).start()
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    while True:
        sweep_all(history, words, clock)
        read_log(history, log, clock)
        history.tick(clock.now())


if __name__ == "__main__":
    main()
