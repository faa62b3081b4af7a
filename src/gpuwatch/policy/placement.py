"""Placement: each open flag gets the first window with notice enough and room, urgent ones first.

A flag that a person pinned, and one whose window starts before the notice ends, keep their window;
everything else is placed anew, so that what is most urgent leaves first. A window that no longer
exists, that a blackout covers or that passed unused holds nothing, a pinned flag neither.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.places import Place, is_late, place_of, place_of_flag, unit_of, units_in
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.domain.windows import Blackout, Outlook, Window

_URGENT_FIRST = {Urgency.PAGE: 0, Urgency.WINDOW: 1, Urgency.WATCH: 2, Urgency.INFO: 3}
# Freezes that follow each other are one to the owner; an endless chain of them moves nothing.
_FREEZES_IN_A_ROW = 64
_NAMED = 8


class NoticeKind(StrEnum):
    """What the owner of a flag is told; the name of the log event and of the audit record."""

    REPLANNED = "flag-replanned"
    POSTPONED = "flag-postponed"
    LATE = "flag-late"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell: what, and the reason in words."""

    kind: NoticeKind
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """A flag as it shall be, as it was (None: just raised), and what is to be told of it."""

    flag: Flag
    before: Flag | None = None
    notices: tuple[Notice, ...] = ()

    def told(self, flag: Flag, kind: NoticeKind, reason: str) -> "Change":
        """The flag changed once more, and told."""
        return replace(self, flag=flag, notices=(*self.notices, Notice(kind, reason)))


class NoPlaceError(ValueError):
    """A person asks for a window that cannot take the flag: what is wrong, then the way out."""


def place_for(
    flag: Flag,
    name: str,
    start: datetime | None,
    flags: Sequence[Flag],
    outlook: Outlook,
    *,
    now: datetime,
    notice: timedelta,
) -> Window:
    """The window that a person pins `flag` to: the one called `name` that starts at `start`.

    Without a start it is the first of that name, open or coming, that has room. `flags` are all
    that history knows. Flags that the planner may still move make room; pinned ones, those whose
    window starts before `notice` ends and those in hands do not. The minimum notice binds the
    planner, not a person. Raises NoPlaceError, with the windows there are, when no such window is
    coming, when a blackout covers it, or when it is full. To pin, save the flag with the window's
    name, start and end and `pinned=True`: the planner then keeps it there while the window stands.
    """
    named = [one for one in outlook.windows if one.name == name and now < one.end]
    matching = [one for one in named if start in (None, one.start)]
    if not matching:
        raise NoPlaceError(_no_such_window(name, start, outlook))
    fixed = [
        other
        for other in flags
        if other.number != flag.number and not _is_movable(other, now, notice)
    ]
    for window in matching:
        units = units_in(window, fixed)
        if unit_of(flag) in units or len(units) < outlook.boards_per_window:
            return window
    full = ", ".join(one.start.isoformat() for one in matching)
    raise NoPlaceError(
        f"window {name!r} at {full} is full (policy.boards_per_window is "
        f"{outlook.boards_per_window}: name another window, or raise it)"
    )


def postponed(change: Change, freeze_at: Callable[[datetime], Blackout | None]) -> Change:
    """The flag, due at the end of a freeze that covers its due date; what pages is not put off."""
    flag = change.flag
    due = datetime.fromtimestamp(flag.due_at, UTC)
    freeze = None if flag.urgency is Urgency.PAGE else freeze_at(due)
    if freeze is None:
        return change
    last = freeze
    for _ in range(_FREEZES_IN_A_ROW):
        following = freeze_at(last.end)
        if following is None:
            because = f"{freeze.name} ({freeze.reason})" if freeze.reason else freeze.name
            reason = f"it fell due in the blackout {because}"
            moved = replace(flag, due_at=last.end.timestamp())
            return change.told(moved, NoticeKind.POSTPONED, reason)
        last = following
    return change


def placed(
    changes: Iterable[Change],
    others: Iterable[Flag],
    outlook: Outlook,
    now: datetime,
    notice: timedelta,
) -> list[Change]:
    """Every change with the window that its flag goes into, the most urgent flag first.

    `others` are flags that nobody plans any more: those in hands still take up their window.
    """
    rooms = _Rooms(outlook, now, notice)
    ordered = sorted(changes, key=_rank)
    for flag in (*others, *(change.flag for change in ordered if rooms.keeps(change.flag))):
        rooms.take(flag)
    return [_told_late(rooms.placed(change)) for change in ordered]


