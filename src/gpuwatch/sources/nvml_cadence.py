"""NVML cadence: which rows are due, so that everything due together is asked in one sweep."""

import math
from collections.abc import Iterable

from gpuwatch.domain.signals import Cadence


class Schedule:
    """The cadences of one child's sweeps, on the monotonic clock. Pure: time is passed in.

    Cadences keep a common grid that begins at `restart`, so that a slow sweep always falls together
    with a fast one; what was missed meanwhile is skipped, never made up for.
    """

    def __init__(self, periods: Iterable[tuple[Cadence, float]]) -> None:
        self._periods = dict(periods)
        self._began = 0.0
        self._next = dict.fromkeys(self._periods, math.inf)

    def restart(self, now: float) -> None:
        """Begin a new grid: everything is due at once."""
        self._began = now
        self._next = dict.fromkeys(self._periods, now)

    def due(self, now: float) -> frozenset[Cadence]:
        """What is to be asked at `now`. What comes due within half a fast period counts too.

        That only moves a cadence that is no multiple of the fast one.
        """
        if self.next_due() > now:
            return frozenset()
        horizon = now + min(self._periods.values()) / 2
        return frozenset(cadence for cadence, at in self._next.items() if at <= horizon)

    def asked(self, cadences: Iterable[Cadence], now: float) -> None:
        """Note what was asked at `now`: its next turn is the next grid point after that."""
        for cadence in cadences:
            if (period := self._periods.get(cadence)) is None:
                continue
            due = max(self._next[cadence], now)  # asked ahead of its turn: the turn after that
            turns = math.floor((due - self._began) / period + 1e-6) + 1
            self._next[cadence] = self._began + turns * period

    def next_due(self) -> float:
        """The monotonic second at which something is due; infinite before `restart`."""
        return min(self._next.values())
