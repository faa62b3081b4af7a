"""A simulated year of eight faulty boards and their BMC: what history weighs, what it costs to use.

Run it for its table, alone or with the days of the simulation: `python -m bench.history_year`.
The first fifteen days fill the series at their real pace; after that a sweep an hour does, since
the series have their full size and only faults add to the file.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gpuwatch.domain.bmc import BmcIdentity, BmcSweep, Chassis
from gpuwatch.domain.bmc_logs import LogBatch, LogEntry, LogSeverity, LogTopic
from gpuwatch.domain.devices import Board, BoardKey, Device, Epoch, Slot
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.moments import SECONDS_PER_DAY, Moment
from gpuwatch.domain.readings import Sweep, Value
from gpuwatch.domain.signals import Cadence, Keep, Kind, Role, Signal
from gpuwatch.history import History, HistorySettings
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings
from gpuwatch.sources.nvml_signals import rows

BOARDS = 8
START = 1_767_225_600.0
BUCKET_SECONDS = 300.0  # a sweep a bucket: the rows written are those of a 10 s cadence
COARSE_SECONDS = 3600.0
PLATEAU_DAYS = 15.0
YEAR_DAYS = 365.0

# Targets: growth a year after day 15, all after a year, judging 8 boards with 3 years of history
GROWTH_LIMIT_BYTES = 10e6
TOTAL_LIMIT_BYTES = 50e6
JUDGING_LIMIT_SECONDS = 0.050
CADENCES = frozenset({Cadence.FAST, Cadence.SLOW, Cadence.RARE})
ROWS = rows(CADENCES)

# How often a fault of a kind befalls a board, a year; far more than a healthy fleet has.
FAULTS_PER_YEAR = {"uncorrectable": 6.0, "corrected": 2000.0, "xid": 300.0, "echo": 20.0}
BAD_BOARD = 7  # and this one counts corrected errors in every sweep
ENTRIES_PER_YEAR = 1000.0  # of the BMC's event log, whose server is switched off once a week


class YearClock:
    """A clock that the simulation moves."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> Moment:
        """The present instant of the simulation."""
        return Moment(wall=START + self.passed, boottime=100.0 + self.passed, boot_id="bench")

    def synchronized(self) -> bool | None:
        """The simulation's clock is right."""
        return True


@dataclass(slots=True)
class Gpu:
    """The counters of one board."""

    number: int
    uncorrectable: int = 0
    corrected: int = 0
    rows: int = 0

    def values(self, chance: random.Random) -> tuple[Value, ...]:
        """An answer to every row."""
        return tuple(self._value(row, chance) for row in ROWS)

    def _value(self, row: Signal, chance: random.Random) -> Value:
        memory = dict(row.labels).get("memory")
        if row.role in (Role.ECC_VOLATILE, Role.ECC_AGGREGATE):
            return self.uncorrectable if memory in (None, "dram") else 0
        if row.role is Role.ROWS_REMAPPED:
            return self.rows
        if "ecc_corrected" in row.name:
            return self.corrected
        if row.keep is Keep.SERIES:
            return chance.randrange(30, 90) * 1000
        return "0" if row.kind is Kind.TEXT else 0


def key(number: int) -> BoardKey:
    """The key of a board."""
    return BoardKey(f"1650000{number:06d}", f"GPU-{number:08x}-0000-0000-0000-000000000000")


def open_history(path: Path, clock: YearClock) -> History:
    """A history with eight boards in their slots."""
    history = History.open(path, clock, HistorySettings(max_gap_seconds=2 * COARSE_SECONDS))
    history.enter_epoch(Epoch(boot_id="bench", driver_load="1"), clock.now())
    devices = tuple(
        Device(
            index=number,
            board=Board(key=key(number), name="Bench GPU", part_number="900-BENCH"),
            slot=Slot(pci_address=f"0000:{number:02x}:00.0", module_id=number),
        )
        for number in range(BOARDS)
    )
    history.take_inventory(devices, clock.now())
    return history


