"""Summary: the first thing a person reads: how the host is, in sentences."""

from collections.abc import Sequence

from gpuwatch.domain.flag_changes import is_snoozed
from gpuwatch.domain.snapshot import BmcState, GpuState, Snapshot, SourceState
from gpuwatch.domain.verdicts import Finding, Remedy, Urgency, Verdict
from gpuwatch.exposition.bmc_cells import bmc_link
from gpuwatch.exposition.bmc_steps import bmc_step
from gpuwatch.exposition.bmc_summary import bmc_sentences, watched
from gpuwatch.exposition.bmc_views import server_of, subject_of
from gpuwatch.exposition.cells import (
    badge,
    by_urgency,
    code_link,
    gpu_link,
    gpu_name,
    serial_text,
    slot_text,
    when,
)
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.next_steps import work_step
from gpuwatch.exposition.views import gpus_of, gravest_of, open_flags_of, watches_gpus
from gpuwatch.exposition.window_cells import next_window_line
from gpuwatch.exposition.words import FLAG_STATES, listed, plural, second

# One sentence for each verdict that some GPU has, the gravest first: for one GPU, for several.
_SENTENCES: tuple[tuple[Verdict, str, str], ...] = (
    (Verdict.DRAIN_NOW, "{} must be drained now.", "{} must be drained now."),
    (
        Verdict.UNKNOWN,
        "{} cannot be judged: nobody knows that it is well.",
        "{} cannot be judged: nobody knows that they are well.",
    ),
    (
        Verdict.REPLACE_AT_WINDOW,
        "{} is to be replaced at a window.",
        "{} are to be replaced at a window.",
    ),
    (Verdict.RESET_AT_WINDOW, "{} wants a reset at a window.", "{} want a reset at a window."),
    (Verdict.WATCH, "{} is being watched.", "{} are being watched."),
)
_MOST_URGENT = 12  # a dead room must not hide the page under its list
_REMEDIES = {
    Remedy.REPLACE: "Replace the board.",
    Remedy.RESET: "Drain the GPU and reset it.",
    Remedy.REBOOT: "Reboot the host.",
    Remedy.RESEAT: "Reseat the board.",
    Remedy.INSPECT: "Inspect it on site.",
    Remedy.POWER_CYCLE: "Drain the host and switch it off and on.",
    Remedy.COOL: "See to the cooling.",
    Remedy.POWER: "See to the power supply.",
    Remedy.VENDOR_CASE: "Open a case with the vendor.",
    Remedy.NONE: "Nothing to do.",
}


def summary(snapshot: Snapshot) -> Markup:
    """The gravest verdict of host and GPUs, what it means, what to do at once, and what comes."""
    gpus = gpus_of(snapshot)
    worst = gravest_of(snapshot)
    return tag(
        "section",
        tag("h1", badge(worst), " ", watched(snapshot)),
        tag("p", " ".join((*_of_gpus(snapshot), *bmc_sentences(snapshot))), class_="lead"),
        *_silent_sources(snapshot),
        _urgent(snapshot, gpus),
        *(tag("p", work_step(work)) for work in snapshot.maintenance if work.scope == "host"),
        next_window_line(snapshot),
        class_=f"summary {worst.value.replace('_', '-')}",
    )


def remedy_sentence(remedy: Remedy) -> str:
    """What a person should do."""
    return _REMEDIES[remedy]


def _of_gpus(snapshot: Snapshot) -> list[str]:
    return _sentences(gpus_of(snapshot)) if watches_gpus(snapshot) else []


def _silent_sources(snapshot: Snapshot) -> list[Markup]:
    """Which source that is needed tells nothing, and why: what makes a whole host unknown."""
    bmcs = {subject_of(bmc) for bmc in snapshot.bmcs}  # each says so in its own words
    return [
        tag("p", *_silence(snapshot, source), class_="trouble")
        for source in snapshot.sources
        if source.required and not source.fresh and source.name not in bmcs
    ]


