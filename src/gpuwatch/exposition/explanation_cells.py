"""Explanation cells: the same facts as `gpuwatch explain`, on the page of one GPU."""

from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.exposition.cells import section, table, unknown
from gpuwatch.exposition.explanation import explanation
from gpuwatch.exposition.explanation_shapes import (
    ExplanationShape,
    MissedShape,
    ThresholdShape,
    UnknownShape,
    WaitShape,
)
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.words import percent, plural, span


def first_sections(snapshot: Snapshot, gpu: GpuState) -> Markup:
    """What to do and whether it can wait: what a person needs before any evidence."""
    told = explanation(snapshot, gpu)
    return join(
        section("Next step", *(tag("p", step) for step in told["steps"]), _why_unknown(told)),
        section("Can it wait?", _wait(told["wait"])),
    )


def thresholds_section(snapshot: Snapshot, gpu: GpuState) -> Markup:
    """How near the board is to the counts at which NVIDIA's flags are set."""
    rows = ((None, _distance(one)) for one in explanation(snapshot, gpu)["thresholds"])
    none = "None of these counts has been read of this board."
    return section(
        "Distance to NVIDIA's thresholds", table(("count", "now", "left", "means"), rows, none)
    )


def chance_sentence(wait: WaitShape) -> str:
    """The chance of another incident, always as an estimate; or why there is none."""
    until = f"before window {wait['window']}" if wait["until"] else "in the next 30 days"
    chance, watched = wait["chance"], wait["watched_seconds"]
    if chance is None or watched is None:
        return f"Chance of another incident {until}: unknown ({wait['unknown']})."
    seen, rate = plural(wait["incidents"] or 0, "incident"), wait["healthy_rate_per_year"]
    return (
        f"Chance of another incident {until}: {percent(chance)}. An estimate, from {seen} in the"
        f" last {span(watched)} of watching and a healthy rate of {rate:g} a year."
        f" It assumes that {wait['assumes']}."
    )


def distance_words(threshold: ThresholdShape) -> tuple[str, str]:
    """The count, and how many more it takes; each may be unknown."""
    value, left = threshold["value"], threshold["left"]
    if value is None:
        return f"unknown: {threshold['unknown'] or 'not read'}", ""
    now = f"{value}" if threshold["current"] else f"{value} (as last read)"
    return now, "" if left is None else f"{left}"


def _wait(wait: WaitShape) -> Markup:
    return join(tag("p", wait["sentence"]), tag("p", chance_sentence(wait), class_="quiet"))


def _why_unknown(told: ExplanationShape) -> Markup:
    why: UnknownShape | None = told["unknown"]
    if why is None or not why["signals"]:
        return join()
    rows = ((None, _signal(one)) for one in why["signals"])
    return table(("signal", "gap", "since", "call", "way out"), rows, "")


def _signal(missed: MissedShape) -> tuple[str, ...]:
    code = "" if missed["code"] is None else f" (NVML error {missed['code']})"
    since = missed["since"][:16].replace("T", " ") + " UTC"
    call = tag("code", missed["call"])
    return tag("code", missed["signal"]), f"{missed['gap']}{code}", since, call, missed["remedy"]


def _distance(threshold: ThresholdShape) -> tuple[str, ...]:
    now, left = distance_words(threshold)
    value = now if threshold["value"] is not None else unknown(threshold["unknown"] or "not read")
    meaning = join(threshold["meaning"], " (", tag("a", "source", href=threshold["source"]), ")")
    return threshold["count"], value, left, meaning
