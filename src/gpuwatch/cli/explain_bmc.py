"""Explain BMC: one BMC at 03:00, the next step first, then why, then what it tells."""

from typing import TYPE_CHECKING

from gpuwatch.cli.bmc_lines import bmc_facts, entry_rows
from gpuwatch.cli.finding_lines import finding_lines
from gpuwatch.cli.output import paragraphs, wrapped
from gpuwatch.exposition.bmc_words import headline, moment, trouble

if TYPE_CHECKING:
    from gpuwatch.exposition.bmc_shapes import BmcExplanationShape

_ENTRIES = 5


def bmc_lines(told: "BmcExplanationShape") -> list[str]:
    """The explanation of one BMC, in lines of at most 80 columns."""
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