def _silence(snapshot: Snapshot, source: SourceState) -> tuple[str, ...]:
    name = source.name.replace("_", " ")
    if source.released:
        reason = source.released_reason or "no reason given"
        return (f"Source {name} is released ({reason}): nothing is read from it.",)
    problem = source.problem.rstrip(".") or "no news"
    return (
        f"Source {name} tells nothing: {problem}. Its last success: ",
        when(source.last_success, snapshot),
        ".",
    )


def _sentences(gpus: Sequence[GpuState]) -> list[str]:
    if not gpus:
        return ["No GPU is known on this host."]
    sentences = []
    for verdict, of_one, of_several in _SENTENCES:
        names = tuple(gpu_name(gpu) for gpu in gpus if gpu.managed and gpu.verdict is verdict)
        if names:
            sentences.append((of_one if len(names) == 1 else of_several).format(listed(names)))
    if away := tuple(gpu_name(gpu) for gpu in gpus if not gpu.managed):
        holds = "is held" if len(away) == 1 else "are held"
        sentences.append(f"{listed(away)} {holds} by another driver and not watched.")
    healthy = sum(gpu.verdict is Verdict.HEALTHY for gpu in gpus)
    sentences.append(f"{healthy} of {plural(len(gpus), 'GPU')} healthy.")
    return sentences


def _urgent(snapshot: Snapshot, gpus: Sequence[GpuState]) -> Markup:
    host = [_item(snapshot, join("Host"), finding) for finding in _now(snapshot.host_findings)]
    servers = [
        _item(snapshot, subject, finding, step=bmc_step(snapshot, bmc, finding))
        for bmc in snapshot.bmcs
        for subject in [join(bmc_link(bmc, _server(snapshot, bmc)))]
        for finding in _now(bmc.findings)
    ]
    boards = [
        _item(
            snapshot,
            join(gpu_link(gpu), _place(gpu), f", serial {serial_text(gpu)}"),
            finding,
            taken_up=_taken_up(snapshot, gpu, finding),
        )
        for gpu in gpus
        for finding in _now(gpu.findings)
    ]
    items = [*host, *boards, *servers]
    if len(items) > _MOST_URGENT:
        left = plural(len(items) - _MOST_URGENT, "more finding")
        items[_MOST_URGENT:] = [tag("li", f"and {left} that cannot wait: see below")]
    return tag("ul", *items, class_="urgent") if items else join()


def _server(snapshot: Snapshot, bmc: BmcState) -> str:
    """What the finding of a BMC is of: the other server, or this host by the BMC's name."""
    return server_of(snapshot, bmc) if bmc.host else f"BMC {bmc.name}"


def _place(gpu: GpuState) -> str:
    """Where it sits, unless its name says so already."""
    return "" if slot_text(gpu) in gpu_name(gpu) else f" in {slot_text(gpu)}"


def _now(findings: Sequence[Finding]) -> list[Finding]:
    return by_urgency(finding for finding in findings if finding.urgency is Urgency.PAGE)


def _taken_up(snapshot: Snapshot, gpu: GpuState, finding: Finding) -> str:
    """Whether somebody is at it already: the second question at 03:00."""
    flags = open_flags_of(snapshot, gpu.record.key.uuid)
    flag = next((flag for flag in flags if flag.code == finding.code), None)
    if flag is None:
        return ""
    said = ""
    if flag.acknowledged_at is not None:
        said = f" and acknowledged by {flag.acknowledged_by}"
    elif is_snoozed(flag, snapshot.at.wall):
        said = f" and snoozed until {second(flag.snoozed_until or 0.0)}"
    name = f"Flag {flag.number}" if flag.number else "Its flag"
    return f" {name} is {FLAG_STATES[flag.state]}{said}."


def _item(
    snapshot: Snapshot, subject: Markup, finding: Finding, *, taken_up: str = "", step: str = ""
) -> Markup:
    return tag(
        "li",
        subject,
        ": ",
        finding.sentence.rstrip("."),
        ". Found ",
        when(finding.since, snapshot),
        ". ",
        tag("strong", step or remedy_sentence(finding.remedy)),
        taken_up,
        "" if finding.route is Urgency.PAGE else " Nobody is paged for it.",
        " ",
        code_link(snapshot, finding.code, "Runbook"),
    )
