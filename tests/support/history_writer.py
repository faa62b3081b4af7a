"""A process that sweeps hardware kept in a shared file into a history, until it is killed.

    python -m tests.support.history_writer HISTORY HARDWARE LOG [copying|deciding]

With `copying` a thread copies the history without a pause, as the agent's does once a minute. With
`deciding` flags are raised, written on and dismissed between the sweeps.
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
from gpuwatch.domain.audit import Deed
from gpuwatch.domain.devices import Epoch
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.flag_changes import written
from gpuwatch.domain.flag_life import dismissed
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.readings import Sweep
from gpuwatch.domain.verdicts import Finding, Remedy, RmaStanding, Scope, Urgency
from gpuwatch.history import History, HistorySettings
from tests.support.histories import BOTH_CADENCES, FAST_AND_SLOW, UNSUPPORTED, board_key, device

CODE = "rising-uncorrectable-trend"
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


def decide(history: History, clock: SystemClock) -> None:
    """The next thing that happens to the latest flag: raised, written on five times, dismissed."""
    now = clock.now().wall
    latched = (CODE, board_key(0).uuid)
    flag = (history.flags() or (None,))[-1]
    if flag is None or not flag.is_open:
        history.save_latched(finding(now))
        history.save_flag(raised(now), deed("flag-raised", now))
    elif flag.vendor_case != "CASE-5":
        number = int(flag.vendor_case.removeprefix("CASE-") or 0) + 1
        changed = written(flag, now, vendor_case=f"CASE-{number}")
        history.save_flag(changed, deed("flag-set", now))
    else:
        history.save_flags([(dismissed(flag, now), deed("flag-dismissed", now))], [latched])


def finding(now: float) -> Finding:
    """What the flags rest on, latched."""
    return Finding(
        code=CODE,
        scope=Scope.GPU,
        subject=board_key(0).uuid,
        urgency=Urgency.WINDOW,
        route=Urgency.WINDOW,
        remedy=Remedy.REPLACE,
        since=now,
        sentence="a trend",
        source="gpuwatch heuristic",
        latched=True,
    )


def raised(now: float) -> Flag:
    """A new flag on the first board."""
    return Flag(
        board=board_key(0),
        code=CODE,
        urgency=Urgency.WINDOW,
        sentence="a trend",
        raised_at=now,
        evidence_at=now,
        due_at=now + 60.0,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
    )


def deed(action: str, now: float) -> Deed:
    """Who does it."""
    return Deed(actor="uid 1000 (alice)", action=action, reason="a test", at=now)


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
    deciding = sys.argv[4:] == ["deciding"]
    while True:
        if deciding:
            decide(history, clock)
        sweep_all(history, words, clock)
        read_log(history, log, clock)
        history.tick(clock.now())


if __name__ == "__main__":
    main()
