"""A year of eight boards: what history weighs stays within its budget."""

import os
from pathlib import Path

import pytest

from bench.history_year import (
    BOARDS,
    BUCKET_SECONDS,
    COARSE_SECONDS,
    GROWTH_LIMIT_BYTES,
    PLATEAU_DAYS,
    TOTAL_LIMIT_BYTES,
    YEAR_DAYS,
    YearClock,
    key,
    live,
    open_history,
)

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
DAYS = YEAR_DAYS - PLATEAU_DAYS if SOAK else 60.0
STEP_SECONDS = BUCKET_SECONDS if SOAK else 4 * COARSE_SECONDS


@pytest.mark.timeout(2900 if SOAK else 300)
def test_a_year_stays_within_its_budget(tmp_path: Path) -> None:
    """Series reach their size in fifteen days; after that only faults add to the file."""
    clock = YearClock()
    history = open_history(tmp_path / "history.db", clock)

    plateau = live(history, clock, PLATEAU_DAYS, BUCKET_SECONDS)
    after = live(history, clock, DAYS, STEP_SECONDS, seed=3)
    points = [len(history.series(key(number), 0.0)) for number in range(BOARDS)]
    history.close()

    assert (after - plateau) * YEAR_DAYS / DAYS < GROWTH_LIMIT_BYTES
    assert after < TOTAL_LIMIT_BYTES
    assert min(points) >= 14 * 288
    assert max(points) <= 14 * 288 * 1.1
