"""Forecast: how likely is another incident? Pure arithmetic on how many there were, and how lately.

An estimate, never a measurement. It knows two sorts of boards. Most are healthy; a few degrade,
and those have half of a fleet's incidents, about one a month each. Over both sorts together a board
has the healthy rate that the settings name. A board's own incidents say which sort it is and how
fast it goes (Gamma-Poisson, docs/explain.md). It is gpuwatch's own, not an NVIDIA criterion.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR

DEGRADING_PER_YEAR = 12.0
DEGRADING_SHARE = 0.5  # of a fleet's incidents
LOOK_BACKS_DAYS = (30.0, 90.0, 365.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The chance of at least one incident within `horizon_seconds` of service, in (0, 1).

    It rests on `incidents` within the last `watched_seconds` of the exposure clock, and on the
    healthy rate per board-year.
    """

    chance: float
    horizon_seconds: float
    incidents: int
    watched_seconds: float
    healthy_rate_per_year: float


def forecast(
    exposures: Sequence[float],
    *,
    exposure_seconds: float,
    horizon_seconds: float,
    healthy_rate_per_year: float,
) -> Forecast:
    """The forecast for a board whose exposure clock stands at `exposure_seconds`.

    `exposures` are the exposure clock, in seconds, of all its incidents. A board that degrades did
    not always: of the last 30, 90 and 365 days of watching, those count that make it likeliest.
    Raises ValueError for a horizon or a rate that is not positive.
    """
    if horizon_seconds <= 0.0:
        raise ValueError(f"horizon_seconds {horizon_seconds}: nothing happens in no time")
    if not 0.0 < healthy_rate_per_year < DEGRADING_PER_YEAR:
        raise ValueError(
            f"healthy_rate_per_year {healthy_rate_per_year}: must be above 0 and below"
            f" {DEGRADING_PER_YEAR:g}, the rate of boards that degrade"
        )
    candidates = []
    for days in LOOK_BACKS_DAYS:
        watched = min(days * SECONDS_PER_DAY, max(exposure_seconds, 0.0))
        incidents = sum(exposure >= exposure_seconds - watched for exposure in exposures)
        candidates.append(
            Forecast(
                chance=chance(
                    incidents,
                    watched / SECONDS_PER_YEAR,
                    horizon_seconds / SECONDS_PER_YEAR,
                    healthy_rate_per_year,
                ),
                horizon_seconds=horizon_seconds,
                incidents=incidents,
                watched_seconds=watched,
                healthy_rate_per_year=healthy_rate_per_year,
            )
        )
    return max(candidates, key=lambda one: one.chance)


def chance(
    incidents: int, watched_years: float, horizon_years: float, healthy_rate_per_year: float
) -> float:
    """The chance of an incident within a horizon, after so many within the years watched.

    A board of either sort has incidents at a rate that is exponentially distributed around the mean
    of its sort; Poisson's law and Bayes' theorem do the rest.
    """
    degrading = DEGRADING_SHARE * healthy_rate_per_year / DEGRADING_PER_YEAR
    healthy_mean = (1.0 - DEGRADING_SHARE) * healthy_rate_per_year / (1.0 - degrading)
    sorts = ((1.0 - degrading, healthy_mean), (degrading, DEGRADING_PER_YEAR))
    logs = [
        math.log(weight) + _log_evidence(incidents, watched_years, 1.0 / mean)
        for weight, mean in sorts
    ]
    top = max(logs)
    weights = [math.exp(one - top) for one in logs]
    chances = [
        -math.expm1(-(incidents + 1) * math.log1p(horizon_years / (1.0 / mean + watched_years)))
        for _, mean in sorts
    ]
    told = sum(map(float.__mul__, weights, chances)) / sum(weights)
    # Rounding must not turn "almost certainly" into a certainty, which nothing is.
    return min(max(told, math.ulp(0.0)), math.nextafter(1.0, 0.0))


def _log_evidence(incidents: int, watched_years: float, prior_years: float) -> float:
    """The logarithm of how likely so many incidents are, but for a factor that all sorts share."""
    years = prior_years + watched_years
    return math.log(prior_years) - (incidents + 1) * math.log(years)
