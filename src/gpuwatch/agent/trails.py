"""Trails: each board's last minutes and hours as they close; in memory only.

A restart begins with an empty trail. That delays the rules which look back, by as long as they look
back, and never lets one fire.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from gpuwatch.domain.readings import Gap, Sweep
from gpuwatch.domain.signals import Cadence, Signal
from gpuwatch.domain.trails import HOUR_SECONDS, MINUTE_SECONDS, Stretch, Trail
from gpuwatch.policy.trailed import (
    HOUR_RISES,
    HOURS_KEPT,
    MEANS,
    MINUTE_RISES,
    MINUTES_KEPT,
    TOGETHER,
)

SPACING_SECONDS = 5.0  # more readings in a minute would tell no more
# A rise over a longer time says nothing of the minute, or the hour, in which it was seen.
_MINUTE_REACH = 2 * MINUTE_SECONDS
_HOUR_REACH = 2 * HOUR_SECONDS

_Places = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the wanted signals stand in sweeps of one table."""

    signals: tuple[Signal, ...]
    means: _Places
    together: _Places
    counters: _Places

    @classmethod
    def of(cls, signals: tuple[Signal, ...]) -> "_Plan":
        """The plan for sweeps that ask `signals`."""
        counters = MINUTE_RISES | HOUR_RISES
        return cls(
            signals, _places(signals, MEANS), _places(signals, TOGETHER), _places(signals, counters)
        )


def _places(signals: tuple[Signal, ...], wanted: frozenset[str]) -> _Places:
    return tuple((at, signal.key) for at, signal in enumerate(signals) if signal.key in wanted)


_PLANS: dict[int, _Plan] = {}


def _plan_of(signals: tuple[Signal, ...]) -> _Plan:
    """Computed once per table."""
    found = _PLANS.get(id(signals))
    if found is None or found.signals is not signals:
        found = _PLANS[id(signals)] = _Plan.of(signals)
    return found


@dataclass(slots=True)
class _Open:
    """A minute or an hour that is not over, raw."""

    number: int
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    together: dict[str, float] = field(default_factory=dict)
    rises: dict[str, float] = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)  # counters of which a part is not known

    def rise(self, key: str, value: float | None) -> None:
        """Add a rise; None when by how much it rose cannot be said."""
        if value is None:
            self.unsaid.add(key)
        else:
            self.rises[key] = self.rises.get(key, 0.0) + value

    def closed(self, bases: Mapping[str, Signal]) -> Stretch:
        """The same in base units, for good."""
        return Stretch(
            number=self.number,
            means={
                key: bases[key].unit.to_base(total / count)
                for key, (total, count) in self.sums.items()
            },
            together={key: bases[key].unit.to_base(raw) for key, raw in self.together.items()},
            rises={
                key: bases[key].unit.to_base(raw)
                for key, raw in self.rises.items()
                if key not in self.unsaid
            },
        )


@dataclass(slots=True)
class TrailBook:
    """One board's trail as it grows; a sweep that follows another at once costs a comparison."""

    trail: Trail = field(default_factory=Trail)
    _minute: _Open = field(default_factory=lambda: _Open(-1))
    _hour: _Open = field(default_factory=lambda: _Open(-1))
    _bases: dict[str, Signal] = field(default_factory=dict)
    _counted: dict[str, tuple[float, float]] = field(default_factory=dict)
    _taken_at: float = -SPACING_SECONDS

    def take(self, sweep: Sweep) -> None:
        """Take a sweep's readings, unless one was taken a moment ago and this tells no more."""
        at = sweep.at.boottime
        slow = Cadence.SLOW in sweep.cadences
        if not slow and 0 <= at - self._taken_at < SPACING_SECONDS:
            return
        self._taken_at = at
        self._turn(at)
        plan, values, sums = _plan_of(sweep.signals), sweep.values, self._minute.sums
        for place, key in plan.means:
            value = values[place]
            if not isinstance(value, Gap | str):
                total, count = sums.get(key, (0.0, 0))
                sums[key] = (total + value, count + 1)
                self._bases[key] = sweep.signals[place]
        if slow:
            self._take_together(sweep, plan)
        for place, key in plan.counters:
            value = values[place]
            if not isinstance(value, Gap | str):
                self._bases[key] = sweep.signals[place]
                self._count(key, value, at)

    def _take_together(self, sweep: Sweep, plan: _Plan) -> None:
        told = {key: (place, sweep.values[place]) for place, key in plan.together}
        self._minute.together = {
            key: value for key, (_, value) in told.items() if not isinstance(value, Gap | str)
        }
        self._bases.update({key: sweep.signals[place] for key, (place, _) in told.items()})

    def _count(self, key: str, value: float, at: float) -> None:
        before, then = self._counted.get(key, (math.inf, -math.inf))
        self._counted[key] = (value, at)
        rise, passed = value - before, at - then
        anew = rise < 0  # the first reading, or counted by a driver that was loaded since
        if key in MINUTE_RISES:
            share = MINUTE_SECONDS / max(passed, MINUTE_SECONDS)
            self._minute.rise(key, None if anew or passed > _MINUTE_REACH else rise * share)
        if key in HOUR_RISES:
            self._hour.rise(key, None if anew or passed > _HOUR_REACH else rise)

    def _turn(self, at: float) -> None:
        """Close the minute and the hour that are over."""
        minute, hour = int(at // MINUTE_SECONDS), int(at // HOUR_SECONDS)
        if minute == self._minute.number:
            return
        trail = self.trail
        if minute < self._minute.number:  # another boot
            trail, self._minute, self._hour = Trail(), _Open(-1), _Open(-1)
            self._counted.clear()
        minutes, hours = trail.minutes, trail.hours
        if self._minute.number >= 0:
            minutes = (*minutes, self._minute.closed(self._bases))[-MINUTES_KEPT:]
        self._minute = _Open(minute)
        if hour != self._hour.number:
            if self._hour.number >= 0:
                hours = (*hours, self._hour.closed(self._bases))[-HOURS_KEPT:]
            self._hour = _Open(hour)
        self.trail = Trail(minutes, hours)