def _sweep(gpu: Gpu, clock: YearClock, chance: random.Random) -> Sweep:
    return Sweep(
        board=key(gpu.number),
        at=clock.now(),
        cadences=CADENCES,
        signals=ROWS,
        values=gpu.values(chance),
    )


def _xids(gpu: Gpu, faults: set[str], chance: random.Random) -> Iterator[int]:
    if "xid" in faults:
        yield chance.choice((13, 31, 43, 45, 63))
    if "uncorrectable" in faults:
        yield 48
        yield 94
    if "echo" in faults:
        yield 94
    if gpu.number == BAD_BOARD and chance.random() < 0.1:  # noqa: PLR2004 - one sweep in ten
        yield 31


def _befall(
    history: History, gpu: Gpu, clock: YearClock, chance: random.Random, seconds: float
) -> None:
    """Let the faults of some seconds happen to one board and tell history of them."""
    share = seconds / (365.25 * SECONDS_PER_DAY)
    faults = {kind for kind, rate in FAULTS_PER_YEAR.items() if chance.random() < rate * share}
    gpu.corrected += 100 * ("corrected" in faults) + 3 * (gpu.number == BAD_BOARD)
    if "uncorrectable" in faults:
        gpu.uncorrectable += 1
        gpu.rows += 1
    for code in _xids(gpu, faults, chance):
        now = clock.now()
        event = Event(
            kind=EventKind.XID,
            at=now.wall,
            source=EventSource.KERNEL_LOG,
            identity=f"bench/{gpu.number}/{now.wall}/{code}/{chance.random()}",
            boot_id=now.boot_id,
            pci_address=f"0000:{gpu.number:02x}:00.0",
            code=code,
            detail="pid='<unknown>', name=<unknown>, Ch 00000008",
        )
        history.take_event(event, now, (now.boot_id, int(clock.passed)))


def _ask_bmc(history: History, clock: YearClock, chance: random.Random, seconds: float) -> None:
    """The server's BMC: what is new in its log, then all else."""
    now, share = clock.now(), seconds / (365.25 * SECONDS_PER_DAY)
    if chance.random() < ENTRIES_PER_YEAR * share:
        number = int(clock.passed)
        entry = LogEntry(
            log="sel",
            record=str(number % 65_535),
            told_at=now.wall - 5.0,
            topic=LogTopic.POWER,
            severity=LogSeverity.CRITICAL,
            text=f"PSU{number % 6} Status: Power Supply AC lost, asserted",
            sensor=f"PSU{number % 6} Status",
            sensor_key="0x20/0/0xc9",
            asserted=True,
            raw=f"{number:032x}",
        )
        position = f"{number} {number:032x}"
        batch = LogBatch(bmc="host", log="sel", at=now, entries=(entry,), position=position)
        history.take_log_batch(batch, now)
    sunday = clock.passed % (7 * SECONDS_PER_DAY) < COARSE_SECONDS
    sweep = BmcSweep(
        bmc="host",
        at=now,
        seconds=1.0,
        identity=BmcIdentity(serial="BENCH", firmware="1.0"),
        chassis=Chassis(power_on=not sunday),
        clock_skew=0.0,
    )
    history.take_bmc_sweep(sweep)


def live(
    history: History, clock: YearClock, days: float, step_seconds: float, seed: int = 1
) -> int:
    """Let days pass at a sweep of every board each `step_seconds`; the bytes on disk then."""
    chance = random.Random(seed)
    gpus = _gpus(history)
    end = clock.passed + days * SECONDS_PER_DAY
    while clock.passed < end:
        clock.passed += step_seconds
        for gpu in gpus:
            _befall(history, gpu, clock, chance, step_seconds)
            history.take_sweep(_sweep(gpu, clock, chance))
        _ask_bmc(history, clock, chance, step_seconds)
        history.tick(clock.now())
    return history.size_bytes


def _gpus(history: History) -> list[Gpu]:
    """The boards with the counters that history saw last."""
    records = history.records()
    gpus = []
    for number in range(BOARDS):
        errors = sum(records[key(number)].errors.values())
        held = records[key(number)].held.get("gpuwatch_gpu_ecc_corrected_volatile_errors_total")
        corrected = int(held.value) if held is not None else 0
        gpus.append(Gpu(number, uncorrectable=errors, corrected=corrected, rows=errors))
    return gpus


