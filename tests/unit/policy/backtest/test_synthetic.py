"""An invented fleet is what it says: the same for the same seed, and its truth can be found."""

import random
from collections import Counter

import pytest

from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR
from gpuwatch.policy.backtest.lives import Life, Row, What, life_of
from gpuwatch.policy.backtest.scores import backtest
from gpuwatch.policy.backtest.synthetic import BEGINS, COHORTS, Synthetic, synthetic
from gpuwatch.policy.views import PolicySettings

WORDS = {one.value: one for one in What}
ENDS = BEGINS + 5 * SECONDS_PER_YEAR


def _fleet(boards: int = 2000, seed: int = 1) -> Synthetic:
    return synthetic(boards, 5, random.Random(seed))


def _lives(fleet: Synthetic) -> list[Life]:
    rows: dict[tuple[str, str], list[Row]] = {}
    for record in fleet.records:
        row = Row(record.at, WORDS.get(record.event, What.ERROR), 0, record.location)
        rows.setdefault((record.serial, record.cohort), []).append(row)
    return [life_of(*board, told, until=ENDS) for board, told in rows.items()]


def test_the_same_seed_is_the_same_fleet() -> None:
    """A documented example stays what it was."""
    first, again, other = _fleet(200), _fleet(200), _fleet(200, seed=2)

    assert first == again
    assert first.records != other.records


def test_every_row_is_in_order_and_nothing_is_odd() -> None:
    """Rows in time order; each board has service, errors in it, and one end."""
    fleet = _fleet()

    lives = _lives(fleet)
    assert fleet.records == sorted(fleet.records)
    assert {oddity for life in lives for oddity in life.oddities} == set()
    assert all(life.errors and len(life.stays) == 1 for life in lives)
    assert all(BEGINS <= life.stays[0].start < life.stays[0].end <= ENDS for life in lives)


def test_all_kinds_of_rows_are_there() -> None:
    """Removals at an error and for other reasons, resets, boards that came later."""
    fleet = _fleet()

    events = Counter(record.event for record in fleet.records)
    replaced = Counter(record.location for record in fleet.records if record.event == "IN")
    assert min(events[name] for name in ("IN", "OUT", "END", "RESET", "UCE")) > 20
    assert max(replaced.values()) > 1
    assert any(
        error.at == life.stays[0].end
        for life in _lives(fleet)
        for error in life.errors
        if life.stays[0].removed
    )


def test_board_days_are_those_of_boards_without_an_error() -> None:
    """Together with the lives they fill the slots, but for days without a board."""
    fleet = _fleet()

    days = sum(fleet.board_days.values())
    seconds = sum(life.exposure_seconds for life in _lives(fleet))
    years = days * SECONDS_PER_DAY / SECONDS_PER_YEAR + seconds / SECONDS_PER_YEAR
    assert 0.98 * 4.5 * 2000 < years < 1.02 * 4.5 * 2000
    assert all(0 < one <= 31 * 2000 for one in fleet.board_days.values())
    months = sorted({month for _, month in fleet.board_days})
    assert (months[0], months[-1], len(months)) == ("2019-01", "2024-01", 61)


def test_the_true_rates_are_found_again() -> None:
    """First incidents are as frequent as those of healthy boards, and little more."""
    fleet = _fleet(4000)
    days = {
        cohort.name: sum(one for key, one in fleet.board_days.items() if key[0] == cohort.name)
        for cohort in COHORTS
    }

    result = backtest(_lives(fleet), days, PolicySettings(), reset_after_each=False)

    truth = {cohort.name: cohort.healthy_rate_per_year for cohort in COHORTS}
    found = {
        one.cohort: one.per_year.value
        for one in result.first_incidents
        if one.cohort and one.per_year
    }
    assert found == pytest.approx({name: 1.08 * rate for name, rate in truth.items()}, rel=0.12)
