"""Backtest: 100,000 board-years of a fleet's history through `gpuwatch backtest`.

Its time is an aim, as the machine decides. The ratio is that of the CPU time for four times the
fleet: every board is judged by itself, so that it grows with the fleet and not faster.

    python -m bench.backtest
"""

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.table import Row, text

AIM_SECONDS = 30.0
RATIO_OF_FOUR_TIMES = 4.8
SEED = 20_260_302
YEARS = 5
BOARD_YEARS = 100_000
_ERRORS_PER_BOARD = 3.0
_BEGINS = datetime(2019, 1, 1, tzinfo=UTC)


def write_history(path: Path, board_years: int) -> int:
    """A history in which every board has rows and a dozen times the errors of a healthy one."""
    luck = random.Random(SEED)
    days = YEARS * 365.25
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("serial", "time", "event", "location"))
        for board in range(board_years // YEARS):
            errors = int(luck.expovariate(1 / _ERRORS_PER_BOARD))
            told = [(0.0, "IN"), *((luck.random() * days, "UCE") for _ in range(errors))]
            for day, event in (*told, (days, "END")):
                at = f"{_BEGINS + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}"
                writer.writerow((f"{board:07d}", at, event, f"h{board // 8:05d}-{board % 8}"))
                rows += 1
    return rows


def replayed(path: Path) -> tuple[float, float]:
    """Seconds that the command takes on the wall, and of CPU."""
    spent, began = _children(), time.monotonic()
    command = [sys.executable, "-m", "gpuwatch", "backtest", "--events", str(path), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began, _children() - spent


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run() -> tuple[Row, ...]:
    """The rows of this part."""
    with tempfile.TemporaryDirectory() as directory:
        whole, quarter = Path(directory) / "whole.csv", Path(directory) / "quarter.csv"
        rows = write_history(whole, BOARD_YEARS)
        write_history(quarter, BOARD_YEARS // 4)
        seconds, spent = replayed(whole)
        spent_on_quarter = replayed(quarter)[1]
    return (
        Row("board-years, rows", f"{BOARD_YEARS:,}, {rows:,}"),
        Row.at_most("replayed within", seconds, AIM_SECONDS, "s", aim=True),
        Row.at_most(
            "CPU time of four times the fleet", spent / spent_on_quarter, RATIO_OF_FOUR_TIMES
        ),
    )


if __name__ == "__main__":
    print(text("backtest", run()))
