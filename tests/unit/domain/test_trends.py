"""The ladder flags what chance does not explain, and says so in words a person can check."""

import math
import os
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR
from gpuwatch.domain.trends import Ladder, Rise, poisson_tail, sentence

EXAMPLES = 4_000 if os.environ.get("GPUWATCH_SOAK") else 100
DAY = SECONDS_PER_DAY
RATES = st.floats(0.02, 0.5)
WINDOWS = {
    0.02: (90.0, 365.0, 730.0, 1095.0),
    0.05: (73.4, 365.0, 730.0, 1095.0),
    0.1: (18.3, 264.6, 730.0, 1095.0),
    0.2: (4.6, 92.9, 295.4, 572.0),
    0.5: (0.7, 23.3, 86.1, 179.5),
}


def _exact_tail(least: int, mean: Fraction, terms: int = 60) -> Fraction:
    """The tail of Poisson's law in rational numbers: e^-mean as the inverse of its series."""
    whole = [Fraction(1)]
    for count in range(1, terms):
        whole.append(whole[-1] * mean / count)
    return sum(whole[least:], Fraction(0)) / sum(whole, Fraction(0))


def _rise(incidents: int, days: float, ladder: Ladder | None = None) -> Rise:
    ladder = ladder or Ladder()
    return Rise(
        incidents=incidents,
        window_seconds=days * DAY,
        chance_per_year=ladder.chance_per_year(incidents, days * DAY),
        share_per_year=ladder.share_per_year(incidents),
    )


@pytest.mark.parametrize(("rate", "expected"), WINDOWS.items())
def test_the_windows_are_the_published_ones(rate: float, expected: tuple[float, ...]) -> None:
    """Twenty windows, to a tenth of a day."""
    windows = Ladder(rate).windows_days()

    assert tuple(round(window, 1) for window in windows) == expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(least=st.integers(1, 6), mean=st.floats(1e-12, 12.0))
def test_the_tail_is_exact_to_the_last_digits(least: int, mean: float) -> None:
    """Against rational arithmetic, for means from a trillionth to a dozen."""
    expected = float(_exact_tail(least, Fraction(mean)))

    assert poisson_tail(least, mean) == pytest.approx(expected, rel=1e-12)


def test_the_tail_of_a_tiny_mean_does_not_drown() -> None:
    """1 - P[0] - P[1] would be 0 here; the chance is mean squared over two."""
    assert poisson_tail(2, 1e-9) == pytest.approx(5e-19, rel=1e-8)


@pytest.mark.parametrize(
    ("least", "mean", "expected"),
    [(0, 3.0, 1.0), (1, 0.0, 0.0), (4, 1e6, 1.0), (1, 1e-320, 1e-320)],
)
def test_the_tail_ends_where_it_must(least: int, mean: float, expected: float) -> None:
    """At least none is certain, any from mean 0 is impossible, few from a million is certain."""
    assert poisson_tail(least, mean) == expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(rate=RATES, incidents=st.integers(2, 5), excess=st.floats(1e-6, 10.0))
def test_a_window_is_where_flagging_ends(rate: float, incidents: int, excess: float) -> None:
    """Incidents exactly a window apart are flagged; any longer and they are not, by that rung."""
    ladder = Ladder(rate)
    window = ladder.windows_days()[incidents - 2] * DAY
    share = ladder.share_per_year(incidents)
    cap = (90.0, 365.0, 730.0, 1095.0)[incidents - 2] * DAY

    beyond = window * (1 + excess)

    assert window <= cap
    assert ladder.chance_per_year(incidents, window) <= share
    assert beyond > cap or ladder.chance_per_year(incidents, beyond) > share


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    rate=RATES,
    gaps=st.lists(st.floats(0.1, 500.0).map(lambda days: days * DAY), max_size=7),
    start=st.floats(0.0, 1e9),
)
def test_judging_compares_the_last_incidents_with_the_windows(
    rate: float, gaps: list[float], start: float
) -> None:
    """Flagged exactly when some rung's span of the last incidents fits its window."""
    ladder = Ladder(rate)
    exposures = [start + sum(gaps[:count]) for count in range(len(gaps) + 1)]
    fitting = [
        incidents
        for incidents, days in enumerate(ladder.windows_days(), start=2)
        if incidents <= len(exposures) and exposures[-1] - exposures[-incidents] <= days * DAY
    ]

    rise = ladder.judge(exposures)

    assert (rise is not None) == bool(fitting)
    assert rise is None or rise.incidents in fitting