def cost_of_a_quiet_sweep(history: History, clock: YearClock, sweeps: int = 20_000) -> float:
    """Seconds of one `take_sweep` in which nothing changed: the median of batches."""
    fixed = _sweep(_gpus(history)[0], clock, random.Random(2))
    history.take_sweep(fixed)
    batches = []
    for _ in range(sweeps // 500):
        batch = []
        for _ in range(500):
            clock.passed += 0.001
            batch.append(replace(fixed, at=clock.now(), values=tuple(fixed.values)))
        begin = time.perf_counter()
        for sweep in batch:
            history.take_sweep(sweep)
        batches.append((time.perf_counter() - begin) / len(batch))
    return statistics.median(batches)


def cost_of_judging(history: History, clock: YearClock, times: int = 20) -> float:
    """Seconds to read the records of all boards and judge them: the median."""
    judge = Judge(PolicySettings())
    taken = []
    for _ in range(times):
        clock.passed += 10.0
        begin = time.perf_counter()
        gpus = tuple(
            GpuView(record=record, present=True, answers=1000, last_good=clock.now().wall)
            for record in history.records().values()
        )
        judge.judge(HostView(now=clock.now(), gpus=gpus, driver=DriverHealth.READY))
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; `limit` None is for information."""

    name: str
    measured: float
    unit: str
    limit: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the measurement keeps its limit."""
        return self.limit is None or self.measured < self.limit


def measure(directory: Path, days: float = YEAR_DAYS) -> tuple[Line, ...]:
    """Live through some days, then three years, and weigh."""
    clock = YearClock()
    history = open_history(directory / "history.db", clock)
    plateau = live(history, clock, PLATEAU_DAYS, BUCKET_SECONDS)
    after = live(history, clock, days - PLATEAU_DAYS, COARSE_SECONDS, seed=3)
    growth = (after - plateau) * YEAR_DAYS / (days - PLATEAU_DAYS)
    quiet = cost_of_a_quiet_sweep(history, clock)
    live(history, clock, 2 * YEAR_DAYS, 4 * COARSE_SECONDS, seed=4)
    judging = cost_of_judging(history, clock)
    incidents = sum(len(record.incidents) for record in history.records().values())
    history.close()
    begin = time.perf_counter()
    History.open(directory / "history.db", clock, HistorySettings()).close()
    opening = time.perf_counter() - begin
    return (
        Line(f"history of {BOARDS} boards after 15 days", plateau / 1e6, "MB"),
        Line(f"history after {days:.0f} days", after / 1e6, "MB", TOTAL_LIMIT_BYTES / 1e6),
        Line("growth a year after day 15", growth / 1e6, "MB", GROWTH_LIMIT_BYTES / 1e6),
        Line("growth a board-year", growth / BOARDS, "bytes"),
        Line(f"a quiet sweep of {len(ROWS)} rows, history's part", quiet * 1e6, "us"),
        Line(
            f"judging {BOARDS} boards with 3 years and {incidents} incidents",
            judging * 1e3,
            "ms",
            JUDGING_LIMIT_SECONDS * 1e3,
        ),
        Line("opening three years of history", opening * 1e3, "ms"),
    )


def table(lines: tuple[Line, ...]) -> str:
    """One line a measurement, for a terminal."""
    return "\n".join(
        f"{'ok' if line.holds else 'MISSED':6} {line.name}: {line.measured:,.2f} {line.unit}"
        + (f", limit {line.limit:,.0f}" if line.limit is not None else "")
        for line in lines
    )


def main() -> int:
    """Print the table; exit status 1 when a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.history_year", description=__doc__)
    parser.add_argument("--days", type=float, default=YEAR_DAYS)
    arguments = parser.parse_args()
    # In memory where there is room: the disk's pace is not what is measured here.
    shared = Path("/dev/shm")  # noqa: S108 - a private directory is made in it
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as directory:
        lines = measure(Path(directory), arguments.days)
    print(table(lines))
    return 0 if all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
