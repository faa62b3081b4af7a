"""Explain BMC: one BMC at 03:00, the next step first, then why, then what it tells."""

from argparse import Namespace
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.bmc_lines import bmc_facts, entry_rows
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.finding_lines import finding_lines, only
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import paragraphs, print_json, print_lines, wrapped
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.exposition.bmc_words import headline, moment, trouble

if TYPE_CHECKING:
    from gpuwatch.exposition.bmc_shapes import BmcExplanationShape

_ENTRIES = 5


def explain_bmc(arguments: Namespace) -> int:
    """Print the explanation of one BMC. Without an agent: what history tells of it, and 69."""
    try:
        answer = request(arguments, "explain-bmc", bmc=arguments.subject)
        told = cast("BmcExplanationShape", answer)
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            told = remembered.bmcs.explanation(arguments.subject)
            _print(arguments, told)
        return Exit.UNAVAILABLE
    _print(arguments, told)
    return Exit.OK


def _print(arguments: Namespace, told: "BmcExplanationShape") -> None:
    told["findings"] = only(arguments, told["findings"])
    if arguments.code is not None:
        told["steps"] = [one["step"] for one in told["findings"]]
    if arguments.json:
        print_json(told)
    else:
        print_lines(_lines(told))


def _lines(told: "BmcExplanationShape") -> list[str]:
    bmc = told["bmc"]
    memory = "; no agent runs: this is what history tells" if told["remembered"] else ""
    since = f"{bmc['verdict']} since {moment(bmc['verdict_since'])}"
    lines = wrapped(f"bmc.{bmc['name']} of {bmc['server']}, {headline(bmc)}: {since}{memory}")
    lines += ["", "NEXT STEP", *paragraphs(told["steps"])]
    if silence := trouble(bmc):
        lines += ["", "WHY SILENT", *paragraphs([f"the BMC {silence}"])]
    for finding in told["findings"]:
        lines += ["", *finding_lines(finding)]
    if facts := bmc_facts(bmc):
        lines += ["", "AT PRESENT", *facts]
    if bmc["entries"]:
        lines += ["", "LATEST LOG ENTRIES", *entry_rows(bmc["entries"][:_ENTRIES])]
    return lines
