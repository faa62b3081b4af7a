"""Finding lines: one finding in full, and which of several a person asked for."""

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from gpuwatch.cli.output import at, fact, paragraphs, wrapped
from gpuwatch.control.requests import ControlError, ErrorKind

if TYPE_CHECKING:
    from gpuwatch.exposition.bmc_shapes import ExplainedBmcFindingShape

_Found = TypeVar("_Found", bound="ExplainedBmcFindingShape")


def only(arguments: Namespace, findings: Sequence[_Found]) -> list[_Found]:
    """The findings with the code that was asked for, or all. Raises ControlError for none."""
    code = arguments.code
    found = [one for one in findings if code in (None, one["code"])]
    if code is not None and not found:
        holding = ", ".join(dict.fromkeys(one["code"] for one in findings)) or "none"
        what = f"{code} does not hold for {arguments.subject}"
        raise ControlError(ErrorKind.NOT_FOUND, what, f"what holds: {holding}")
    return found


def finding_lines(finding: "ExplainedBmcFindingShape", flag: int | None = None) -> list[str]:
    """A finding with what it rests on, in lines of at most 80 columns."""
    numbers = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in finding["evidence"].items()
        if value not in finding["sentence"] or value.replace(".", "").isdecimal()
    )
    evidence_at = finding["evidence_at"]
    facts = (
        ("since", f"{at(finding['since'])} UTC"),
        ("evidence", "" if evidence_at is None else f"up to {at(evidence_at)} UTC"),
        ("numbers", numbers),
        ("step", finding["step"]),
        ("route", "" if finding["route"] == finding["urgency"] else finding["route"]),
        ("return", (finding["rma"] or "").replace("_", " ")),
        ("flag", "" if flag is None else f"flag {flag}"),
        ("clears", finding["clears"]),
        ("escalates", finding["escalates"]),
        ("rule", finding["criterion"]),
        ("source", finding["source"]),
        ("runbook", f"gpuwatch runbook {finding['code']}"),
    )
    head = f"{finding['code'].upper()}: {finding['urgency']}, {finding['remedy']}"
    lines = [*wrapped(head), *paragraphs([finding["sentence"]])]
    for name, value in facts:
        lines += fact(name, value) if value else []
    return lines
