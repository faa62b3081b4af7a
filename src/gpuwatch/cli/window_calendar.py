"""Window calendar: planned work as an iCalendar file (RFC 5545), for the calendars people keep.

An event's UID is of its host, window and start, so that importing a later file changes what the
earlier one made. By the end of its UID gpuwatch knows it, whatever words stand in it, and takes it
for no window and no blackout: a calendar that holds such events may be read back.
"""

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from icalendar import Calendar, Event

from gpuwatch import __version__
from gpuwatch.cli.output import clean
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.windows import PLANNED_UID
from gpuwatch.exposition.words import plural

if TYPE_CHECKING:
    from gpuwatch.exposition.flag_shapes import FlagShape
    from gpuwatch.exposition.shapes import WindowShape
    from gpuwatch.exposition.window_shapes import PlanShape


def calendar_of(plan: "PlanShape") -> bytes:
    """The windows in which a board of this host is to be swapped, an event each."""
    calendar = Calendar()
    calendar.add("prodid", f"-//gpuwatch {__version__}//{plan['host']}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    flags = {flag["number"]: flag for flag in plan["flags"]}
    for window in plan["windows"]:
        planned = [flags[number] for number in window["flags"] if _is_to_be_swapped(flags, number)]
        if planned:
            calendar.add_component(_event(plan, window, planned))
    return bytes(calendar.to_ical())


def _is_to_be_swapped(flags: "dict[int, FlagShape]", number: int) -> bool:
    """Whether its board has not been swapped already, before its window."""
    return number in flags and flags[number]["state"] != FlagState.VERIFYING


def _event(plan: "PlanShape", window: "WindowShape", planned: "list[FlagShape]") -> Event:
    event = Event()
    name = f"{plan['host']} {window['name']} {window['start']}"
    event.add("uid", f"{sha256(name.encode()).hexdigest()[:32]}{PLANNED_UID}")
    event.add("dtstamp", datetime.fromisoformat(plan["at"]))
    event.add("dtstart", datetime.fromisoformat(window["start"]))
    event.add("dtend", datetime.fromisoformat(window["end"]))
    boards = dict.fromkeys(flag["serial"] or flag["uuid"] for flag in planned)
    event.add("summary", f"Swap {plural(len(boards), 'board')} of {plan['host']}")
    event.add("description", "\n".join(map(_line, planned)))
    event.add("location", plan["host"])
    event.add("categories", ["gpuwatch"])
    event.add("transp", "OPAQUE")
    return event


def _line(flag: "FlagShape") -> str:
    board = flag["serial"] or flag["uuid"]
    unit = f" with its {flag['fru']}" if flag["fru"] not in ("", "module") else ""
    due = f"{flag['due_at'][:16].replace('T', ' ')} UTC"
    return clean(
        f"Flag {flag['number']}: board {board} in {flag['slot'] or 'a slot not known'}{unit},"
        f" {flag['code']}, due {due}. Paper: gpuwatch work-order {flag['number']}"
    )
