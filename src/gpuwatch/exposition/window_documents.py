"""Window documents: what is to come and which flags go where, as plain objects for JSON."""

from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.places import is_late, place_of, place_of_flag, units_in
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.domain.windows import Blackout, Blocked, CalendarState, Window
from gpuwatch.exposition.flag_documents import flag_document
from gpuwatch.exposition.record_documents import instant, instant_or_none
from gpuwatch.exposition.shapes import WindowShape
from gpuwatch.exposition.window_shapes import (
    BlackoutShape,
    BlockedShape,
    CalendarShape,
    PlanShape,
)


def window_document(snapshot: Snapshot, window: Window) -> WindowShape:
    """A window with the flags planned into it, and how many more boards it can take."""
    place = place_of(window)
    planned = [flag for flag in snapshot.flags if flag.is_open and place_of_flag(flag) == place]
    taken = len(units_in(window, planned))
    return {
        "name": window.name,
        "start": instant(window.start.timestamp()),
        "end": instant(window.end.timestamp()),
        "open": window.is_open(snapshot.at.utc),
        "source": window.source,
        "flags": [flag.number for flag in planned],
        "free": max(snapshot.outlook.boards_per_window - taken, 0),
    }


def windows_document(snapshot: Snapshot) -> list[WindowShape]:
    """The windows to come, the next first."""
    return [window_document(snapshot, window) for window in sorted(snapshot.windows)]


def plan_document(snapshot: Snapshot) -> PlanShape:
    """Windows, blackouts and calendars, with the flags that wait."""
    outlook = snapshot.outlook
    waiting = [flag for flag in snapshot.flags if flag.is_open]
    planned = [flag for flag in waiting if flag.state is FlagState.OPEN]
    return {
        "at": instant(snapshot.at.wall),
        "host": snapshot.hostname,
        "windows": windows_document(snapshot),
        "blocked": [_blocked(one) for one in outlook.blocked],
        "blackouts": [_blackout(snapshot, one) for one in outlook.blackouts],
        "calendars": [_calendar(one) for one in outlook.calendars],
        "boards_per_window": outlook.boards_per_window,
        "settled": outlook.settled,
        "flags": [flag_document(snapshot, flag) for flag in waiting],
        "without_window": [flag.number for flag in planned if flag.window_start is None],
        "late": [flag.number for flag in planned if is_late(flag)],
    }


def _blocked(blocked: Blocked) -> BlockedShape:
    window = blocked.window
    return {
        "name": window.name,
        "start": instant(window.start.timestamp()),
        "end": instant(window.end.timestamp()),
        "source": window.source,
        "blackout": blocked.blackout.name,
    }


def _blackout(snapshot: Snapshot, blackout: Blackout) -> BlackoutShape:
    return {
        "name": blackout.name,
        "reason": blackout.reason,
        "start": instant(blackout.start.timestamp()),
        "end": instant(blackout.end.timestamp()),
        "source": blackout.source,
        "holds": blackout.covers(snapshot.at.utc),
    }


def _calendar(calendar: CalendarState) -> CalendarShape:
    return {
        "name": calendar.name,
        "path": calendar.path,
        "read_at": instant_or_none(calendar.read_at),
        "problem": calendar.problem,
        "windows": len(calendar.windows),
        "blackouts": len(calendar.blackouts),
        "ignored": calendar.ignored,
    }
