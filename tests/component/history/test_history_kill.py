"""Kill -9 at random moments while errors are injected: none is lost, none is counted twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from gpuwatch.clock import SystemClock
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.incidents import Memory
from gpuwatch.history import Reader
from tests.support.audits import said_by, told_by
from tests.support.histories import board_key
from tests.support.history_writer import (
    BOARDS,
    HARDWARE_BYTES,
    RECORD,
    map_hardware,
    open_history,
    read_counters,
    read_log,
    sweep_all,
    write_counters,
)

ROOT = Path(__file__).parents[3]
KILLS = 200 if os.environ.get("GPUWATCH_SOAK") else 5


class Hardware:
    """Counters and a log that outlive the processes that read them."""

    def __init__(self, directory: Path) -> None:
        self.history = directory / "state" / "history.db"
        self.file = directory / "hardware"
        self.file.write_bytes(bytes(HARDWARE_BYTES))
        self.log = directory / "log"
        self.log.touch()
        self.words = map_hardware(self.file)
        self.injected = {(b, m): 0 for b in range(BOARDS) for m in (Memory.DRAM, Memory.SRAM)}
        self.xids = dict.fromkeys(range(BOARDS), 0)

    def fail(self, chance: random.Random) -> None:
        """One error on some board, in some memory, sometimes with a line in the log."""
        board, memory = chance.randrange(BOARDS), chance.choice((Memory.DRAM, Memory.SRAM))
        volatile, aggregate, dram, sram = read_counters(self.words, board)
        in_dram = memory is Memory.DRAM
        after = (volatile + 1, aggregate + 1, dram + in_dram, sram + (not in_dram))
        write_counters(self.words, board, after)
        self.injected[board, memory] += 1
        if chance.random() < 0.5:
            with self.log.open("ab") as log:
                log.write(RECORD.pack(board, 94))
            self.xids[board] += 1

    def reload_driver(self) -> None:
        """Volatile counters start from 0; the aggregate ones are the board's own."""
        self.words[0] += 1
        for board in range(BOARDS):
            _, aggregate, dram, sram = read_counters(self.words, board)
            write_counters(self.words, board, (0, aggregate, dram, sram))

    def watch_and_kill(self, chance: random.Random, *doing: str) -> None:
        """Start a writer, inject errors for a moment, and kill it in the middle of its work."""
        arguments = [str(self.history), str(self.file), str(self.log), *doing]
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.support.history_writer", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            end = time.monotonic() + chance.uniform(0.05, 0.5)
            while time.monotonic() < end:
                self.fail(chance)
                time.sleep(chance.uniform(0.0, 0.01))
        finally:
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate()


def test_a_kill_at_any_moment_loses_no_error(tmp_path: Path) -> None:
    """Recorded error sums equal injected ones per board and memory, and so do the Xid counts."""
    hardware, chance = Hardware(tmp_path), random.Random(7)
    for kill in range(KILLS):
        hardware.watch_and_kill(chance)
        if kill % 3 == 2:
            hardware.reload_driver()

    clock = SystemClock()
    history = open_history(hardware.history, hardware.words, clock)
    sweep_all(history, hardware.words, clock)
    read_log(history, hardware.log, clock)
    records = history.records()
    degraded = history.degraded
    history.close()

    counted = {(b, m): records[board_key(b)].errors[m] for b, m in hardware.injected}
    assert counted == hardware.injected
    assert [record.errors[Memory.UNKNOWN] for record in records.values()] == [0] * BOARDS
    seen = {b: records[board_key(b)].xids[94, "kernel_log"].count for b in range(BOARDS)}
    assert seen == hardware.xids
    assert degraded == ()
    assert all(record.incidents for record in records.values())


def test_a_kill_while_the_history_is_copied_spoils_neither(tmp_path: Path) -> None:
    """The copy is always whole: the last one or the new one; the history loses nothing."""
    hardware, chance = Hardware(tmp_path), random.Random(11)
    copy = hardware.history.with_name("history.db.copy")
    unfinished = copy.with_name("history.db.copy.making")
    hits, checked, boards = 0, set(), set()
    for _ in range(max(20, KILLS)):
        hardware.watch_and_kill(chance, "copying")
        hits += unfinished.exists()
        if copy.exists():
            with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as connection:
                checked.add(connection.execute("pragma integrity_check").fetchone())
                boards.add(connection.execute("select count(*) from boards").fetchone())

    clock = SystemClock()
    history = open_history(hardware.history, hardware.words, clock)
    sweep_all(history, hardware.words, clock)
    copied, degraded = history.copy(), history.degraded
    records = history.records()
    history.close()

    assert hits > 0
    assert (checked, boards) == ({("ok",)}, {(BOARDS,)})
    assert (copied, degraded, unfinished.exists()) == (True, (), False)
    counted = {(b, m): records[board_key(b)].errors[m] for b, m in hardware.injected}
    assert counted == hardware.injected


def _parted(history: Path) -> list[str]:
    """Flags that say something else than their audit records, or than what is latched."""
    reader = Reader.open(history)
    flags, audit, latched = reader.flags(), reader.flag_audit(), reader.latched_findings()
    reader.close()
    parted = [
        f"{flag} is not what {audit.get(flag.number)} tell"
        for flag in flags
        if told_by(audit.get(flag.number, ())) != said_by(flag)
    ]
    last = flags[-1]
    if last.is_open and not latched:
        parted.append(f"{last} has no finding")
    outlived = not last.is_open and any(one.since < last.state_since for one in latched)
    return parted + ([f"{latched} outlived {last}"] if outlived else [])


def test_a_kill_parts_no_flag_from_its_audit(tmp_path: Path) -> None:
    """Whatever the moment: a flag, its audit record and its latch are written in one."""
    hardware, chance = Hardware(tmp_path), random.Random(13)
    parted: list[str] = []
    for _ in range(max(6, KILLS)):
        hardware.watch_and_kill(chance, "deciding")
        parted += _parted(hardware.history)

    reader = Reader.open(hardware.history)
    states, numbers = (
        {flag.state for flag in reader.flags()},
        [record.number for record in reader.audit(10_000_000)],
    )
    reader.close()

    assert parted == []
    assert FlagState.DISMISSED in states
    assert numbers == list(range(1, len(numbers) + 1))
