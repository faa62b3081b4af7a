"""Bench: every part measured, one table, exit status 1 when a target is missed: `make bench`.

What depends on the machine's speed alone is an aim: missed, it says `slow` and fails nothing.
What is timed or accounted runs alone; growth is counted at the end, beside what only computes.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import (
    backtest,
    bmc,
    fleet,
    history_year,
    idle,
    ladder,
    managers,
    scrape,
    steady,
    sweep,
    web,
)
from bench.table import Row, Verdict, text

BOARD_YEARS = 1_000_000
Part = Callable[[], tuple[Row, ...]]


def _scrape() -> tuple[Row, ...]:
    rows, holds = scrape.run()
    *figures, ratio = (Row(row.name, row.figure, row.target) for row in rows)
    verdict = Verdict.OK if holds else Verdict.MISSED
    return (*figures, Row(ratio.name, ratio.figure, ratio.target, verdict))


def _history() -> tuple[Row, ...]:
    shared = Path("/dev/shm")  # noqa: S108 - a private directory is made in it
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as directory:
        lines = history_year.measure(Path(directory))
    return tuple(
        Row(line.name, f"{line.measured:,.2f} {line.unit}")
        if line.limit is None
        else Row.at_most(line.name, line.measured, line.limit, line.unit)
        for line in lines
    )


def _ladder() -> tuple[Row, ...]:
    return tuple(
        Row(
            f"{one.name}, {one.case}",
            f"{one.measured:.4g}",
            f"{one.expected:g} within 3 standard errors of {one.standard_error:.2g}",
            Verdict.OK if one.holds else Verdict.MISSED,
        )
        for one in ladder.characteristics(BOARD_YEARS)
    )


ALONE: dict[str, Part] = {
    "scrape": _scrape,
    "sweep": sweep.run,
    "idle": idle.run,
    "bmc": bmc.run,
    "web": web.run,
    "backtest": backtest.run,
    "fleet": fleet.run,
}
TOGETHER: dict[str, Part] = {
    "steady": steady.run,
    "managers": managers.run,
    "history": _history,
    "ladder": _ladder,
}


def main() -> int:
    """Measure the parts named, or all."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*ALONE, *TOGETHER, []], help="all by default")
    wanted = parser.parse_args().part or [*ALONE, *TOGETHER]
    began = time.monotonic()
    missed = []
    for name, rows in _measured(wanted):
        print(text(name, rows), flush=True)
        missed += [f"{name}: {row.name}" for row in rows if row.verdict is Verdict.MISSED]
    print(f"-- {time.monotonic() - began:.0f} s")
    for what in missed:
        print(f"missed: {what}")
    return 1 if missed else 0


def _measured(wanted: list[str]) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """The rows of every part wanted, as they come."""
    for name, part in ALONE.items():
        if name in wanted:
            yield name, part()
    with ThreadPoolExecutor() as pool:
        together = {name: pool.submit(part) for name, part in TOGETHER.items() if name in wanted}
        for name, future in together.items():
            yield name, future.result()


if __name__ == "__main__":
    sys.exit(main())
