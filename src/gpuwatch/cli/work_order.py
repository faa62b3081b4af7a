"""Work order: the paper for the person at the rack, as text, as a page to print, as JSON."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import clean, fact, paragraphs, print_json, print_lines, wrapped
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.exposition.work_order_page import work_order_page
from gpuwatch.exposition.work_order_words import board_words, headline, what, when, where, why

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpuwatch.exposition.work_order_shapes import WorkOrderShape

_LINE = "_" * 38


def work_order(arguments: Namespace) -> int:
    """Print it. Without an agent: what history and the settings tell, and 0: paper must be had."""
    if arguments.json and arguments.format == "html":
        what = "--json and --format html exclude each other"
        raise ControlError(ErrorKind.USAGE, what, "give one of them")
    try:
        order = cast("WorkOrderShape", request(arguments, "work-order", number=arguments.number))
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            order = remembered.work_order(arguments.number)
    if arguments.json or arguments.format == "json":
        print_json(order)
    elif arguments.format == "html":
        sys.stdout.buffer.write(work_order_page(order))  # in UTF-8, as it says, wherever we are
    else:
        print_lines(_lines(order))
    return Exit.OK


def _lines(order: "WorkOrderShape") -> list[str]:
    lines = wrapped(headline(order))
    for title, rows in (
        ("WHERE", where(order)),
        ("WHEN", when(order)),
        ("WHAT", what(order)),
        ("WHY", why(order)),
    ):
        lines += ["", title, *(line for name, text in rows for line in fact(name, text))]
    if order["leaves_along"]:
        lines += ["", "LEAVES WITH IT", *paragraphs(map(board_words, order["leaves_along"]))]
    alone = [board_words(board) for board in order["leave_alone"]]
    lines += ["", "DO NOT TOUCH", *paragraphs(alone or ["no other board is known here"])]
    if order["notes"]:
        lines += ["", "ON SITE", *paragraphs(order["notes"])]
    lines += ["", "STEPS", *_steps(order)]
    lines += ["", "IDENTIFY LAMP", *_lamps(order)]
    unnamed = ["nobody is named in the settings (work_orders.contacts)"]
    lines += ["", "WHOM TO CALL", *paragraphs(order["contacts"] or unnamed)]
    lines += ["", "TO FILL IN", *_fields(order["fields"])]
    return lines


def _steps(order: "WorkOrderShape") -> "Iterable[str]":
    for number, step in enumerate(order["steps"], 1):
        yield from wrapped(f"{number:>2}. [ ] {step['text']}", 0, 8)
        for command in step["commands"]:
            yield f"        {clean(command)}"


def _lamps(order: "WorkOrderShape") -> "Iterable[str]":
    if not order["lamps"]:
        yield "  no BMC of this server is known to gpuwatch"
    for lamp in order["lamps"]:
        at = f" at {lamp['address']}" if lamp["address"] else ", from the host itself"
        text = f"by hand, with your own account, on BMC {lamp['bmc']}{at} ({lamp['note']}):"
        yield from paragraphs([text])
        yield f"    {clean(lamp['on'])}"
        yield f"    {clean(lamp['off'])}"


def _fields(fields: list[str]) -> "Iterable[str]":
    for field in fields:
        yield from wrapped(field, 2)
        yield f"      {_LINE}"
