"""Trails: what a GPU's levels were in the last minutes and hours, for rules that look back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE_SECONDS = 60.0
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One closed minute or hour of one GPU, in base units by `Signal.key`.

    `number` counts minutes or hours since boot. `means` are of all readings in it; `together` what
    its last slow sweep told, read within a moment of each other; `rises` by how much counters rose.
    What was not told, or cannot be said, has no key: it is not zero.
    """

    number: int
    means: Mapping[str, float] = field(default_factory=dict)
    together: Mapping[str, float] = field(default_factory=dict)
    rises: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trail:
    """The closed minutes and hours of one GPU, oldest first; not kept over a restart."""

    minutes: tuple[Stretch, ...] = ()
    hours: tuple[Stretch, ...] = ()

    def last_minutes(self, count: int, boottime: float) -> tuple[Stretch, ...]:
        """Those of the last `count` minutes in which there was a reading; none from an old trail.

        `boottime` is seconds since boot, now.
        """
        return _last(self.minutes, count, int(boottime // MINUTE_SECONDS))

    def last_hours(self, count: int, boottime: float) -> tuple[Stretch, ...]:
        """The same for hours."""
        return _last(self.hours, count, int(boottime // HOUR_SECONDS))


NO_TRAIL = Trail()


def _last(stretches: tuple[Stretch, ...], count: int, current: int) -> tuple[Stretch, ...]:
    # The stretch before the current one is closed by the first reading in the current one, which
    # may still be to come: the newest closed one is the last or the one before it.
    if not stretches or stretches[-1].number < current - 2:
        return ()
    newest = stretches[-1].number
    return tuple(stretch for stretch in stretches[-count:] if stretch.number > newest - count)
