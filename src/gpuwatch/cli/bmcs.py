"""BMCs: the management controllers and the servers behind them, and what stands in their logs."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.bmc_lines import bmc_details, bmc_facts, bmc_table, entry_rows, worst_first
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import clean, print_json, print_lines, table, wrapped
from gpuwatch.cli.session import request
from gpuwatch.cli.times import instant_of
from gpuwatch.control.client import SECONDS, AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.exposition import bmc_words as words
from gpuwatch.exposition.bmc_log_documents import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpuwatch.exposition.bmc_shapes import BmcShape, LogShape

_NONE = "no BMC is watched: the settings have no [bmc.NAME]"


def bmc(arguments: Namespace) -> int:
    """Print every BMC, or one in full. Without an agent: what is remembered, and 69."""
    if arguments.accept or arguments.reason:
        return _accept(arguments)
    return _list(arguments) if arguments.bmc is None else _show(arguments)


def _accept(arguments: Namespace) -> int:
    """Say that a server is as it should be."""
    if not (arguments.accept and arguments.reason and arguments.bmc):
        what = "bmc --accept needs BMC and --reason, and --reason needs --accept"
        raise ControlError(ErrorKind.USAGE, what, "see gpuwatch bmc --help")
    answer = request(arguments, "bmc-accept", bmc=arguments.bmc, reason=arguments.reason)
    if arguments.json:
        print_json(answer)
        return Exit.OK
    gone = ", ".join(map(clean, cast("list[str]", answer["gone"]))) or "nothing"
    print(f"accepted bmc.{clean(answer['accepted'])}; no longer missed: {gone}")
    return Exit.OK


def sel(arguments: Namespace) -> int:
    """Print log entries, the latest first."""
    wanted = _wanted(arguments)
    name = arguments.bmc or ""
    fields: dict[str, object] = {
        "bmc": name,
        "severity": wanted.severity.value,
        "topic": "" if wanted.topic is None else wanted.topic.value,
        "since": wanted.since,
        "limit": wanted.limit,
    }
    try:
        answer = cast("LogShape", request(arguments, "bmc-log", within_seconds=SECONDS, **fields))
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            answer = remembered.bmcs.log(name, wanted)
    if answer["more"]:
        said = f"gpuwatch: these are the latest {wanted.limit}; more with --limit"
        print(said, file=sys.stderr)
    if arguments.json:
        print_json(answer)
    elif answer["entries"]:
        print_lines(entry_rows(answer["entries"], named=not name))
    else:
        print("no such entry is known")
    return Exit.OK


def _wanted(arguments: Namespace) -> Wanted:
    since = 0.0 if arguments.since is None else instant_of(arguments.since, "--since")
    return Wanted(
        severity=LogSeverity(arguments.severity),
        topic=None if arguments.topic is None else LogTopic(arguments.topic),
        since=max(since, 0.0),
        limit=arguments.limit,
    )


def _list(arguments: Namespace) -> int:
    status = Exit.OK
    try:
        bmcs = cast("list[BmcShape]", request(arguments, "bmcs")["bmcs"])
    except AgentAbsentError as absent:
        status = Exit.UNAVAILABLE
        with Offline(arguments, absent) as remembered:
            bmcs = remembered.bmcs.documents()
    if arguments.json:
        print_json({"bmcs": bmcs})
    elif bmcs:
        ordered = worst_first(bmcs)
        print_lines([*bmc_table(ordered), *_details(ordered)])
    else:
        print(_NONE)
    return status


def _details(bmcs: "list[BmcShape]") -> list[str]:
    """Why some do not answer, and what was found, below the table."""
    lines = [line for one in bmcs for line in bmc_details(one)]
    return ["", *lines] if lines else []


def _show(arguments: Namespace) -> int:
    status = Exit.OK
    try:
        told = cast("BmcShape", request(arguments, "bmc", bmc=arguments.bmc))
    except AgentAbsentError as absent:
        status = Exit.UNAVAILABLE
        with Offline(arguments, absent) as remembered:
            told = remembered.bmcs.document(arguments.bmc)
    if arguments.json:
        print_json(told)
    else:
        print_lines(_lines(told))
    return status


def _lines(told: "BmcShape") -> list[str]:
    since = f"{told['verdict']} since {words.moment(told['verdict_since'])}"
    lines = [
        *wrapped(f"bmc.{told['name']} of {told['server']}: {since}"),
        *wrapped(words.headline(told)),
        *bmc_details(told),
    ]
    if facts := bmc_facts(told):
        lines += ["", *facts]
    supplies = [(one["name"], one["word"], one["health"] or "-") for one in told["supplies"]]
    lines += _part(("SUPPLY", "IS", "BMC SAYS"), supplies)
    gpus = [(one["name"], one["serial"] or "-", words.gpu(one)) for one in told["gpus"]]
    lines += _part(("GPU", "SERIAL", "BMC SAYS"), gpus)
    sensors = [
        (one["label"], one["part"], one["health"] or "-", words.sensor_reading(one))
        for one in told["sensors"]
    ]
    return lines + _part(("SENSOR", "PART", "BMC SAYS", "READING"), sensors)


def _part(headings: tuple[str, ...], rows: "Sequence[tuple[str, ...]]") -> list[str]:
    return ["", *table(headings, rows)] if rows else []
