"""Schedules: a cron line, a duration and a time zone become maintenance windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from gpuwatch.domain.windows import Window, resolve, wall_time

# A window further away is no plan; every yearly schedule still shows its next one.
HORIZON = timedelta(days=400)
_FIELDS = 5
_SECOND = timedelta(seconds=1)
# The calendar repeats its pairs of date and weekday within 28 years; the parser searches 50.
_ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - cron lines are about wall time


@dataclass(frozen=True, slots=True)
class Schedule:
    """When windows open: `cron` in the wall time of `zone`, each for `duration` of elapsed time.

    Five fields as in Vixie cron: 0 and 7 are Sunday, names may stand for months and weekdays; when
    both day-of-month and day-of-week are restricted either is enough, unless one starts with `*`.
    Beyond it `L` is the last day of the month and `SUN#1` the first Sunday. A start that the clocks
    skip is the first instant after the gap, one they show twice is the first.

    Raises ValueError for a line that is no cron line, that never fires, and for a duration that is
    not positive.
    """

    name: str
    cron: str
    duration: timedelta
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.duration <= timedelta(0):
            raise ValueError(f'window {self.name}: duration {self.duration} is none (say "4h")')
        fields = len(self.cron.split())
        if fields != _FIELDS:
            raise ValueError(
                f"window {self.name}: cron {self.cron!r} has {fields} fields, not {_FIELDS}: "
                'minute hour day-of-month month day-of-week ("0 2 * * SUN" is Sundays at 02:00)'
            )
        try:
            fires = next(CronSim(self.cron, _ANY_DAY), None)
        except CronSimError as error:
            raise ValueError(
                f"window {self.name}: cron {self.cron!r}: {error} (see man 5 crontab)"
            ) from error
        if fires is None:
            raise ValueError(
                f"window {self.name}: cron {self.cron!r} never fires (no year has such a day)"
            )

    def upcoming(self, after: datetime, count: int) -> tuple[Window, ...]:
        """The next `count` windows that open at or after `after`, within `HORIZON` of it.

        Windows longer than their period overlap, and each is listed. Raises ValueError for a naive
        `after`.
        """
        zoned = _zoned(after, self.zone)
        gap = max(timedelta(0), _offset(zoned) - _offset(_zoned(after - _SECOND, self.zone)))
        starts = self._starts(wall_time(after, self.zone) - gap - _SECOND)
        near = takewhile(lambda start: start <= after + HORIZON, starts)
        return tuple(
            self._window(start) for start in islice((s for s in near if s >= after), count)
        )

    def window_at(self, now: datetime) -> Window | None:
        """The window open at `now`, or None; of several the one that ends last.

        Raises ValueError for a naive `now`.
        """
        zoned = _zoned(now, self.zone)
        again = max(timedelta(0), _offset(zoned.replace(fold=0)) - _offset(zoned.replace(fold=1)))
        latest = (wall_time(now, self.zone) + again + _SECOND).replace(microsecond=0)
        starts = (resolve(local, self.zone) for local in CronSim(self.cron, latest, reverse=True))
        unfinished = takewhile(lambda start: start + self.duration > now, starts)
        begun = next((start for start in unfinished if start <= now), None)
        return None if begun is None else self._window(begun)

    def _starts(self, wall: datetime) -> Iterator[datetime]:
        """The instants at which windows open after `wall`; starts that a gap unites are one."""
        instants = (resolve(local, self.zone) for local in CronSim(self.cron, wall))
        return (start for start, _ in groupby(instants))

    def _window(self, start: datetime) -> Window:
        return Window(start=start, end=start + self.duration, name=self.name)


def _zoned(at: datetime, zone: ZoneInfo) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()}: an instant needs a time zone")
    return at.astimezone(UTC).astimezone(zone)


def _offset(zoned: datetime) -> timedelta:
    return zoned.utcoffset() or timedelta(0)