class _Rooms:
    """The windows to come and what leaves in each, while flags are placed one by one."""

    def __init__(self, outlook: Outlook, now: datetime, notice: timedelta) -> None:
        self._outlook = outlook
        self._now = now
        self._notice = notice
        self._windows = {place_of(one): one for one in outlook.windows if now < one.end}
        self._units: dict[Place, set[str]] = {place: set() for place in self._windows}

    def keeps(self, flag: Flag) -> bool:
        """Whether its window stands and it is not to be moved out of it."""
        stands = place_of_flag(flag) in self._windows
        return stands and not _is_movable(flag, self._now, self._notice)

    def take(self, flag: Flag) -> None:
        """Take up room for a flag in its window, if that is one to come."""
        place = place_of_flag(flag)
        if flag.is_open and place in self._units:
            self._units[place].add(unit_of(flag))

    def placed(self, change: Change) -> Change:
        """The change with its flag in the first window that can take it."""
        if self.keeps(change.flag):
            return change
        window = next((one for one in self._windows.values() if self._can_take(one, change)), None)
        flag = _in_window(change.flag, window)
        self.take(flag)
        if change.before is None or flag == change.flag:
            return replace(change, flag=flag)
        return change.told(flag, NoticeKind.REPLANNED, self._reason(change.flag, window))

    def _can_take(self, window: Window, change: Change) -> bool:
        units = self._units[place_of(window)]
        room = unit_of(change.flag) in units or len(units) < self._outlook.boards_per_window
        return room and window.start >= self._now + self._notice

    def _reason(self, flag: Flag, window: Window | None) -> str:
        """Why a known flag changes its window."""
        place = place_of_flag(flag)
        if place is None or flag.window_end is None:
            return "a window was found"
        if flag.window_end <= self._now.timestamp():
            return "its window passed unused"
        if place in self._windows:
            earlier = window is not None and window.start.timestamp() < place[1]
            return "an earlier window has room" if earlier else "other flags fill its window"
        over = (one for one in self._outlook.blocked if place_of(one.window) == place)
        blocked = next(over, None)
        if blocked is None:
            return "its window was cancelled"
        return f"the blackout {blocked.blackout.name} covers its window"


def _is_movable(flag: Flag, now: datetime, notice: timedelta) -> bool:
    """Whether the planner may give a flag another window: nobody relies on the one it has."""
    if flag.state is not FlagState.OPEN or flag.pinned:
        return False
    return flag.window_start is None or flag.window_start >= (now + notice).timestamp()


def _rank(change: Change) -> tuple[int, float, float, int]:
    flag = change.flag
    return _URGENT_FIRST[flag.urgency], flag.due_at, flag.raised_at, flag.number


def _in_window(flag: Flag, window: Window | None) -> Flag:
    if window is None:
        return replace(flag, window_name="", window_start=None, window_end=None, pinned=False)
    return replace(
        flag,
        window_name=window.name,
        window_start=window.start.timestamp(),
        window_end=window.end.timestamp(),
        pinned=False,
    )


def _told_late(change: Change) -> Change:
    """Once in a flag's life its owner is told that no window comes before it is due."""
    if change.flag.told_late or not is_late(change.flag):
        return change
    late = replace(change.flag, told_late=True)
    comes = "no window is coming" if late.window_start is None else "its window starts after that"
    due = datetime.fromtimestamp(late.due_at, UTC)
    return change.told(late, NoticeKind.LATE, f"it is due at {due:%Y-%m-%d %H:%M} UTC and {comes}")


def _no_such_window(name: str, start: datetime | None, outlook: Outlook) -> str:
    """Why a named window cannot be had, and those that can."""
    what = f"window {name!r}" if start is None else f"window {name!r} at {start.isoformat()}"
    covered = (
        f"lies in the blackout {one.blackout.name}"
        for one in outlook.blocked
        if one.window.name == name and start in (None, one.window.start)
    )
    because = next(covered, "is not coming")
    there = [f"{one.name} at {one.start.isoformat()}" for one in outlook.windows[:_NAMED]]
    way_out = f"there are: {', '.join(there)}" if there else "none is set up: see [[windows]]"
    return f"{what} {because} ({way_out})"