@given(rate=RATES, budget=st.floats(1e-6, 0.01))
def test_the_shares_stay_within_the_budget(rate: float, budget: float) -> None:
    """The sum over all rungs never exceeds the budget, for a fleet of any size."""
    ladder = Ladder(rate, budget)

    assert math.fsum(ladder.share_per_year(incidents) for incidents in range(2, 6)) <= budget


@pytest.mark.parametrize("exposures", [(), (5.0,), (0.0, 74 * DAY), (0.0, 200 * DAY, 400 * DAY)])
def test_few_or_rare_incidents_are_no_rise(exposures: tuple[float, ...]) -> None:
    """None, one, or two further apart than 73.4 days: a healthy board has that."""
    assert Ladder().judge(exposures) is None


def test_two_incidents_twelve_days_apart_are_a_rise() -> None:
    """The rise carries its numbers: how many, how near, how rare, against which share."""
    rise = Ladder().judge([7 * DAY, 19 * DAY])

    assert rise is not None
    assert (rise.incidents, rise.window_seconds, rise.share_per_year) == (2, 12 * DAY, 0.0005)
    assert rise.chance_per_year == pytest.approx(8.207e-5, rel=1e-3)


def test_three_slow_incidents_are_a_rise_that_pairs_are_not() -> None:
    """No two within 73 days, three within a year: the second rung holds."""
    rise = Ladder().judge([0.0, 150 * DAY, 300 * DAY])

    assert rise is not None
    assert (rise.incidents, rise.window_seconds) == (3, 300 * DAY)


def test_of_several_rises_the_least_explained_is_named() -> None:
    """Three within twelve days are stronger evidence than the last two of them."""
    rise = Ladder().judge([0.0, 6 * DAY, 12 * DAY])

    assert rise is not None
    assert rise.incidents == 3


def test_an_incident_found_late_is_judged_in_its_place() -> None:
    """The order of finding does not matter, only the times."""
    assert Ladder().judge([19 * DAY, 7 * DAY]) == Ladder().judge([7 * DAY, 19 * DAY])


@pytest.mark.parametrize(
    ("rate", "budget", "says"),
    [
        (0.019, 0.001, "healthy_rate_per_year 0.019: below the floor of 0.02.*use 0.02"),
        (math.nan, 0.001, "healthy_rate_per_year nan: below the floor"),
        (0.51, 0.001, "healthy_rate_per_year 0.51: above the cap of 0.5.*disable"),
        (0.05, 0.0, "budget_per_year 0.0: .*above 0.*default is 0.001"),
        (0.05, 0.05, "budget_per_year 0.05: .*below the healthy rate of 0.05"),
        (0.05, math.nan, "budget_per_year nan"),
    ],
)
def test_an_impossible_ladder_is_refused(rate: float, budget: float, says: str) -> None:
    """The message names the value, the rule and the way out."""
    with pytest.raises(ValueError, match=says):
        Ladder(rate, budget)


def test_the_sentence_names_dates_rates_and_whose_rule_it_is() -> None:
    """The very words that go on a work order."""
    dates = [datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 14, tzinfo=UTC)]

    assert sentence(_rise(2, 12.0), dates, Ladder()) == (
        "2 uncorrectable-error incidents 12 days apart (2026-03-02, 2026-03-14); a healthy board "
        "has one in 20 years; by chance this happens 0.08 times per 1,000 board-years. gpuwatch "
        "heuristic, not an NVIDIA criterion."
    )


