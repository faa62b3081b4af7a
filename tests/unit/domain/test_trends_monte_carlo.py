"""The ladder does what is published of it: false flags, detection, time to the flag."""

import math
import os
import random

import pytest

from bench.ladder import (
    SEED,
    YEARS,
    Characteristic,
    boards_with_two_errors,
    characteristics,
    false_flags,
    first_flag,
    table,
)
from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR
from gpuwatch.domain.trends import Ladder

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
BOARD_YEARS = 10_000_000 if SOAK else 1_000_000
BOARDS = 2_000_000 if SOAK else 40_000
DAY = SECONDS_PER_DAY


@pytest.mark.timeout(600)
def test_the_published_characteristics_are_reproduced() -> None:
    """Through the agent's own incidents and ladder, within three standard errors."""
    measured = characteristics(BOARD_YEARS)

    assert [one for one in measured if not one.holds] == [], table(measured)


def test_a_ladder_twice_as_generous_is_noticed() -> None:
    """The measurement can fail: with twice the budget there are too many false flags."""
    generous = Ladder(budget_per_year=0.002)

    measured = false_flags(
        BOARD_YEARS, reset_after_each=True, luck=random.Random(SEED), ladder=generous
    )

    assert not measured.holds


def test_skipping_boards_without_two_errors_changes_no_distribution() -> None:
    """Number of boards and of errors drawn are those of Poisson's law, within four sigma."""
    mean = 0.05 * YEARS
    span = YEARS * SECONDS_PER_YEAR

    drawn = list(boards_with_two_errors(BOARDS, mean, span, random.Random(SEED)))

    expected_boards = BOARDS * (1 - math.exp(-mean) * (1 + mean))
    expected_errors = BOARDS * mean * (1 - math.exp(-mean))
    errors = sum(len(times) for times in drawn)
    assert len(drawn) == pytest.approx(expected_boards, abs=4 * math.sqrt(expected_boards))
    assert errors == pytest.approx(expected_errors, abs=4 * math.sqrt(2.1 * expected_errors))
    assert all(times == sorted(times) and 0 <= times[0] <= times[-1] < span for times in drawn)


@pytest.mark.parametrize(
    ("days", "reset_after_each", "expected"),
    [
        ([0.0, 12.0], True, 12.0),
        ([0.0, 12.0], False, 12.0),
        ([0.0, 6.0], True, 6.0),
        ([0.0, 6.0], False, None),
        ([0.0, 0.5], True, None),
        ([0.0, 74.0], True, None),
        ([0.0, 100.0, 200.0, 203.0], False, 200.0),
    ],
)
def test_the_first_flag_is_raised_when_it_should(
    days: list[float], reset_after_each: bool, expected: float | None
) -> None:
    """Two incidents within 73.4 days, three within a year; what one incident absorbs is none."""
    flagged = first_flag(
        [day * DAY for day in days], reset_after_each=reset_after_each, ladder=Ladder()
    )

    assert flagged == (None if expected is None else expected * DAY)


def test_a_missed_characteristic_is_named() -> None:
    """The table says which number missed, by how much, and in which case."""
    one = Characteristic(
        name="flags",
        reset_after_each=False,
        measured=0.62,
        expected=0.5,
        standard_error=0.03,
        rounding=0.005,
    )

    assert table((one,)) == ("MISSED flags (no resets): 0.62, published 0.5, standard error 0.03")
