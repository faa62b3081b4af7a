"""Boards: every board that this host has seen, what came in, and what others told of them."""

import base64
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import at, clean, print_json, print_lines, table
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.domain.acceptances import DIAGNOSTIC_LIMIT, AcceptanceState
from gpuwatch.domain.known_boards import FILE_LIMIT, read_all, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gpuwatch.exposition.acceptance_shapes import AcceptanceShape
    from gpuwatch.exposition.flag_shapes import FlagShape
    from gpuwatch.exposition.shapes import GpuShape


def list_boards(arguments: Namespace) -> int:
    """Print one line for each board, those that left too."""
    try:
        boards = cast("list[GpuShape]", request(arguments, "boards")["boards"])
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            boards = remembered.boards()
    if arguments.json:
        print_json({"boards": boards})
        return Exit.OK
    rows = [
        (
            one["serial"] or one["uuid"],
            one["state"],
            one["slot"],
            len(one["incidents"]),
            sum(one["errors"].values()),
            sum(one["prior"].values()),
            progress(one["acceptance"]),
            at(one["last_seen"]),
        )
        for one in boards
    ]
    headings = (
        "SERIAL",
        "STATE",
        "SLOT",
        "INCIDENTS",
        "ERRORS",
        "BEFORE",
        "ACCEPTANCE",
        "LAST SEEN (UTC)",
    )
    print_lines(table(headings, rows))
    return Exit.OK


def progress(acceptance: "AcceptanceShape | None") -> str:
    """How far what came in has proved itself: "1.2 of 4 h", its outcome, or nothing."""
    if acceptance is None:
        return ""
    if acceptance["state"] != AcceptanceState.RUNNING:
        return acceptance["state"].replace("_", " ")
    done, needed = acceptance["load_seconds"] / 3600, acceptance["needed_seconds"] / 3600
    return f"{done:.1f} of {needed:.0f} h"


def show(arguments: Namespace) -> int:
    """Print what is remembered of one board, present or gone."""
    try:
        answer: Mapping[str, object] = request(arguments, "history", gpu=arguments.serial)
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            answer = remembered.history(arguments.serial)
    board = cast("GpuShape", answer["gpu"])
    flags = cast("list[FlagShape]", answer["flags"])
    if arguments.json:
        print_json({"board": board, "flags": flags})
        return Exit.OK
    print_lines(f"{name:<14} {text}" for name, text in _facts(board))
    for line in (*_acceptance(board["acceptance"]), *map(_flag, flags)):
        print(clean(line))
    return Exit.OK


def _facts(board: "GpuShape") -> list[tuple[str, str]]:
    return [
        ("serial", board["serial"] or "not told"),
        ("uuid", board["uuid"]),
        ("board", " ".join(filter(None, (board["name"], board["part_number"])))),
        ("state", board["state"]),
        ("slot", board["slot"] or "unknown"),
        ("first seen", f"{at(board['first_seen'])} UTC"),
        ("last seen", f"{at(board['last_seen'])} UTC"),
        ("in service", f"{board['exposure_seconds'] / 86400:.1f} days"),
        ("incidents", str(len(board["incidents"]))),
        ("errors", _counts(board["errors"])),
        ("before it came", _counts(board["prior"])),
        ("acceptance", progress(board["acceptance"]) or "not asked for"),
    ]


def _counts(counts: "Mapping[str, int]") -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "none"


def _acceptance(acceptance: "AcceptanceShape | None") -> list[str]:
    """What each board that came in has carried, and what a diagnostic came to."""
    if acceptance is None:
        return []
    lines = [
        f"  {one['serial'] or one['uuid']}: {one['load_seconds'] / 3600:.1f} h under load"
        + (f", {one['poor_seconds'] / 60:.0f} min of it poor: {one['poor']}" if one["poor"] else "")
        for one in acceptance["boards"]
    ]
    told = acceptance["diagnostic"]
    if told is not None:
        lines.append(f"  {told['name']} {told['result']} (SHA-256 {told['sha256']})")
    return [*lines, *([f"  {acceptance['sentence']}"] if acceptance["sentence"] else [])]


def _flag(flag: "FlagShape") -> str:
    ended = f", {flag['outcome'].replace('_', ' ')}" if flag["outcome"] else ""
    state = flag["state"].replace("_", " ")
    return f"flag {flag['number']} {flag['code']}: {state}{ended}; {flag['sentence']}"


def accept(arguments: Namespace) -> int:
    """Attach the output of a diagnostic to an acceptance."""
    file: Path = arguments.diagnostic
    content = _read(file, DIAGNOSTIC_LIMIT, "attach the summary, or a part")
    answer = request(
        arguments,
        "boards-accept",
        serial=arguments.serial,
        name=file.name,
        result=arguments.result,
        content=base64.b64encode(content).decode(),
    )
    acceptance = cast("AcceptanceShape", answer["acceptance"])
    if arguments.json:
        print_json(answer)
    else:
        print(clean(f"{file.name} attached to flag {acceptance['flag']}: {progress(acceptance)}"))
    return Exit.OK


def export(arguments: Namespace) -> int:
    """Print one line for each board that other hosts should know of."""
    try:
        lines = cast("list[str]", request(arguments, "boards-export", all=arguments.all)["boards"])
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            lines = remembered.export(everything=arguments.all)
    if arguments.json:
        print_json({"boards": [json.loads(line) for line in lines]})
    else:
        print_lines(lines)
    return Exit.OK


def take(arguments: Namespace) -> int:
    """Tell the agent what other hosts know; all of the file, or nothing where a line is wrong."""
    file: Path = arguments.file
    text = _read(
        file, FILE_LIMIT, "it takes what gpuwatch boards export prints, in parts if need be"
    ).decode(errors="replace")
    try:
        boards = tuple(read_all(text))
    except ValueError as error:
        raise ControlError(
            ErrorKind.USAGE, f"{file}: {error}", "nothing was imported; see docs/boards.md"
        ) from error
    answers = [request(arguments, "boards-import", line=write(board)) for board in boards]
    new = sum(bool(answer["new"]) for answer in answers)
    if arguments.json:
        print_json({"boards": len(boards), "new": new})
    else:
        print(f"{len(boards)} boards, {new} of them new")
    return Exit.OK


def _read(file: Path, most: int, remedy: str) -> bytes:
    """A file's content, or standard input's. Raises ControlError for a file that cannot be used."""
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        what = f"{file}: {error.strerror}"
        raise ControlError(ErrorKind.USAGE, what, "name a file that you may read") from error
    if not content or len(content) > most:
        told = "is empty" if not content else f"is larger than {most} bytes"
        raise ControlError(ErrorKind.USAGE, f"{file}: {told}", remedy)
    return content


def retire(arguments: Namespace) -> int:
    """Tell the agent that a board has left this host for good."""
    answer = request(arguments, "retire", serial=arguments.serial, reason=arguments.reason)
    if arguments.json:
        print_json(answer)
    else:
        print(f"retired {clean(answer.get('retired'))}")
    return Exit.OK
