"""Scores are what a person counts by hand, and the published false-flag rates on Poisson fleets."""

import math
import os
import random
from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.ladder import SEED, YEARS, boards_with_two_errors
from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR
from gpuwatch.policy.backtest.estimates import Estimate, Follow, Quartiles, rate, wilson
from gpuwatch.policy.backtest.lives import Error, Life, Stay
from gpuwatch.policy.backtest.scores import Backtest, FirstIncidents, Score, backtest
from gpuwatch.policy.views import PolicySettings
from tests.support.fleets import DAY, START, board, life

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
BOARD_YEARS = 10_000_000 if SOAK else 500_000
YEAR_DAYS = 365.25

# Six boards of one fleet, for 1000 days unless they leave; days of their incidents (UCE).
FLEET = (
    life("0 IN", "1000 END", serial="A"),
    life("0 IN", "100 UCE", "1000 END", serial="B"),
    life("0 IN", "100 UCE", "130 UCE", "150 UCE", "1000 END", serial="C"),
    life("0 IN", "100 UCE", "110 UCE", "110 OUT", serial="D"),
    life("0 IN", "100 UCE", "120 UCE", "140 OUT", serial="E"),
    life("0 IN", "100 UCE", "300 UCE", "1000 END", serial="F"),
)


def _run(
    *lives: Life, days: dict[str, float] | None = None, policy: PolicySettings | None = None
) -> Backtest:
    return backtest(lives, days or {}, policy or PolicySettings(), reset_after_each=True)


def _score(result: Backtest, name: str) -> Score:
    return next(score for score in result.scores if score.name == name)


def _ends(estimate: Estimate | None) -> tuple[float, ...]:
    assert estimate is not None
    return estimate.value, estimate.low, estimate.high


def test_a_fleet_is_counted() -> None:
    """Boards, service, errors, incidents, removals."""
    fleet = _run(*FLEET, days={"": 2 * YEAR_DAYS, "B": YEAR_DAYS}).fleet

    assert fleet.boards == 6
    assert fleet.board_years == pytest.approx(4250 / YEAR_DAYS)
    assert fleet.board_years_without_events == pytest.approx(3)
    assert (fleet.errors, fleet.incidents, fleet.boards_with_incidents) == (10, 10, 5)
    assert fleet.repeat_incidents == 5
    assert (fleet.removals, fleet.removals_at_an_error) == (2, 1)


def test_the_trend_test_is_scored_as_counted_by_hand() -> None:
    """C, D and E are flagged at their second; D was removed at it, E 20 days later.

    Followed are C (again after 20 days) and E (gone after 20 days): nobody for 30 days. Of five
    repeats one, C's third, came a day or more after the flag.
    """
    score = _score(_run(*FLEET), "gpuwatch")

    years = 4250 / YEAR_DAYS
    assert (score.flags, score.unscorable, score.forewarned) == (3, 1, 1)
    assert score.per_thousand_board_years == rate(3, years / 1000)
    assert score.again == {30: None, 90: None, 365: None}
    assert score.recall is not None
    assert score.recall.value == pytest.approx(1 / 5)
    assert score.lead_days == Quartiles(lower=20.0, median=20.0, upper=20.0, count=1)


def test_any_incident_is_scored_as_counted_by_hand() -> None:
    """All five with an incident; again after 30, 10, 20 and 200 days, B never."""
    score = _score(_run(*FLEET), "any incident")

    assert (score.flags, score.unscorable, score.forewarned) == (5, 0, 5)
    assert [_ends(estimate) for estimate in score.again.values()] == [
        pytest.approx(_ends(wilson(0.6, 5))),
        pytest.approx(_ends(wilson(0.6, 5))),
        pytest.approx(_ends(wilson(0.8, 5))),
    ]
    assert score.recall == wilson(1.0, 4)
    assert score.lead_days == Quartiles(lower=17.5, median=25.0, upper=72.5, count=4)


@pytest.mark.parametrize(
    ("name", "flags", "forewarned"), [("2 ever", 4, 1), ("2 in 90 days", 3, 1)]
)
def test_naive_policies_are_scored_beside_it(name: str, flags: int, forewarned: int) -> None:
    """F's two lie 200 days apart."""
    score = _score(_run(*FLEET), name)

    assert (score.flags, score.unscorable, score.forewarned) == (flags, 1, forewarned)


def test_a_flag_a_whole_day_before_forewarns() -> None:
    """A new incident opens 24 hours after the last at the earliest."""
    score = _score(_run(life("0 IN", "5 UCE", "6 UCE", "9 END")), "any incident")

    assert (score.flags, score.forewarned) == (1, 1)


def test_a_fleet_without_an_error_has_no_flag_and_no_share() -> None:
    """No flag is not a share of 0."""
    score = _score(_run(FLEET[0]), "gpuwatch")

    assert (score.flags, score.recall, score.lead_days) == (0, None, None)
    assert set(score.again.values()) == {None}


