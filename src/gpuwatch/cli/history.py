"""History: what is remembered of one board, the latest first."""

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import at, print_json, print_lines, table
from gpuwatch.cli.session import request
from gpuwatch.cli.status import identity
from gpuwatch.control.client import AgentAbsentError

if TYPE_CHECKING:
    from gpuwatch.exposition.flag_shapes import FlagShape
    from gpuwatch.exposition.shapes import ErrorSignalShape, EventShape, GpuShape


class HistoryShape(TypedDict):
    """The answer to the request `history`."""

    gpu: "GpuShape"
    flags: list["FlagShape"]
    events: list["EventShape"]


def history(arguments: Namespace) -> int:
    """Print identity, incidents, Xids, flags and events of one board."""
    try:
        document = cast("HistoryShape", request(arguments, "history", gpu=arguments.gpu))
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            document = cast("HistoryShape", remembered.history(arguments.gpu))
    if arguments.json:
        print_json(document)
    else:
        print_lines(_lines(document))
    return Exit.OK


def _lines(document: HistoryShape) -> list[str]:
    gpu = document["gpu"]
    lines = identity(gpu)
    incidents = [
        (at(one["opened_at"]), one["memory"], len(one["signals"]), _kinds(one["signals"]))
        for one in reversed(gpu["incidents"])
    ]
    lines += _part(("INCIDENT (UTC)", "MEMORY", "SIGNALS", "KINDS"), incidents)
    xids = [
        (one["xid"], one["source"], one["count"], at(one["first_at"]), at(one["last_at"]))
        for one in gpu["xids"]
    ]
    lines += _part(("XID", "SOURCE", "COUNT", "FIRST (UTC)", "LAST (UTC)"), xids)
    flags = [
        (one["number"], one["state"], at(one["raised_at"]), at(one["due_at"]), one["code"])
        for one in document["flags"]
    ]
    lines += _part(("FLAG", "STATE", "RAISED (UTC)", "DUE (UTC)", "CODE"), flags)
    events = [
        (at(one["at"], seconds=True), one["kind"], one["code"], one["detail"])
        for one in document["events"]
    ]
    return lines + _part(("EVENT (UTC)", "KIND", "CODE", "DETAIL"), events)


def _kinds(signals: "list[ErrorSignalShape]") -> str:
    return ", ".join(dict.fromkeys(signal["kind"] for signal in signals))


def _part(headings: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> list[str]:
    return ["", *table(headings, rows)] if rows else []
