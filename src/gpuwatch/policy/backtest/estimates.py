"""Estimates: rates and shares with the 95 % intervals that their counts allow. Pure arithmetic."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from gpuwatch.domain.trends import poisson_tail

# The 97.5th percentile of the normal distribution: 2.5 % lie outside of a 95 % interval each side.
_Z = 1.959963984540054
_TAIL = 0.025
# Above it the exact interval differs from Wilson and Hilferty's by less than 1 in 100,000.
_EXACT_UP_TO = 500
_FEWEST_FOR_A_SPREAD = 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate or a share, and the ends of its 95 % interval, in the same unit."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quartiles:
    """A quarter, a half and three quarters of `count` values lie below these."""

    lower: float
    median: float
    upper: float
    count: int


@dataclass(frozen=True, slots=True)
class Follow:
    """How long a board was followed in service, in seconds, and whether an incident ended that.

    Otherwise its removal or the end of its history did.
    """

    seconds: float
    happened: bool


def rate(count: int, exposure: float) -> Estimate | None:
    """Events per unit of `exposure`, with the exact Poisson interval (Garwood, 1936).

    None without exposure. The exact ends are where chance gives so many, or so few, in 2.5 % of
    cases; above 500 events they are Wilson and Hilferty's, which cannot be told from them.
    """
    if exposure <= 0.0:
        return None
    low, high = _poisson_ends(count)
    return Estimate(count / exposure, low / exposure, high / exposure)


def _poisson_ends(count: int) -> tuple[float, float]:
    if count > _EXACT_UP_TO:
        return _wilson_hilferty(count, -_Z), _wilson_hilferty(count + 1, _Z)
    low = _mean_with_tail(count, _TAIL) if count else 0.0
    return low, _mean_with_tail(count + 1, 1.0 - _TAIL)


def _wilson_hilferty(count: int, deviation: float) -> float:
    return count * (1.0 - 1.0 / (9.0 * count) + deviation / (3.0 * math.sqrt(count))) ** 3


def _mean_with_tail(least: int, chance: float) -> float:
    """The mean at which Poisson's law gives `least` or more with this chance, by bisection."""
    low, high = 0.0, least + 10.0 * math.sqrt(least) + 10.0
    while low < (middle := (low + high) / 2.0) < high:
        if poisson_tail(least, middle) < chance:
            low = middle
        else:
            high = middle
    return high


def wilson(share: float, size: float) -> Estimate:
    """A share of `size` independent cases with Wilson's score interval (1927).

    `size` may be an effective size: how many independent cases would tell as much.
    """
    squared = _Z * _Z / size
    centre = (share + squared / 2.0) / (1.0 + squared)
    reach = _Z * math.sqrt(share * (1.0 - share) / size + squared / (4.0 * size)) / (1.0 + squared)
    return Estimate(
        share, max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach))
    )


def clustered_share(counts: Sequence[tuple[int, int]]) -> Estimate | None:
    """A share whose cases come in clusters: (hits, cases) of each board that has any.

    None without a case. The interval is Wilson's on the effective size that the spread between
    boards leaves (the variance of a ratio estimate); where nothing spreads, a board is one case.
    """
    cases = sum(of for _, of in counts)
    if not cases:
        return None
    share = sum(hits for hits, _ in counts) / cases
    boards = len(counts)
    squares = sum((hits - share * of) ** 2 for hits, of in counts)
    if boards < _FEWEST_FOR_A_SPREAD or squares <= 0.0:
        return wilson(share, boards)
    variance = squares * boards / (boards - 1) / cases**2
    return wilson(share, min(cases, share * (1.0 - share) / variance))


def share_within(follows: Sequence[Follow], seconds: float) -> Estimate | None:
    """The share to which it happens within `seconds`, by Kaplan and Meier (1958).

    Whoever was followed for less without it is censored: it counts for as long as it was followed.
    What happens at an instant comes before what is censored then. The interval is Wilson's on the
    effective size that Greenwood's variance leaves (without censoring: the number of cases). None
    when nobody was followed for so long and chance may have kept it from the last one.
    """
    survival, greenwood = 1.0, 0.0
    ends = sorted(follows, key=lambda one: (one.seconds, not one.happened))
    seen = 0
    for index, one in enumerate(ends):
        if one.seconds > seconds or not one.happened:
            continue
        at_risk = len(ends) - index
        survival *= 1.0 - 1.0 / at_risk
        seen += 1
        if at_risk > 1:
            greenwood += 1.0 / (at_risk * (at_risk - 1))
    followed = sum(one.seconds >= seconds for one in ends)
    if survival <= 0.0:
        return wilson(1.0, seen)
    if not followed:
        return None
    if not seen:
        return wilson(0.0, followed)
    return wilson(1.0 - survival, (1.0 - survival) / (survival * greenwood))


def quartiles(values: Sequence[float]) -> Quartiles | None:
    """The quartiles of all values, between two of them on the straight line; None of none."""
    if not values:
        return None
    if len(values) < _FEWEST_FOR_A_SPREAD:
        return Quartiles(lower=values[0], median=values[0], upper=values[0], count=1)
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Quartiles(lower=lower, median=median, upper=upper, count=len(values))