def test_each_flag_tells_its_board_and_its_reason() -> None:
    """In time order, in the words of the agent."""
    first, second, third = _run(*FLEET).raised

    assert [one.serial for one in (first, second, third)] == ["D", "E", "C"]
    assert first.follow is None
    assert second.follow == Follow(20 * DAY, happened=False)
    assert third.follow == Follow(20 * DAY, happened=True)
    assert third.rise.incidents == 2
    assert third.at == START + 130 * DAY
    assert third.sentence.startswith(
        "2 uncorrectable-error incidents 30 days apart (2019-04-11, 2019-05-11); "
        "a healthy board has one in 20 years;"
    )


def test_first_incidents_count_time_until_the_first() -> None:
    """5 boards until day 100, one for all its time; a degrading board counts once."""
    (fleet,) = _run(*FLEET).first_incidents

    years = 1500 / YEAR_DAYS
    assert (fleet.cohort, fleet.incidents) == (None, 5)
    assert fleet.board_years == pytest.approx(years)
    assert fleet.per_year == rate(5, fleet.board_years)


def test_first_incidents_are_told_of_each_cohort() -> None:
    """Boards in the events, boards that are only in the exposure, and those without a cohort."""
    result = _run(
        board((10.0,), 100.0, cohort="X"), board((), 100.0, serial="B"), days={"X": 40, "Y": 7}
    )

    told = [(one.cohort, one.incidents) for one in result.first_incidents]
    years = [one.board_years for one in result.first_incidents]
    assert told == [(None, 1), ("", 0), ("X", 1), ("Y", 0)]
    assert years == pytest.approx([days / YEAR_DAYS for days in (157, 100, 50, 7)])


@pytest.mark.parametrize(
    ("incidents", "years", "expected"),
    [
        (19, 400.0, None),
        (20, 400.0, 0.078),
        (20, 4_000.0, 0.02),
        (200, 100.0, 0.5),
        (0, 0.0, None),
    ],
)
def test_a_rate_on_the_safe_side_is_suggested(
    incidents: int, years: float, expected: float | None
) -> None:
    """The upper end, rounded up, between floor and cap; nothing of few."""
    firsts = FirstIncidents(
        cohort=None, incidents=incidents, board_years=years, per_year=rate(incidents, years)
    )

    assert firsts.suggested_rate_per_year == expected


@settings(deadline=None)
@given(luck=st.randoms(use_true_random=False))
def test_the_order_of_boards_does_not_matter(luck: random.Random) -> None:
    """Neither flags nor scores depend on it."""
    shuffled = luck.sample(FLEET, len(FLEET))

    assert _run(*shuffled) == _run(*FLEET)


def test_a_smaller_budget_flags_less() -> None:
    """Two 20 or 30 days apart no longer, 10 days still, and three within 50 days."""
    few = _run(*FLEET, policy=PolicySettings(budget_per_year=0.0002))

    assert [one.serial for one in few.raised] == ["D", "C"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("reset_after_each", "published"), [(True, 0.497), (False, 0.448)])
def test_a_poisson_fleet_has_the_published_false_flags(
    *, reset_after_each: bool, published: float
) -> None:
    """Healthy boards with 0.05 errors a year, five years each, within three standard errors."""
    boards = round(BOARD_YEARS / YEARS)
    span = YEARS * SECONDS_PER_YEAR
    luck = random.Random(SEED)
    sick = [
        _life_of(number, times)
        for number, times in enumerate(boards_with_two_errors(boards, 0.05 * YEARS, span, luck))
    ]
    others = {"": (boards - len(sick)) * span / SECONDS_PER_DAY}

    result = backtest(sick, others, PolicySettings(), reset_after_each=reset_after_each)

    measured = _score(result, "gpuwatch").per_thousand_board_years
    standard_error = math.sqrt(published / (BOARD_YEARS / 1000))
    assert measured is not None
    assert measured.value == pytest.approx(published, abs=3 * standard_error + 0.0005)
    assert result.fleet.all_board_years == pytest.approx(BOARD_YEARS)


def _life_of(number: int, times: list[float]) -> Life:
    kind = FLEET[1].errors[0].kind
    return Life(
        serial=f"S{number}",
        cohort="",
        stays=(Stay(start=START, end=START + YEARS * SECONDS_PER_YEAR, removed=False),),
        errors=tuple(Error(at=START + at, exposure=at, kind=kind, location="") for at in times),
        resets=(),
    )


def test_estimates_are_plain_numbers() -> None:
    """What is printed has no surprise in it."""
    estimate = _score(_run(*FLEET), "any incident").per_thousand_board_years

    assert estimate is not None
    assert all(isinstance(number, float) for number in astuple(estimate))
