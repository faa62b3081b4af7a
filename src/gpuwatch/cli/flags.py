"""Flags: the boards to replace, what is known of them, and what people do about them."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.audit import lines_of
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import at, paragraph, print_json, print_lines, table
from gpuwatch.cli.session import request
from gpuwatch.cli.times import instant_of, instant_to_come
from gpuwatch.control.client import SECONDS, AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.domain.flag_life import POSSIBLE
from gpuwatch.domain.flags import FlagState

if TYPE_CHECKING:
    from datetime import timedelta

    from gpuwatch.exposition.flag_shapes import FlagShape

_ENDED = (FlagState.CLOSED, FlagState.DISMISSED)
_HEADINGS = ("FLAG", "STATE", "TAKEN UP", "SERIAL", "SLOT", "DUE (UTC)", "WINDOW (UTC)", "RETURN")


def list_flags(arguments: Namespace) -> int:
    """Print one line for each flag on which somebody has to act; with --all for each."""
    try:
        flags = cast("list[FlagShape]", request(arguments, "flags")["flags"])
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            flags = remembered.flags()
    shown = [flag for flag in flags if arguments.all or flag["state"] not in _ENDED]
    if arguments.json:
        print_json({"flags": shown})
    elif shown:
        print_lines(table((*_HEADINGS, "CODE"), (_row(flag) for flag in shown)))
    else:
        print("no board of this host is flagged")
    return Exit.OK


def show(arguments: Namespace) -> int:
    """Print one flag with all that is written on it, and what happened to it."""
    try:
        flag = cast("FlagShape", request(arguments, "flag", number=arguments.number)["flag"])
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            flag = remembered.flag(arguments.number)
    if arguments.json:
        print_json({"flag": flag})
    else:
        print_lines(_lines(flag))
    return Exit.OK


def ack(arguments: Namespace) -> int:
    """Somebody has seen it."""
    return _change(arguments, "acknowledge")


def snooze(arguments: Namespace) -> int:
    """It pages nobody for a while, by the agent's clock, or until a time."""
    if arguments.lasting is not None:
        lasting: timedelta = arguments.lasting
        return _change(arguments, "snooze", seconds=lasting.total_seconds())
    return _change(arguments, "snooze", until=instant_to_come(arguments.until, "--until"))


def schedule(arguments: Namespace) -> int:
    """Pin it to a window, or leave it to gpuwatch."""
    fields: dict[str, object] = {"window": arguments.window, "auto": arguments.auto}
    if arguments.start is not None:
        fields["start"] = instant_of(arguments.start, "--start")
    return _change(arguments, "schedule", **fields)


def start(arguments: Namespace) -> int:
    """Somebody has the board in hands."""
    return _change(arguments, "start")


def done(arguments: Namespace) -> int:
    """The work has ended without another board."""
    return _change(arguments, "done", outcome=arguments.outcome)


def dismiss(arguments: Namespace) -> int:
    """The board need not be replaced on this evidence."""
    return _change(arguments, "dismiss")


def write(arguments: Namespace) -> int:
    """Write due time, disposition, vendor case or unit on it; at least one of them."""
    told = {
        "disposition": arguments.disposition,
        "vendor_case": arguments.vendor_case,
        "fru": arguments.fru,
    }
    fields: dict[str, object] = {name: value for name, value in told.items() if value is not None}
    if arguments.due is not None:
        fields["due"] = instant_to_come(arguments.due, "--due")
    if not fields:
        what = "flags set needs --due, --disposition, --vendor-case or --fru"
        raise ControlError(ErrorKind.USAGE, what, "see gpuwatch flags set --help")
    if "" in fields.values():
        raise ControlError(ErrorKind.USAGE, "an empty text writes nothing", "write another over it")
    return _change(arguments, "set", **fields)


def _change(arguments: Namespace, verb: str, **fields: object) -> int:
    told: dict[str, object] = {"number": arguments.number, "reason": arguments.reason, **fields}
    answer = request(arguments, f"flag-{verb}", within_seconds=SECONDS, **told)
    flag = cast("FlagShape", answer["flag"])
    if not answer["written"]:
        what = "history cannot be written: the change waits in the agent's memory (see its status)"
        print(f"gpuwatch: {what}", file=sys.stderr)
    if arguments.json:
        print_json(answer)
    else:
        print_lines(_headline(flag))
    return Exit.OK


def _row(flag: "FlagShape") -> tuple[object, ...]:
    return (
        flag["number"],
        flag["state"].replace("_", " "),
        taken_up(flag),
        flag["serial"] or flag["uuid"],
        flag["slot"],
        at(flag["due_at"]),
        at(flag["window_start"]),
        flag["rma"].replace("_", " "),
        flag["code"],
    )


def taken_up(flag: "FlagShape") -> str:
    """Why it pages nobody; "-" when nobody has taken it up."""
    words = (
        (flag["scheduled"], "scheduled"),
        (flag["acknowledged_at"] is not None, "acknowledged"),
        (flag["snoozed"], "snoozed"),
    )
    return next((word for holds, word in words if holds), "-")


def _headline(flag: "FlagShape") -> list[str]:
    window = f"window {flag['window_name']} at {at(flag['window_start'])} UTC"
    waits = flag["state"] == FlagState.OPEN
    ended = flag["state"] in _ENDED
    taken = taken_up(flag)
    parts = (
        flag["state"].replace("_", " "),
        "" if ended or taken == "-" else taken,
        "" if ended else f"due {at(flag['due_at'])} UTC",
        (window if flag["window_name"] else "in no window yet") if waits else "",
        flag["outcome"].replace("_", " ") if flag["outcome"] != flag["state"] else "",
    )
    board = flag["serial"] or flag["uuid"]
    return paragraph(
        f"flag {flag['number']}: {flag['code']} of {board}: {', '.join(filter(None, parts))}", "  "
    )


def _lines(flag: "FlagShape") -> list[str]:
    written = (
        ("slot", flag["slot"]),
        ("replaced with it", flag["fru"]),
        ("slot note", flag["slot_note"]),
        ("raised", f"{at(flag['raised_at'])} UTC, evidence of {at(flag['evidence_at'])} UTC"),
        ("state since", f"{at(flag['state_since'])} UTC"),
        ("return", flag["rma"].replace("_", " ")),
        ("disposition", flag["disposition"].replace("_", " ")),
        ("vendor case", flag["vendor_case"]),
        ("window", _chosen_by(flag) if flag["window_name"] else ""),
        ("told", "no window comes before it is due" if flag["told_late"] else ""),
        ("acknowledged", _acknowledged(flag)),
        ("snoozed until", f"{at(flag['snoozed_until'])} UTC" if flag["snoozed"] else ""),
        ("in its place", flag["successor_serial"] or flag["successor_uuid"] or ""),
        ("next", POSSIBLE[FlagState(flag["state"])].removeprefix("possible now: ")),
    )
    lines = [*_headline(flag), *paragraph(flag["sentence"], "  ")]
    lines += [line for name, text in written if text for line in paragraph(f"{name}: {text}", "  ")]
    return [*lines, "", *lines_of(flag["audit"], of_one=True)]


def _chosen_by(flag: "FlagShape") -> str:
    return "chosen by a person" if flag["pinned"] else "planned by gpuwatch"


def _acknowledged(flag: "FlagShape") -> str:
    if flag["acknowledged_at"] is None:
        return ""
    return f"{at(flag['acknowledged_at'])} UTC by {flag['acknowledged_by']}"
