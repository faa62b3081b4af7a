"""Replay: a board's past through the agent's own incidents and trend test, seeing only the past."""

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.incidents import ErrorSignal, Incident, Outcome, assign
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.policy.backtest.estimates import Follow
from gpuwatch.policy.backtest.lives import Life, Stay
from gpuwatch.policy.views import PolicySettings

# Asked when an incident opens: the exposure clock of all incidents until then, it included.
Test = Callable[[Sequence[float]], bool]
_PAIR_SECONDS = 90 * SECONDS_PER_DAY
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Past:
    """A board's life and the incidents that its errors make."""

    life: Life
    incidents: tuple[Incident, ...]

    def first_flag(self, test: Test) -> int | None:
        """The index of the incident at which `test` first flags; later ones find it flagged."""
        exposures: list[float] = []
        for index, incident in enumerate(self.incidents):
            exposures.append(incident.opened_exposure)
            if test(exposures):
                return index
        return None

    def stay_of(self, incident: Incident) -> Stay:
        """The time in service in which an incident fell."""
        at = incident.opened_at
        return next(stay for stay in self.life.stays if stay.start <= at <= stay.end)

    def follow(self, index: int) -> Follow | None:
        """What came after the incident at `index`; None when the board was removed at it."""
        flagged = self.incidents[index]
        stay = self.stay_of(flagged)
        if stay.removed and stay.end == flagged.opened_at:
            return None
        if index + 1 < len(self.incidents):
            following = self.incidents[index + 1]
            if following.opened_at <= stay.end:
                return Follow(following.opened_exposure - flagged.opened_exposure, happened=True)
        return Follow(stay.end - flagged.opened_at, happened=False)


def past_of(life: Life, *, reset_after_each: bool) -> Past:
    """The board's past. `reset_after_each` takes every error as followed by a reset at once.

    Exact signals in time order leave every anchor where it is, so that only the latest incident
    and the latest reset matter to the next signal.
    """
    board = BoardKey(life.serial, life.serial)
    incidents: list[Incident] = []
    for error in life.errors:
        signal = ErrorSignal(board=board, kind=error.kind, at=error.at, exposure=error.exposure)
        latest = tuple(incidents[-1:])
        resets = _reset_after(latest) if reset_after_each else _reset_before(life, error.at)
        assignment = assign(latest, signal, resets)
        if assignment.outcome is Outcome.OPENED:
            incidents.append(assignment.incidents[-1])
    return Past(life, tuple(incidents))


def _reset_after(incidents: tuple[Incident, ...]) -> tuple[float, ...]:
    return tuple(math.nextafter(incident.opened_at, math.inf) for incident in incidents)


def _reset_before(life: Life, at: float) -> tuple[float, ...]:
    """The latest reset until `at`."""
    count = bisect.bisect_right(life.resets, at)
    return life.resets[count - 1 : count] if count else ()


def any_incident(_exposures: Sequence[float]) -> bool:
    """Flags a board at its first incident."""
    return True


def two_ever(exposures: Sequence[float]) -> bool:
    """Flags a board at its second incident."""
    return len(exposures) >= _PAIR


def two_in_ninety_days(exposures: Sequence[float]) -> bool:
    """Flags a board whose last two incidents lie within 90 days in service."""
    return len(exposures) >= _PAIR and exposures[-1] - exposures[-2] <= _PAIR_SECONDS


def ladder_test(settings: PolicySettings, cohort: str) -> Test:
    """The agent's trend test for boards of this cohort (a part number)."""
    ladder = settings.ladder(cohort)
    return lambda exposures: ladder.judge(exposures) is not None
