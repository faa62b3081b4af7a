"""Boards: every board that this host has seen, and saying that one has left."""

from argparse import Namespace
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import at, clean, print_json, print_lines, table
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError

if TYPE_CHECKING:
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
            at(one["last_seen"]),
        )
        for one in boards
    ]
    headings = ("SERIAL", "STATE", "SLOT", "INCIDENTS", "ERRORS", "LAST SEEN (UTC)")
    print_lines(table(headings, rows))
    return Exit.OK


def retire(arguments: Namespace) -> int:
    """Tell the agent that a board has left this host for good."""
    answer = request(arguments, "retire", serial=arguments.serial, reason=arguments.reason)
    if arguments.json:
        print_json(answer)
    else:
        print(f"retired {clean(answer.get('retired'))}")
    return Exit.OK
