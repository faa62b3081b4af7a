"""Runbooks as the house wants them: what a page says of its rule, and what stands in pages."""

import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from gpuwatch.cli.alerts import fleet, watching
from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.alerts.watch import Watch
from gpuwatch.domain.verdicts import Remedy, RmaStanding, Scope, Urgency
from gpuwatch.exposition.runbook_tree import (
    Block,
    Code,
    Commands,
    Heading,
    Link,
    Paragraph,
    Points,
    Span,
)
from gpuwatch.policy.rules import Rule

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"
HEADINGS = (
    "What it means",
    "What it is not",
    "First five minutes",
    "Decide",
    "Fix",
    "Verify",
    "Sources",
)
# Alerts of Prometheus that are no rule of a host: about the watching itself, and about the fleet.
ALERTS = {row.code: row for row in (*watching.WATCHES, *fleet.WATCHES)}
_URGENCIES = {
    Urgency.PAGE: "**Page**: somebody acts now.",
    Urgency.WINDOW: "**Window**: it can wait for the next maintenance.",
    Urgency.WATCH: "**Watch**: nothing to do yet.",
    Urgency.INFO: "**Information**: nobody is woken for it.",
}
_SCOPES = {
    Scope.GPU: "About one GPU.",
    Scope.HOST: "About the host.",
    Scope.BMC: "About the server behind a BMC.",
}
_STANDINGS = {
    RmaStanding.CRITERION_MET: "Return: NVIDIA's criterion is met.",
    RmaStanding.NEEDS_FIELD_DIAGNOSTIC: "Return: the field diagnostic decides.",
    RmaStanding.NOT_RETURNABLE_YET: "Return: not possible yet.",
}
_DAY = timedelta(days=1)
# Words in capitals that a reader fills in, by something that the parser takes.
_FILLED_IN = {"N": "14", "TEXT": "text"}
_SHELL = {"|", "||", "&&", ";", ">", "2>&1", "2>/dev/null"}
# What takes evidence away: logs and counters that somebody empties.
DESTROYING = re.compile(
    r"sel clear|clear the (sel|log|counter)|reset-?error-?counters|nvlink -re?\b|reset-ecc-errors"
    r"|nvidia-smi[^\n]* -p [01]\b|dmesg (-c|-C|--clear|--read-clear)|journalctl [^\n]*--vacuum",
    re.IGNORECASE,
)
# What ends a state that is evidence, and what keeps it: the vendor's report, a file, our history.
ENDING = re.compile(
    r"--gpu-reset|power cycle|mc reset|systemctl restart (nvidia|gpuwatch)|modprobe -r"
)
KEEPING = re.compile(r"nvidia-bug-report\.sh|/root/|gpuwatch history|journalctl")


def line_of(rule: Rule) -> str:
    """What the second line of a page says of its rule."""
    remedy = rule.remedy.value.replace("_", " ")
    # A page is acted on now; what may take until its due time is the exchange of a board.
    waits = rule.urgency is not Urgency.PAGE or rule.remedy is Remedy.REPLACE
    within = "" if rule.due is None or not waits else f", within {_days(rule.due)}"
    told = (
        _URGENCIES[rule.urgency],
        "" if rule.pages_after is None else f"It pages after {rule.pages_after.seconds // 60} min.",
        _SCOPES[rule.scope],
        "" if remedy == "none" else f"Remedy: {remedy}{within}.",
        "" if rule.rma is None else _STANDINGS[rule.rma],
        "It stays until a person dismisses it or the board leaves." if rule.latch else "",
    )
    return f"> {' '.join(filter(None, told))}"


def line_of_alert(row: Watch) -> str:
    """What the second line of a page says of its alert."""
    goes = _URGENCIES[row.urgency] if row.urgency else "**Test**: it goes along the route it names."
    return f"> Alert **{name_of(row.code)}**, no finding of a host. {goes}"


def _days(due: timedelta) -> str:
    return "1 day" if due == _DAY else f"{due / _DAY:g} days"


def spans_of(blocks: tuple[Block, ...]) -> Iterator[Span]:
    """Every span of a page."""
    for block in leaves_of(blocks):
        if isinstance(block, Heading | Paragraph):
            yield from block.spans


def leaves_of(blocks: tuple[Block, ...]) -> Iterator[Heading | Paragraph | Commands]:
    """Every block of a page that holds text."""
    for block in blocks:
        if isinstance(block, Points):
            yield from (leaf for point in block.points for leaf in point)
        else:
            yield block


def links_of(blocks: tuple[Block, ...]) -> list[str]:
    """Where the links of a page lead."""
    return [span.target for span in spans_of(blocks) if isinstance(span, Link)]


def gpuwatch_words(blocks: tuple[Block, ...]) -> Iterator[tuple[str, ...]]:
    """The words of every command of gpuwatch in a page, with what the reader fills in."""
    texts = [block.text for block in leaves_of(blocks) if isinstance(block, Commands)]
    texts += [span.text for span in spans_of(blocks) if isinstance(span, Code)]
    for text in texts:
        for start in re.finditer(r"^gpuwatch (?=.)", text, re.MULTILINE):
            yield _command(text[start.end() :])


def _command(text: str) -> tuple[str, ...]:
    """The words of the command that `text` begins with, up to what the shell does with it."""
    lines = text.split("\n")
    for count in range(1, len(lines) + 1):
        try:
            words = shlex.split("\n".join(lines[:count]))
        except ValueError:  # a quotation that ends on a later line
            continue
        ends = [place for place, word in enumerate(words) if word in _SHELL]
        return tuple(_FILLED_IN.get(word, word) for word in words[: min(ends, default=len(words))])
    raise AssertionError(f"a quotation without an end: {text}")


def paragraphs_of(blocks: tuple[Block, ...]) -> list[str]:
    """The paragraphs of a page as plain text."""
    return [
        "".join(span.text for span in block.spans)
        for block in leaves_of(blocks)
        if isinstance(block, Paragraph) and not block.quoted
    ]
