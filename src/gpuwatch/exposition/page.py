"""Page: the status of the host for a person, without a script, from one snapshot."""

from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.snapshot import GpuState, Maintenance, Snapshot, SourceState
from gpuwatch.exposition.bmc_cells import bmc_panels, servers_section
from gpuwatch.exposition.bmc_views import subject_of
from gpuwatch.exposition.cells import (
    POWER,
    TEMPERATURE,
    badge,
    blindness,
    by_urgency,
    code_link,
    gpu_link,
    reading,
    section,
    serial,
    slot_text,
    table,
    unknown,
    when,
)
from gpuwatch.exposition.event_cells import events_table
from gpuwatch.exposition.flag_cells import flags_table, plan
from gpuwatch.exposition.frame import frame
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.next_steps import steps
from gpuwatch.exposition.summary import summary
from gpuwatch.exposition.views import driver_of, gpus_by_gravity, watches_gpus
from gpuwatch.exposition.window_cells import windows
from gpuwatch.exposition.words import LOCATIONS, URGENCIES, plural, relative, second, span

_EVENTS_SHOWN = 20
_GPU_HEADINGS = (
    "GPU",
    "verdict",
    "why",
    "what to do",
    "planned",
    "temperature, power",
    "uncorrectable errors",
)
_SOURCE_HEADINGS = ("source", "state", "last success", "problem")
_FINDING_HEADINGS = ("finding", "act", "since", "why")
_MAINTENANCE_HEADINGS = ("scope", "until", "reason", "ticket", "by")


def status_page(snapshot: Snapshot, stalled_seconds: float | None = None) -> bytes:
    """The whole page; times are relative to the snapshot's instant."""
    waiting = sorted(
        (flag for flag in snapshot.flags if flag.is_open), key=lambda flag: flag.due_at
    )
    return frame(
        snapshot,
        snapshot.hostname,
        summary(snapshot),
        *([_glance(snapshot)] if watches_gpus(snapshot) else []),
        tag("p", *_as_of(snapshot), class_="quiet"),
        *([section("GPUs", _gpus(snapshot))] if watches_gpus(snapshot) else []),
        _host_findings(snapshot),
        bmc_panels(snapshot),
        servers_section(snapshot),
        section(
            "Boards to replace", flags_table(snapshot, waiting, "No board of this host is flagged.")
        ),
        section("Windows and maintenance", windows(snapshot), _maintenance(snapshot)),
        section("Sources", _sources(snapshot), *_troubles(snapshot)),
        section("Latest events", events_table(snapshot, snapshot.events[:_EVENTS_SHOWN])),
        stalled_seconds=stalled_seconds,
    )


def _glance(snapshot: Snapshot) -> Markup:
    """The verdict of each GPU as a word, the worst first: all that fits on a phone at once."""
    tiles = [
        tag(
            "li",
            gpu_link(gpu),
            badge(gpu.verdict),
            tag("small", f"for {span(snapshot.at.wall - gpu.verdict_since)}"),
            class_=gpu.verdict.value.replace("_", "-"),
        )
        for gpu in gpus_by_gravity(snapshot)
    ]
    if not tiles:
        return join()
    return tag("nav", tag("ul", *tiles), class_="glance", aria_label="GPUs, the worst first")


def _as_of(snapshot: Snapshot) -> tuple[str, ...]:
    driver = driver_of(snapshot)
    loaded = f" · driver {driver}" if driver else " · no driver loaded"
    newest = None if snapshot.backups is None else snapshot.backups.last_success
    return (
        f"as of {second(snapshot.at.wall)}",
        loaded if watches_gpus(snapshot) else "",
        "" if newest is None else f" · newest backup {relative(newest, snapshot.at.wall)}",
    )


def _gpus(snapshot: Snapshot) -> Markup:
    rows = (
        (gpu.verdict.value.replace("_", "-"), _gpu_row(snapshot, gpu))
        for gpu in gpus_by_gravity(snapshot)
    )
    return table(_GPU_HEADINGS, rows, "No GPU is known on this host.")


def _gpu_row(snapshot: Snapshot, gpu: GpuState) -> tuple[str, ...]:
    record = gpu.record
    place = tag("span", slot_text(gpu), class_="number")
    name = tag("small", record.board.name or "name unknown")
    return (
        join(gpu_link(gpu), " in ", place, tag("br"), serial(gpu), tag("br"), name),
        join(
            badge(gpu.verdict),
            tag("br"),
            tag("small", f"for {span(snapshot.at.wall - gpu.verdict_since)}"),
        ),
        _why(snapshot, gpu),
        steps(snapshot, gpu)[0],
        plan(snapshot, record.key.uuid),
        _levels(snapshot, gpu),
        memory_errors(record),
    )


