"""Agenda: all that says when boards may be swapped becomes the windows and blackouts to come."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from gpuwatch.domain.places import Place, place_of
from gpuwatch.domain.windows import Blackout, Blocked, CalendarState, Outlook, Window
from gpuwatch.policy.schedule import HORIZON, Schedule

AHEAD = 8
# How many windows of one schedule are looked at before it counts as blocked for good: enough for a
# daily window and a year's freeze, and nothing beside a sweep.
_LOOKS = 400
_NEXT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Freeze:
    """A regular blackout, and why."""

    schedule: Schedule
    reason: str = ""

    def at(self, instant: datetime) -> Blackout | None:
        """The blackout that covers `instant`; of several the one that ends last."""
        return self._blackout(self.schedule.window_at(instant))

    def over(self, window: Window) -> Blackout | None:
        """A blackout that overlaps `window`: one that holds when it starts before a later one."""
        coming = self.schedule.upcoming(window.start, 1)
        return self.at(window.start) or self._blackout(
            next((found for found in coming if found.start < window.end), None)
        )

    def upcoming(self, now: datetime) -> tuple[Blackout, ...]:
        """The blackout that holds and the next ones."""
        held, coming = self.schedule.window_at(now), self.schedule.upcoming(now, AHEAD)
        return tuple(self._of(window) for window in ((held, *coming) if held else coming))

    def _blackout(self, window: Window | None) -> Blackout | None:
        return None if window is None else self._of(window)

    def _of(self, window: Window) -> Blackout:
        return Blackout(window.start, window.end, window.name, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Regular windows and freezes, one-off ones, and how many boards a window can take."""

    schedules: tuple[Schedule, ...] = ()
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    boards_per_window: int = 2

    def outlook(self, now: datetime, calendars: tuple[CalendarState, ...] = ()) -> Outlook:
        """What is to come after `now`: of each schedule the next windows that no blackout touches.

        Raises ValueError for a naive `now`.
        """
        single = tuple(self._single_blackouts(calendars))
        told = chain(self.windows, *(calendar.windows for calendar in calendars))
        once = (window for window in told if now < window.end and window.start <= now + HORIZON)
        found = [self._looked_at(window, single) for window in once]
        for schedule in self.schedules:
            found.extend(self._of_schedule(schedule, now, single))
        usable = [one for one in found if isinstance(one, Window)]
        blocked = [one for one in found if isinstance(one, Blocked)]
        regular = chain.from_iterable(freeze.upcoming(now) for freeze in self.freezes)
        held = {blackout for blackout in chain(single, regular) if now < blackout.end}
        return Outlook(
            windows=tuple(_each_once(usable)),
            blocked=tuple(sorted(set(blocked), key=lambda one: one.window)),
            blackouts=tuple(sorted(held)),
            calendars=calendars,
            boards_per_window=self.boards_per_window,
        )

    def freeze_at(
        self, instant: datetime, calendars: tuple[CalendarState, ...] = ()
    ) -> Blackout | None:
        """The blackout that covers `instant`, or None; of several the one that ends last."""
        single = (one for one in self._single_blackouts(calendars) if one.covers(instant))
        regular = (freeze.at(instant) for freeze in self.freezes)
        return _last_to_end(chain(single, regular))

    def _single_blackouts(self, calendars: tuple[CalendarState, ...]) -> tuple[Blackout, ...]:
        return tuple(chain(self.blackouts, *(calendar.blackouts for calendar in calendars)))

    def _of_schedule(
        self, schedule: Schedule, now: datetime, single: tuple[Blackout, ...]
    ) -> Iterator[Window | Blocked]:
        """The open window and the coming ones, until enough of them can be used."""
        held = schedule.window_at(now)
        if held is not None:
            yield self._looked_at(held, single)
        after, usable, blocked = now, 0, 0
        for _ in range(_LOOKS):
            coming = schedule.upcoming(after, 1)
            if not coming or usable == AHEAD or coming[0].start > now + HORIZON:
                return
            found = self._looked_at(coming[0], single)
            after = coming[0].start + _NEXT
            if isinstance(found, Window):
                usable += 1
                yield found
                continue
            blocked += 1
            if blocked <= AHEAD:
                yield found
            else:
                after = max(after, found.blackout.end)

    def _looked_at(self, window: Window, single: tuple[Blackout, ...]) -> Window | Blocked:
        """The window, or why it cannot be used."""
        over = chain(
            (blackout for blackout in single if window.overlaps(blackout)),
            (freeze.over(window) for freeze in self.freezes),
        )
        blackout = _last_to_end(over)
        return window if blackout is None else Blocked(window, blackout)


def _last_to_end(blackouts: Iterable[Blackout | None]) -> Blackout | None:
    found = [blackout for blackout in blackouts if blackout is not None]
    return max(found, key=lambda blackout: blackout.end, default=None)


def _each_once(windows: Iterable[Window]) -> list[Window]:
    """In time order; of those with one name and start the longest."""
    longest: dict[Place, Window] = {}
    for window in sorted(windows):
        longest[place_of(window)] = window
    return sorted(longest.values())
