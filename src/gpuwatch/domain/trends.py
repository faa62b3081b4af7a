"""Trends: do incidents come faster than chance lets them? Pure arithmetic on incident times.

The false-flag-budget ladder. A healthy board has incidents at some rate; chance alone brings k of
them within a span w at a rate that Poisson's law gives. A board is flagged when that rate is below
its share of a budget of false flags. It is gpuwatch's own heuristic, not an NVIDIA criterion.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR

FLOOR_PER_YEAR = 0.02
CAP_PER_YEAR = 0.5
_CAPS_DAYS = {2: 90.0, 3: 365.0, 4: 730.0, 5: 1095.0}
_SECONDS_PER_HOUR = 3600.0
_HOURS_ARE_SPOKEN_BELOW_DAYS = 2.0
_LEAST_SPOKEN_CHANCE = 0.001
_LAST_BIT = 2.0**-53
_PAIR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """`incidents` within `window_seconds` of exposure: too rare by chance for a healthy board.

    `chance_per_year` is how often chance alone brings so many so near on a healthy board, and
    `share_per_year` the part of the budget it was compared with, both per board-year.
    """

    incidents: int
    window_seconds: float
    chance_per_year: float
    share_per_year: float


@dataclass(frozen=True, slots=True)
class Ladder:
    """What a healthy board does and how many false flags we accept, both per board-year.

    Raises ValueError for a rate outside [0.02, 0.5], and for a budget that is not positive or not
    below the rate.
    """

    healthy_rate_per_year: float = 0.05
    budget_per_year: float = 0.001

    def __post_init__(self) -> None:
        rate, budget = self.healthy_rate_per_year, self.budget_per_year
        if not rate >= FLOOR_PER_YEAR:
            raise ValueError(
                f"healthy_rate_per_year {rate}: below the floor of {FLOOR_PER_YEAR}, which no "
                f"fleet's history can prove (use {FLOOR_PER_YEAR})"
            )
        if rate > CAP_PER_YEAR:
            raise ValueError(
                f"healthy_rate_per_year {rate}: above the cap of {CAP_PER_YEAR}, a board with so "
                f"many incidents is not healthy (use {CAP_PER_YEAR}, or disable "
                "rising-uncorrectable-trend for these boards)"
            )
        if not 0.0 < budget < rate:
            raise ValueError(
                f"budget_per_year {budget}: false flags per board-year must be above 0 and below "
                f"the healthy rate of {rate} (the default is 0.001)"
            )

    def share_per_year(self, incidents: int) -> float:
        """The part of the budget for `incidents` = 2..5; all parts together stay within it."""
        return self.budget_per_year * 2.0 ** (1 - incidents)

    def chance_per_year(self, incidents: int, window_seconds: float) -> float:
        """How often a year chance brings `incidents` within `window_seconds` on a healthy board."""
        mean = self.healthy_rate_per_year * window_seconds / SECONDS_PER_YEAR
        return self.healthy_rate_per_year * poisson_tail(incidents - 1, mean)

    def windows_days(self) -> tuple[float, ...]:
        """The longest spans, in days of exposure, that flag 2, 3, 4 and 5 incidents."""
        return tuple(self._window_days(incidents, cap) for incidents, cap in _CAPS_DAYS.items())

    def judge(self, exposures: Sequence[float]) -> Rise | None:
        """The rise that the last incident completes, or None.

        `exposures` are the exposure clock, in seconds, of all incidents of the board. Of several
        rises it is the one that chance explains least.
        """
        times = sorted(exposures)
        rises = [
            self._rise(incidents, times[-1] - times[-incidents])
            for incidents in _CAPS_DAYS
            if incidents <= len(times)
        ]
        flagged = [rise for rise in rises if self._flags(rise)]
        return min(
            flagged, key=lambda rise: rise.chance_per_year / rise.share_per_year, default=None
        )

    def _rise(self, incidents: int, window_seconds: float) -> Rise:
        return Rise(
            incidents=incidents,
            window_seconds=window_seconds,
            chance_per_year=self.chance_per_year(incidents, window_seconds),
            share_per_year=self.share_per_year(incidents),
        )

    def _flags(self, rise: Rise) -> bool:
        cap_seconds = _CAPS_DAYS[rise.incidents] * SECONDS_PER_DAY
        return rise.window_seconds <= cap_seconds and rise.chance_per_year <= rise.share_per_year

    def _window_days(self, incidents: int, cap_days: float) -> float:
        flagged, not_flagged = 0.0, cap_days
        if self._flags(self._rise(incidents, cap_days * SECONDS_PER_DAY)):
            return cap_days
        while flagged < (middle := (flagged + not_flagged) / 2) < not_flagged:
            if self._flags(self._rise(incidents, middle * SECONDS_PER_DAY)):
                flagged = middle
            else:
                not_flagged = middle
        return flagged


def poisson_tail(least: int, mean: float) -> float:
    """P[Poisson(mean) >= least], to full relative precision for any mean >= 0.

    The smaller side is summed term by term, all positive: subtracted from 1, a chance of 1e-12
    would drown. Both series: https://dlmf.nist.gov/8.7 and https://dlmf.nist.gov/8.4.
    """
    if least <= 0:
        return 1.0
    term, below = math.exp(-mean), 0.0
    for count in range(1, least + 1):
        below += term
        term *= mean / count
    if mean > least:
        return 1.0 - below
    above, count = term, least
    while term > above * _LAST_BIT:
        count += 1
        term *= mean / count
        above += term
    return above


def sentence(rise: Rise, dates: Sequence[datetime], ladder: Ladder) -> str:
    """What a person reads: dates, observed and expected rate, chance rate, and whose rule it is.

    `dates` are the aware instants of the board's incidents in order; the last ones are named, in
    UTC. Raises ValueError when there are fewer than the rise has incidents.
    """
    if len(dates) < rise.incidents:
        raise ValueError(f"{rise.incidents} incidents need as many dates, not {len(dates)}")
    named = [date.astimezone(UTC) for date in dates[-rise.incidents :]]
    days = ", ".join(f"{date:%Y-%m-%d}" for date in named)
    calendar = (named[-1] - named[0]).total_seconds()
    span = _span(rise.window_seconds, calendar)
    near = f"{span} apart" if rise.incidents == _PAIR else f"within {span}"
    return (
        f"{rise.incidents} uncorrectable-error incidents {near} ({days}); "
        f"a healthy board has one in {1 / ladder.healthy_rate_per_year:.2g} years; "
        f"by chance this happens {_times(rise.chance_per_year)} per 1,000 board-years. "
        "gpuwatch heuristic, not an NVIDIA criterion."
    )


def _span(watched_seconds: float, calendar_seconds: float) -> str:
    """A span in hours or days; "observed" when the board was not watched all the time between."""
    number, unit = _rounded(watched_seconds)
    observed = "" if (number, unit) == _rounded(calendar_seconds) else "observed "
    if not number:
        return f"less than an {observed}hour"
    return f"{number} {observed}{unit if number > 1 else unit.removesuffix('s')}"


def _rounded(seconds: float) -> tuple[int, str]:
    if seconds < _HOURS_ARE_SPOKEN_BELOW_DAYS * SECONDS_PER_DAY:
        return round(seconds / _SECONDS_PER_HOUR), "hours"
    return round(seconds / SECONDS_PER_DAY), "days"


def _times(per_year: float) -> str:
    """A chance per 1,000 board-years to one significant digit: the rate is not known better."""
    per_thousand = 1000.0 * per_year
    if per_thousand < _LEAST_SPOKEN_CHANCE:
        return f"less than {_LEAST_SPOKEN_CHANCE} times"
    digit, exponent = f"{per_thousand:.0e}".split("e")
    spoken = f"{float(f'{digit}e{exponent}'):.{max(0, -int(exponent))}f}"
    return f"{spoken} time" if spoken == "1" else f"{spoken} times"
