"""Windows: when boards may be swapped, when not, and which flag goes where."""

import sys
import time
from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import at, paragraph, print_json, print_lines, print_refusal, table
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind

if TYPE_CHECKING:
    from gpuwatch.domain.windows import Outlook
    from gpuwatch.exposition.flag_shapes import FlagShape
    from gpuwatch.exposition.shapes import WindowShape
    from gpuwatch.exposition.window_shapes import PlanShape

_SHOWN = 12


def windows(arguments: Namespace) -> int:
    """Print what is to come. Without an agent: by the configuration, with the flags remembered."""
    if arguments.ics and arguments.json:
        what = "--ics and --json exclude each other"
        raise ControlError(ErrorKind.USAGE, what, "give one of them")
    try:
        document = cast("PlanShape", request(arguments, "windows"))
    except AgentAbsentError as absent:
        from gpuwatch.config.loading import ConfigError  # noqa: PLC0415 - only without an agent

        try:
            outlook = _configured(arguments)
        except ConfigError as refused:
            print_refusal(refused.problems, as_json=arguments.json)
            return Exit.CONFIG
        with Offline(arguments, absent) as remembered:
            document = remembered.plan(outlook)
    if arguments.ics:
        from gpuwatch.cli.window_calendar import calendar_of  # noqa: PLC0415 - it takes long

        sys.stdout.buffer.write(calendar_of(document))
    elif arguments.json:
        print_json(document)
    else:
        print_lines(_lines(document))
    return Exit.OK


def _configured(arguments: Namespace) -> "Outlook":
    """What is to come by the configuration. Raises ConfigError."""
    from datetime import UTC, datetime  # noqa: PLC0415 - only without an agent

    from gpuwatch.agent.wiring import agenda, calendar_files  # noqa: PLC0415
    from gpuwatch.config.loading import load  # noqa: PLC0415
    from gpuwatch.policy.schedule import HORIZON  # noqa: PLC0415
    from gpuwatch.sources.calendars import read_calendar, unread  # noqa: PLC0415

    settings, now = load(file=arguments.config).settings, time.time()
    until = now + HORIZON.total_seconds()
    states = tuple(
        read_calendar(file, unread(file), now, until).state for file in calendar_files(settings)
    )
    return agenda(settings).outlook(datetime.fromtimestamp(now, UTC), states)


def _lines(document: "PlanShape") -> list[str]:
    flags = {flag["number"]: flag for flag in document["flags"]}
    parts = [
        _windows(document["windows"], flags),
        _blackouts(document),
        _waiting(document, flags),
        [line for calendar in document["calendars"] for line in _calendar(dict(calendar))],
    ]
    lines = [line for part in parts if part for line in (*part, "")]
    return lines[:-1]


def _windows(windows: "list[WindowShape]", flags: "dict[int, FlagShape]") -> list[str]:
    if not windows:
        return paragraph("No window is coming: set one up with [[windows]] or [[calendars]].")
    rows = [
        (
            at(one["start"]),
            "open now" if one["open"] else at(one["end"]),
            one["name"],
            one["source"],
            one["free"],
            " ".join(_flag(flags[number]) for number in one["flags"] if number in flags),
        )
        for one in windows
    ]
    headings = ("START (UTC)", "END", "WINDOW", "SOURCE", "FREE", "FLAGS")
    return _shortened(table(headings, rows), len(rows), "windows")


def _blackouts(document: "PlanShape") -> list[str]:
    rows = [
        (
            "holds now" if one["holds"] else at(one["start"]),
            at(one["end"]),
            one["name"],
            one["source"],
            one["reason"],
        )
        for one in document["blackouts"]
    ]
    lines = table(("START (UTC)", "END", "BLACKOUT", "SOURCE", "REASON"), rows) if rows else []
    shown = _shortened(lines, len(rows), "blackouts")
    for one in document["blocked"][:_SHOWN]:
        told = f"window {one['name']} at {at(one['start'])} UTC is not used: {one['blackout']}"
        shown += paragraph(told, "  ")
    return shown


def _waiting(document: "PlanShape", flags: "dict[int, FlagShape]") -> list[str]:
    lines = []
    for number in document["late"]:
        flag = flags[number]
        start = flag["window_start"]
        why = f"its window is at {at(start)} UTC" if start else "it has no window"
        lines += paragraph(
            f"flag {number} is late: {flag['serial'] or flag['uuid']} {flag['code']}: due"
            f" {at(flag['due_at'])} UTC, {why}",
            "  ",
        )
    for number in (one for one in document["without_window"] if one not in document["late"]):
        lines += paragraph(f"flag {number} has no window", "  ")
    if not document["settled"]:
        lines += paragraph("Nothing is planned until every calendar has been read once.")
    return lines


def _calendar(calendar: dict[str, object]) -> Iterable[str]:
    read = f"read {at(calendar['read_at'])} UTC" if calendar["read_at"] else "not read yet"
    said = (
        f"calendar {calendar['name']}: {calendar['path']}: {read}; windows {calendar['windows']},"
        f" blackouts {calendar['blackouts']}, other events {calendar['ignored']}"
    )
    yield from paragraph(said, "  ")
    if calendar["problem"]:
        yield from paragraph(f"  {calendar['problem']}", "  ")


def _flag(flag: "FlagShape") -> str:
    pinned = " pinned" if flag["pinned"] else ""
    return f"{flag['number']} ({flag['serial'] or flag['uuid'][:16]}{pinned})"


def _shortened(lines: list[str], count: int, what: str) -> list[str]:
    """At most so many rows below the heading; the rest is counted."""
    left = count - _SHOWN
    return [*lines[: _SHOWN + 1], f"and {left} more {what}: see --json"] if left > 0 else lines
