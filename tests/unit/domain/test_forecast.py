"""The forecast grows with time and with incidents, and is a chance."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.forecast import DEGRADING_PER_YEAR, chance, forecast
from gpuwatch.domain.moments import SECONDS_PER_DAY as DAY
from gpuwatch.domain.moments import SECONDS_PER_YEAR as YEAR

COUNTS = st.integers(0, 400)
YEARS = st.floats(0.0, 20.0)
HORIZONS = st.floats(1e-7, 10.0)
RATES = st.floats(0.02, 0.5)
WITHIN_ROUNDING = 1e-12


@given(COUNTS, YEARS, HORIZONS, RATES)
def test_it_is_a_chance(incidents: int, watched: float, horizon: float, rate: float) -> None:
    """Neither nothing nor certainty, whatever happened."""
    told = chance(incidents, watched, horizon, rate)

    assert 0.0 < told < 1.0


@given(COUNTS, YEARS, HORIZONS, HORIZONS, RATES)
def test_it_grows_with_the_time_ahead(
    incidents: int, watched: float, one: float, other: float, rate: float
) -> None:
    """A later window leaves more time for an incident."""
    sooner, later = sorted((one, other))

    assert chance(incidents, watched, sooner, rate) <= chance(incidents, watched, later, rate)


@given(COUNTS, YEARS, HORIZONS, RATES)
def test_it_grows_with_every_incident(
    incidents: int, watched: float, horizon: float, rate: float
) -> None:
    """A board that has had one more is no better."""
    fewer = chance(incidents, watched, horizon, rate)
    more = chance(incidents + 1, watched, horizon, rate)

    assert fewer <= more + WITHIN_ROUNDING


@given(COUNTS, YEARS, YEARS, HORIZONS, RATES)
def test_it_falls_with_the_quiet_time_watched(
    incidents: int, one: float, other: float, horizon: float, rate: float
) -> None:
    """As many incidents in a longer time are fewer."""
    short, long = sorted((one, other))
    after_short = chance(incidents, short, horizon, rate)

    assert chance(incidents, long, horizon, rate) <= after_short + WITHIN_ROUNDING


@given(st.lists(st.floats(0.0, 3 * YEAR), max_size=12), st.floats(0.0, 3 * YEAR), HORIZONS, RATES)
def test_another_incident_of_the_board_never_calms(
    exposures: list[float], another: float, horizon: float, rate: float
) -> None:
    """However long ago it was."""
    clock, ahead = 3 * YEAR, horizon * YEAR

    fewer, more = (
        forecast(
            told, exposure_seconds=clock, horizon_seconds=ahead, healthy_rate_per_year=rate
        ).chance
        for told in (exposures, [*exposures, another])
    )

    assert fewer <= more + WITHIN_ROUNDING


def test_a_board_nobody_has_watched_has_the_healthy_rate() -> None:
    """The two sorts together have the mean of the settings, and so is a short time's chance."""
    told = chance(0, 0.0, 1e-6, 0.05)

    assert told == pytest.approx(0.05e-6, rel=1e-3)


def test_it_is_what_bayes_says() -> None:
    """The same by summing over rates: 2 incidents in a quarter, the week after, 0.05 a year."""
    degrading = 0.5 * 0.05 / DEGRADING_PER_YEAR
    sorts = ((1 - degrading, 0.025 / (1 - degrading)), (degrading, DEGRADING_PER_YEAR))
    rates = [step * 0.002 for step in range(1, 100_000)]
    density = [
        sum(weight / mean * math.exp(-rate / mean) for weight, mean in sorts) for rate in rates
    ]
    likely = [d * rate**2 * math.exp(-rate / 4) for d, rate in zip(density, rates, strict=True)]
    expected = sum(
        one * -math.expm1(-rate / 52) for one, rate in zip(likely, rates, strict=True)
    ) / sum(likely)

    assert chance(2, 1 / 4, 1 / 52, 0.05) == pytest.approx(expected, rel=1e-4)


def test_what_happened_lately_counts_most() -> None:
    """One incident last week worries more than one a quarter ago, and that more than an old one."""
    told = [
        forecast(
            [2 * YEAR - days * DAY],
            exposure_seconds=2 * YEAR,
            horizon_seconds=7 * DAY,
            healthy_rate_per_year=0.05,
        )
        for days in (7, 60, 200, 500)
    ]

    assert [one.incidents for one in told] == [1, 1, 1, 0]
    assert all(sooner.chance > later.chance for sooner, later in pairwise(told))


def test_a_young_board_was_watched_for_its_life_only() -> None:
    """Ten days are ten days."""
    told = forecast(
        [5 * DAY], exposure_seconds=10 * DAY, horizon_seconds=DAY, healthy_rate_per_year=0.05
    )

    assert (told.incidents, told.watched_seconds) == (1, 10 * DAY)


@pytest.mark.parametrize(
    ("horizon", "rate", "match"), [(0.0, 0.05, "no time"), (1.0, 0.0, "above 0"), (1.0, 12.0, "12")]
)
def test_what_makes_no_sense_is_refused(horizon: float, rate: float, match: str) -> None:
    """A horizon of nothing, a rate of nothing, a fleet where everything degrades."""
    with pytest.raises(ValueError, match=match):
        forecast([], exposure_seconds=DAY, horizon_seconds=horizon, healthy_rate_per_year=rate)