def test_the_sentence_of_many_names_only_their_dates() -> None:
    """Four incidents stand within a span; an older fifth is not theirs."""
    first = datetime(2026, 1, 1, 23, tzinfo=timezone(timedelta(hours=-5)))
    dates = [first - timedelta(days=900)] + [first + timedelta(days=100 * n) for n in range(4)]

    text = sentence(_rise(4, 300.0, Ladder(0.07)), dates, Ladder(0.07))

    assert text.startswith(
        "4 uncorrectable-error incidents within 300 days "
        "(2026-01-02, 2026-04-12, 2026-07-21, 2026-10-29); a healthy board has one in 14 years; "
        "by chance this happens 0.002 times per 1,000 board-years."
    )


@pytest.mark.parametrize(
    ("watched", "calendar", "expected"),
    [
        (timedelta(hours=30), timedelta(hours=30), "30 hours apart"),
        (timedelta(hours=1), timedelta(hours=1), "1 hour apart"),
        (timedelta(minutes=5), timedelta(hours=30), "less than an observed hour apart"),
        (timedelta(minutes=5), timedelta(minutes=5), "less than an hour apart"),
        (timedelta(hours=1), timedelta(hours=30), "1 observed hour apart"),
        (timedelta(days=12), timedelta(days=40), "12 observed days apart"),
        (timedelta(days=73.4), timedelta(days=73.3), "73 days apart"),
    ],
)
def test_a_span_is_spoken_in_readable_numbers(
    watched: timedelta, calendar: timedelta, expected: str
) -> None:
    """Hours below two days, days above; where the board was not always watched it says observed."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    rise = _rise(2, watched / timedelta(days=1))

    text = sentence(rise, [start, start + calendar], Ladder())

    assert f"incidents {expected} (2026-03-02" in text


@pytest.mark.parametrize(
    ("per_thousand", "expected"),
    [
        (0.0, "less than 0.001 times"),
        (0.00099, "less than 0.001 times"),
        (0.0012, "0.001 times"),
        (0.082, "0.08 times"),
        (0.5, "0.5 times"),
        (0.96, "1 time"),
        (3.4, "3 times"),
        (17.0, "20 times"),
    ],
)
def test_a_chance_is_spoken_to_one_digit(per_thousand: float, expected: str) -> None:
    """No false precision, and no zero for what is only rare."""
    dates = [datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 14, tzinfo=UTC)]
    rise = Rise(
        incidents=2,
        window_seconds=12 * DAY,
        chance_per_year=per_thousand / 1000,
        share_per_year=0.0005,
    )

    text = sentence(rise, dates, Ladder())

    assert f"this happens {expected} per 1,000 board-years" in text


@pytest.mark.parametrize(
    ("rate", "years"),
    [(0.02, "50"), (0.05, "20"), (0.1, "10"), (0.2, "5"), (0.3, "3.3"), (0.5, "2")],
)
def test_the_expected_rate_is_spoken_in_years(rate: float, years: str) -> None:
    """Two digits at most."""
    dates = [datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 14, tzinfo=UTC)]

    assert f"has one in {years} years;" in sentence(_rise(2, 12.0), dates, Ladder(rate))


def test_a_sentence_without_its_dates_is_refused() -> None:
    """Two incidents with one date would name a wrong one."""
    with pytest.raises(ValueError, match="2 incidents need as many dates, not 1"):
        sentence(_rise(2, 12.0), [datetime(2026, 3, 2, tzinfo=UTC)], Ladder())


def test_a_year_is_three_hundred_and_sixty_five_and_a_quarter_days() -> None:
    """Rates are per such a year, everywhere."""
    assert Ladder(0.05).chance_per_year(2, SECONDS_PER_YEAR) == pytest.approx(
        0.05 * -math.expm1(-0.05)
    )
