"""Explain: one GPU at 03:00, the next step first, then why; at most 80 columns, also in a pipe."""

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.explain_bmc import bmc_lines
from gpuwatch.cli.finding_lines import finding_lines, only
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import at, fact, paragraphs, print_json, print_lines, wrapped
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.exposition.bmc_words import gpu as gpu_words
from gpuwatch.exposition.explanation_cells import chance_sentence, distance_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpuwatch.exposition.bmc_shapes import BmcExplanationShape, BmcGpuShape
    from gpuwatch.exposition.explanation_shapes import (
        ExplanationShape,
        ThresholdShape,
        UnknownShape,
    )
    from gpuwatch.exposition.finding_shapes import FindingShape


_Told = TypeVar("_Told", "ExplanationShape", "BmcExplanationShape")


def explain(arguments: Namespace) -> int:
    """Print the explanation of a GPU or a BMC. Without an agent: what history tells, and 69."""
    subject = str(arguments.subject)
    if subject.startswith("bmc."):
        return _explain(
            arguments,
            lambda: cast("BmcExplanationShape", request(arguments, "explain-bmc", bmc=subject)),
            lambda history: history.bmcs.explanation(subject),
            bmc_lines,
        )
    return _explain(
        arguments,
        lambda: cast("ExplanationShape", request(arguments, "explain", gpu=subject)),
        lambda history: history.explanation(subject),
        _lines,
    )


def _explain(
    arguments: Namespace,
    ask: Callable[[], _Told],
    recall: Callable[[Offline], _Told],
    lines: Callable[[_Told], list[str]],
) -> int:
    """Ask the agent, else history, and print what comes: one finding of it if that was wanted."""
    status = Exit.OK
    try:
        told = ask()
    except AgentAbsentError as absent:
        status = Exit.UNAVAILABLE
        with Offline(arguments, absent) as remembered:
            told = recall(remembered)
    told["findings"] = only(arguments, told["findings"])
    if arguments.code is not None:
        told["steps"] = [one["step"] for one in told["findings"]]
    if arguments.json:
        print_json(told)
    else:
        print_lines(lines(told))
    return status


def _lines(told: "ExplanationShape") -> list[str]:
    lines = wrapped(_headline(told))
    lines += ["", "NEXT STEP", *paragraphs(told["steps"])]
    wait = told["wait"]
    lines += ["", "CAN IT WAIT?", *paragraphs([wait["sentence"], chance_sentence(wait)])]
    if told["unknown"] is not None:
        lines += ["", "WHY UNKNOWN", *_unknown(told["unknown"])]
    for finding in told["findings"]:
        lines += ["", *finding_lines(finding, finding["flag"])]
    if told["host_findings"] or told["bmc_findings"]:
        on_host = (*told["host_findings"], *told["bmc_findings"])
        lines += ["", "ON THIS HOST", *_host_findings(on_host)]
    if told["out_of_band"] is not None:
        lines += ["", "OUT OF BAND", *_out_of_band(told["out_of_band"])]
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
        *fact("because", why["because"]),
        *fact("since", f"{at(why['since'])} UTC"),
        *fact("way out", why["remedy"]),
    ]
    for missed in why["signals"]:
        code = "" if missed["code"] is None else f", NVML error {missed['code']}"
        lines += ["", *fact("signal", missed["signal"])]
        lines += fact("gap", f"{missed['gap']}{code}, since {at(missed['since'])} UTC")
        lines += [*fact("call", missed["call"]), *fact("way out", missed["remedy"])]
    return lines


def _host_findings(findings: "Iterable[FindingShape]") -> list[str]:
    """What holds for the host, and for its BMCs, which are named."""
    return paragraphs(
        ": ".join(filter(None, (one["urgency"], one["subject"], one["code"], one["sentence"])))
        for one in findings
    )


def _out_of_band(told: "BmcGpuShape") -> list[str]:
    return paragraphs([f"bmc.{told['bmc']} on {told['name']}: {gpu_words(told)}"])


def _thresholds(thresholds: "list[ThresholdShape]") -> list[str]:
    if not thresholds:
        return paragraphs(["None of these counts has been read of this board."])
    lines = []
    for one in thresholds:
        now, left = distance_words(one)
        more = {"": "", "0": ", reached"}.get(left, f", {left} more to go")
        lines += paragraphs([f"{one['count']}: {now}{more}; {one['meaning']}"])
    sources = dict.fromkeys(one["source"] for one in thresholds)
    return [*lines, *(line for source in sources for line in fact("source", source))]
