"""Explain: one GPU at 03:00, the next step first, then why; at most 80 columns, also in a pipe."""

from argparse import Namespace
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import COLUMNS, at, print_json, print_lines, wrapped
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.exposition.explanation_cells import chance_sentence, distance_words

if TYPE_CHECKING:
    from gpuwatch.exposition.explanation_shapes import (
        ExplainedFindingShape,
        ExplanationShape,
        ThresholdShape,
        UnknownShape,
    )
    from gpuwatch.exposition.finding_shapes import FindingShape

_LABEL = 11  # columns of a fact's name
_INDENT = 2


def explain(arguments: Namespace) -> int:
    """Print the explanation. Without an agent: what history alone can tell, and 69."""
    try:
        told = cast("ExplanationShape", request(arguments, "explain", gpu=arguments.gpu))
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            told = remembered.explanation(arguments.gpu)
            _print(arguments, told)
        return Exit.UNAVAILABLE
    _print(arguments, told)
    return Exit.OK


def _print(arguments: Namespace, told: "ExplanationShape") -> None:
    if arguments.json:
        print_json(told)
    else:
        print_lines(_lines(told))


def _lines(told: "ExplanationShape") -> list[str]:
    lines = wrapped(_headline(told))
    lines += ["", "NEXT STEP", *_paragraphs(told["steps"])]
    wait = told["wait"]
    lines += ["", "CAN IT WAIT?", *_paragraphs([wait["sentence"], chance_sentence(wait)])]
    if told["unknown"] is not None:
        lines += ["", "WHY UNKNOWN", *_unknown(told["unknown"])]
    for finding in told["findings"]:
        lines += ["", *_finding(finding)]
    if told["host_findings"]:
        lines += ["", "ON THIS HOST", *_host_findings(told["host_findings"])]
    lines += ["", "DISTANCE TO NVIDIA'S THRESHOLDS", *_thresholds(told["thresholds"])]
    return lines


def _headline(told: "ExplanationShape") -> str:
    name = f"GPU {told['index']}" if told["index"] is not None else told["uuid"]
    since = f"since {at(told['verdict_since'])} UTC"
    memory = "; no agent runs: this is what history tells" if told["remembered"] else ""
    return (
        f"{name}, {told['name']}, serial {told['serial'] or 'not readable'}, in"
        f" {told['slot'] or 'a slot not known'} ({told['pci_address'] or 'no address'}):"
        f" {told['verdict']} {since}{memory}"
    )


def _unknown(why: "UnknownShape") -> list[str]:
    lines = [
        *_fact("because", why["because"]),
        *_fact("since", f"{at(why['since'])} UTC"),
        *_fact("way out", why["remedy"]),
    ]
    for missed in why["signals"]:
        code = "" if missed["code"] is None else f", NVML error {missed['code']}"
        lines += ["", *_fact("signal", missed["signal"])]
        lines += _fact("gap", f"{missed['gap']}{code}, since {at(missed['since'])} UTC")
        lines += [*_fact("call", missed["call"]), *_fact("way out", missed["remedy"])]
    return lines


def _finding(finding: "ExplainedFindingShape") -> list[str]:
    numbers = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in finding["evidence"].items()
        if value not in finding["sentence"] or value.replace(".", "").isdecimal()
    )
    evidence_at = finding["evidence_at"]
    flag = "" if finding["flag"] is None else f"flag {finding['flag']}"
    facts = (
        ("since", f"{at(finding['since'])} UTC"),
        ("evidence", "" if evidence_at is None else f"up to {at(evidence_at)} UTC"),
        ("numbers", numbers),
        ("step", finding["step"]),
        ("route", "" if finding["route"] == finding["urgency"] else finding["route"]),
        ("return", (finding["rma"] or "").replace("_", " ")),
        ("flag", flag),
        ("clears", finding["clears"]),
        ("escalates", finding["escalates"]),
        ("rule", finding["criterion"]),
        ("source", finding["source"]),
    )
    head = f"{finding['code'].upper()}: {finding['urgency']}, {finding['remedy']}"
    lines = [*wrapped(head), *_paragraphs([finding["sentence"]])]
    for name, value in facts:
        lines += _fact(name, value) if value else []
    return lines


def _host_findings(findings: "list[FindingShape]") -> list[str]:
    return _paragraphs([f"{one['urgency']}: {one['code']}: {one['sentence']}" for one in findings])


def _thresholds(thresholds: "list[ThresholdShape]") -> list[str]:
    if not thresholds:
        return _paragraphs(["None of these counts has been read of this board."])
    lines = []
    for one in thresholds:
        now, left = distance_words(one)
        more = {"": "", "0": ", reached"}.get(left, f", {left} more to go")
        lines += _paragraphs([f"{one['count']}: {now}{more}; {one['meaning']}"])
    sources = dict.fromkeys(one["source"] for one in thresholds)
    return [*lines, *(line for source in sources for line in _fact("source", source))]


def _paragraphs(texts: list[str]) -> list[str]:
    return [line for text in texts for line in wrapped(text, _INDENT)]


def _fact(name: str, value: str) -> list[str]:
    label = f"{name:<{_LABEL}}"
    if " " not in value and _INDENT + len(label) + len(value) > COLUMNS:
        return [*wrapped(label, _INDENT), *wrapped(value, _INDENT)]
    return wrapped(label + value, _INDENT, _INDENT + _LABEL)
