"""The ladder's operating characteristics by Monte Carlo, through the real incidents and ladder.

Raw errors are Poisson; a board starts with an empty history and is watched all the time; its first
flag latches. Resets are evidenced after every error, or never. Run it for its table:

    python -m bench.ladder --board-years 10000000
"""

import argparse
import math
import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.incidents import ErrorKind, ErrorSignal, Incident, Outcome, assign
from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR
from gpuwatch.domain.trends import Ladder

YEARS = 5.0
SEED = 20_260_302
STANDARD_ERRORS = 3.0
_BOARD = BoardKey("", "GPU-simulated")
_DETECTION_DAYS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """One measured number beside the one it must reproduce.

    `rounding` is half of the last digit in which `expected` is published.
    """

    name: str
    reset_after_each: bool
    measured: float
    expected: float
    standard_error: float
    rounding: float

    @property
    def case(self) -> str:
        """Whether resets are evidenced."""
        return "a reset after every error" if self.reset_after_each else "no resets"

    @property
    def holds(self) -> bool:
        """Whether both agree within three standard errors of the measurement."""
        allowed = STANDARD_ERRORS * self.standard_error + self.rounding
        return abs(self.measured - self.expected) <= allowed


def first_flag(errors: list[float], *, reset_after_each: bool, ladder: Ladder) -> float | None:
    """When the first flag is raised (seconds), or None, by the functions that the agent uses.

    `errors` are the instants of a board's raw errors in order, in seconds since it was first seen.
    """
    incidents: tuple[Incident, ...] = ()
    for count, at in enumerate(errors):
        signal = ErrorSignal(board=_BOARD, kind=ErrorKind.XID_48, at=at, exposure=at)
        resets = tuple(math.nextafter(error, math.inf) for error in errors[:count])
        assignment = assign(incidents, signal, resets if reset_after_each else ())
        incidents = assignment.incidents
        if assignment.outcome is Outcome.OPENED and ladder.judge(
            [incident.opened_exposure for incident in incidents]
        ):
            return at
    return None


def boards_with_two_errors(
    boards: int, mean: float, span_seconds: float, luck: random.Random
) -> Iterator[list[float]]:
    """The error times of those among `boards` that have at least two, in order.

    The others can never be flagged and are skipped in one step: how many come before the next
    board with two is geometric; its count is Poisson given at least two; its times are uniform.
    """
    none, one = math.exp(-mean), mean * math.exp(-mean)
    log_fewer = math.log(none + one)
    board = _skipped(log_fewer, luck)
    while board < boards:
        uniform = none + one + luck.random() * (1.0 - none - one)
        count, below, term = 2, none + one, one * mean / 2
        while uniform >= below + term and term > 0.0:
            below += term
            count += 1
            term *= mean / count
        yield sorted(luck.random() * span_seconds for _ in range(count))
        board += 1 + _skipped(log_fewer, luck)


def _skipped(log_fewer: float, luck: random.Random) -> int:
    return int(math.log(1.0 - luck.random()) / log_fewer)


def false_flags(
    board_years: int,
    *,
    reset_after_each: bool,
    luck: random.Random,
    ladder: Ladder = Ladder(),  # noqa: B008 - immutable
) -> Characteristic:
    """False flags of healthy boards over five years, per 1,000 board-years."""
    boards = round(board_years / YEARS)
    mean = ladder.healthy_rate_per_year * YEARS
    healthy = boards_with_two_errors(boards, mean, YEARS * SECONDS_PER_YEAR, luck)
    flags = sum(
        first_flag(errors, reset_after_each=reset_after_each, ladder=ladder) is not None
        for errors in healthy
    )
    expected = 0.497 if reset_after_each else 0.448
    thousands = boards * YEARS / 1000
    return Characteristic(
        name="healthy boards, 0.05 errors a year: false flags per 1,000 board-years",
        reset_after_each=reset_after_each,
        measured=flags / thousands,
        expected=expected,
        standard_error=math.sqrt(expected / thousands),  # of a Poisson count
        rounding=0.0005,
    )


def flagged_in_time(boards: int, *, reset_after_each: bool, luck: random.Random) -> Characteristic:
    """The part of boards with 12 errors a year that is flagged within 90 days."""
    ladder = Ladder()
    days = _DETECTION_DAYS
    mean = 12.0 * days * SECONDS_PER_DAY / SECONDS_PER_YEAR
    sick = boards_with_two_errors(boards, mean, days * SECONDS_PER_DAY, luck)
    flags = sum(
        first_flag(errors, reset_after_each=reset_after_each, ladder=ladder) is not None
        for errors in sick
    )
    expected, rounding = (0.78, 0.005) if reset_after_each else (0.744, 0.0005)
    return Characteristic(
        name="12 errors a year: flagged within 90 days",
        reset_after_each=reset_after_each,
        measured=flags / boards,
        expected=expected,
        standard_error=math.sqrt(expected * (1 - expected) / boards),
        rounding=rounding,
    )


def days_to_flag(boards: int, *, reset_after_each: bool, luck: random.Random) -> Characteristic:
    """The median time in which a board with 52 errors a year is flagged, in days."""
    ladder = Ladder()
    waits = sorted(
        _days_until_flag(52.0, reset_after_each=reset_after_each, ladder=ladder, luck=luck)
        for _ in range(boards)
    )
    spread = math.ceil(math.sqrt(boards) / 2)  # one standard error of the median's rank
    middle = boards // 2
    expected = 12.8 if reset_after_each else 18.8
    return Characteristic(
        name="52 errors a year: median days to the flag",
        reset_after_each=reset_after_each,
        measured=statistics.median(waits),
        expected=expected,
        standard_error=(waits[middle + spread] - waits[middle - spread]) / 2,
        rounding=0.05,
    )


def _days_until_flag(
    per_year: float, *, reset_after_each: bool, ladder: Ladder, luck: random.Random
) -> float:
    """Errors come one by one, as many at a time as are mostly enough, until there is a flag."""
    errors = [0.0]
    while True:
        for _ in range(8):
            errors.append(errors[-1] + luck.expovariate(per_year) * SECONDS_PER_YEAR)
        flagged = first_flag(errors[1:], reset_after_each=reset_after_each, ladder=ladder)
        if flagged is not None:
            return flagged / SECONDS_PER_DAY


def characteristics(board_years: int, seed: int = SEED) -> tuple[Characteristic, ...]:
    """All published characteristics; `board_years` of healthy boards, a hundredth of sick ones."""
    luck = random.Random(seed)
    sick = max(1_000, board_years // 100)
    return tuple(
        measure(size, reset_after_each=reset_after_each, luck=luck)
        for measure, size in (
            (false_flags, board_years),
            (flagged_in_time, sick),
            (days_to_flag, sick),
        )
        for reset_after_each in (True, False)
    )


def table(measured: tuple[Characteristic, ...]) -> str:
    """One line a characteristic, for a terminal."""
    return "\n".join(
        f"{'ok' if one.holds else 'MISSED':6} {one.name} ({one.case}): {one.measured:.4g}, "
        f"published {one.expected:g}, standard error {one.standard_error:.2g}"
        for one in measured
    )


def main() -> int:
    """Print the table; exit status 1 when a characteristic is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.ladder", description=__doc__)
    parser.add_argument("--board-years", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    measured = characteristics(arguments.board_years, arguments.seed)
    print(table(measured))
    return 0 if all(one.holds for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