def _levels(snapshot: Snapshot, gpu: GpuState) -> Markup:
    """Temperature and power; the one reason where neither can be told."""
    temperature = reading(gpu, TEMPERATURE, snapshot)
    power = reading(gpu, POWER, snapshot)
    return temperature if temperature == power else join(temperature, tag("br"), power)


def memory_errors(record: BoardRecord) -> Markup:
    """Uncorrectable errors by memory since first sight, or that they cannot be read."""
    if not record.errors:
        return unknown("not readable on this board")
    parts = [f"{count:,} {LOCATIONS[memory]}" for memory, count in record.errors.items() if count]
    if not parts:
        return join("none")
    incidents = plural(len(record.incidents), "incident")
    return join(", ".join(parts), tag("br"), tag("small", incidents))


def _why(snapshot: Snapshot, gpu: GpuState) -> Markup:
    findings = by_urgency(gpu.findings)
    blind = gpu.set_apart or blindness(gpu, snapshot) or gpu.unknown_because
    reasons = [blind] if not findings else []
    reasons.extend(finding.sentence for finding in findings[:1])
    if findings and (gpu.set_apart or gpu.unknown_because):
        reasons.append(gpu.set_apart or gpu.unknown_because)
    if len(findings) > 1:
        reasons.append(f"and {plural(len(findings) - 1, 'more finding')}")
    told = [reason for reason in reasons if reason]
    return join(*(tag("p", reason) for reason in told)) if told else join("nothing found")


def _host_findings(snapshot: Snapshot) -> Markup:
    rows = (
        (
            None,
            (
                code_link(snapshot, finding.code),
                URGENCIES[finding.urgency],
                when(finding.since, snapshot),
                finding.sentence,
            ),
        )
        for finding in by_urgency(snapshot.host_findings)
    )
    return section("Host", table(_FINDING_HEADINGS, rows, "Nothing found about the host itself."))


def _maintenance(snapshot: Snapshot) -> Markup:
    rows = ((None, _maintenance_row(snapshot, held)) for held in snapshot.maintenance)
    return table(_MAINTENANCE_HEADINGS, rows, "Nobody has announced work on this host.")


def _maintenance_row(snapshot: Snapshot, held: Maintenance) -> tuple[str, ...]:
    return (
        f"{held.scope} {held.board or held.bmc}".strip(),
        when(held.until, snapshot),
        f"{held.reason} (driver released)" if held.release else held.reason,
        held.ticket,
        held.actor,
    )


def _sources(snapshot: Snapshot) -> Markup:
    # The panel of a BMC says how its source is doing, but for children that cannot be ended.
    told = {subject_of(bmc) for bmc in snapshot.bmcs}
    rows = (
        (_source_class(source), _source_row(snapshot, source))
        for source in snapshot.sources
        if source.unkillable or source.name not in told
    )
    return table(_SOURCE_HEADINGS, rows, "No source has reported yet.")


def _source_class(source: SourceState) -> str | None:
    return None if source.fresh or source.released else "blind"


def _source_row(snapshot: Snapshot, source: SourceState) -> tuple[str, ...]:
    if source.released:
        state = f"released: {source.released_reason}" if source.released_reason else "released"
    elif source.fresh:
        state = "fresh"
    else:
        state = "stale" if source.up else "down"
    if source.unkillable:
        state = f"{state}, {plural(source.unkillable, 'child process')} cannot be ended"
    return (
        source.name.replace("_", " "),
        state if source.required else f"{state} (optional)",
        when(source.last_success, snapshot),
        source.problem or "none",
    )


def _troubles(snapshot: Snapshot) -> list[Markup]:
    """What is wrong with the watching itself, a sentence each."""
    sentences = [
        f"History is not written, or not whole: {reason.replace('-', ' ')}."
        for reason in snapshot.degraded
    ]
    if snapshot.clock_synchronized is False:
        sentences.append("The wall clock is not synchronised: new trend flags wait.")
    sentences += _backup_troubles(snapshot)
    if snapshot.kernel_log_lost:
        lost = plural(snapshot.kernel_log_lost, "kernel log record")
        sentences.append(f"{lost} were lost before gpuwatch could read them.")
    return [tag("p", sentence, class_="trouble") for sentence in sentences]


def _backup_troubles(snapshot: Snapshot) -> list[str]:
    backups, now = snapshot.backups, snapshot.at.wall
    if backups is None:
        return []
    if backups.failing_since is not None:
        since = relative(backups.failing_since, now)
        return [f"No nightly backup of the history can be made, first {since}: {backups.problem}."]
    if backups.is_old(now, snapshot.started_at):
        return ["The nightly backup of the history is overdue and has not failed: it may hang."]
    return []
