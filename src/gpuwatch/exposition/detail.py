"""Detail: one GPU for a person: what it is, what was found, every reading or why there is none."""

from gpuwatch.domain.incidents import Incident
from gpuwatch.domain.readings import Gap
from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.domain.verdicts import Finding, Verdict
from gpuwatch.exposition.cells import (
    answer,
    badge,
    blindness,
    by_urgency,
    gpu_name,
    section,
    serial,
    serial_text,
    slot_text,
    table,
    when,
)
from gpuwatch.exposition.event_cells import events_table
from gpuwatch.exposition.explanation_cells import first_sections, thresholds_section
from gpuwatch.exposition.flag_cells import audit_table, flags_table
from gpuwatch.exposition.frame import frame
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.page import memory_errors
from gpuwatch.exposition.summary import remedy_sentence
from gpuwatch.exposition.views import (
    driver_of,
    flags_of,
    pages_retired_at,
    recovery_of,
    slot_of,
    trusted,
)
from gpuwatch.exposition.words import (
    LOCATIONS,
    RECOVERY_ACTIONS,
    RMA_STANDINGS,
    URGENCIES,
    day,
    plural,
    second,
    span,
)


def gpu_page(snapshot: Snapshot, gpu: GpuState, stalled_seconds: float | None = None) -> bytes:
    """The whole page of one GPU; times are relative to the snapshot's instant."""
    uuid = gpu.record.key.uuid
    events = (event for event in snapshot.events if event.board and event.board.uuid == uuid)
    flags = sorted(
        flags_of(snapshot, uuid),
        key=lambda flag: (not flag.is_open, flag.due_at),
    )
    return frame(
        snapshot,
        f"{gpu_name(gpu)} of {snapshot.hostname}",
        _headline(snapshot, gpu),
        first_sections(snapshot, gpu),
        section("Findings", *_findings(snapshot, gpu)),
        section("Flags", flags_table(snapshot, flags, "This board is not flagged.")),
        *([section("What happened to them", audit_table(snapshot, flags))] if flags else []),
        thresholds_section(snapshot, gpu),
        section("Identity", _identity(snapshot, gpu)),
        section("Uncorrectable errors", _errors(snapshot, gpu)),
        section("Xids", _xids(snapshot, gpu)),
        section("Readings", _readings(snapshot, gpu)),
        section("Latest events", events_table(snapshot, events)),
        stalled_seconds=stalled_seconds,
    )


def _headline(snapshot: Snapshot, gpu: GpuState) -> Markup:
    blind = gpu.set_apart or blindness(gpu, snapshot) or gpu.unknown_because
    return tag(
        "section",
        tag("h1", badge(gpu.verdict), f" {gpu_name(gpu)} of {snapshot.hostname}"),
        tag(
            "p",
            f"In {slot_text(gpu)}, serial {serial_text(gpu)}; ",
            f"so for {span(snapshot.at.wall - gpu.verdict_since)}.",
            f" Not readable at present: {blind}." if blind else "",
            class_="lead",
        ),
        class_=f"summary {gpu.verdict.value.replace('_', '-')}",
    )


def _findings(snapshot: Snapshot, gpu: GpuState) -> list[Markup]:
    found = [_finding(snapshot, finding) for finding in by_urgency(gpu.findings)]
    nothing = "Nothing found."
    if gpu.verdict is Verdict.UNKNOWN:
        nothing = "No rule holds, but the GPU cannot be judged: nobody knows that it is well."
    return found or [tag("p", nothing, class_="quiet")]


def _finding(snapshot: Snapshot, finding: Finding) -> Markup:
    facts: list[tuple[str, str]] = [
        ("since", when(finding.since, snapshot)),
        ("act", f"{URGENCIES[finding.urgency]}: {remedy_sentence(finding.remedy)}"),
        ("return", RMA_STANDINGS[finding.rma] if finding.rma else ""),
        ("due", _due(snapshot, finding)),
        ("evidence", _evidence(finding)),
        ("ends when", finding.clears),
        ("gets worse by", finding.escalates),
        ("source", _source(finding.source)),
    ]
    return tag("article", tag("h3", finding.code), tag("p", finding.sentence), _facts(facts))


def _due(snapshot: Snapshot, finding: Finding) -> str:
    if finding.due is None:
        return ""
    return when(finding.since + finding.due.total_seconds(), snapshot)


def _evidence(finding: Finding) -> str:
    """The numbers behind the sentence; words that stand in the sentence are not said again."""
    return ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in finding.evidence
        if value.replace(".", "").isdecimal() or value not in finding.sentence
    )


def _source(source: str) -> str:
    return tag("a", source, href=source) if source.startswith("https://") else source


def _facts(facts: list[tuple[str, str]]) -> Markup:
    told = (join(tag("dt", name), tag("dd", value)) for name, value in facts if value)
    return tag("dl", *told)


def _identity(snapshot: Snapshot, gpu: GpuState) -> Markup:
    board = gpu.record.board if gpu.device is None else gpu.device.board
    slot = slot_of(gpu)
    device = gpu.device
    recovery = recovery_of(gpu, driver_of(snapshot))
    return _facts(
        [
            ("UUID", tag("code", board.key.uuid)),
            ("serial", serial(gpu)),
            ("name", board.name),
            ("part number", board.part_number),
            ("VBIOS", board.vbios),
            ("InfoROM", board.inforom),
            ("PCI address", "" if slot is None else tag("code", slot.pci_address)),
            ("slot", slot_text(gpu)),
            ("chassis serial", "" if slot is None else slot.chassis_serial),
            ("MIG", "on" if device is not None and device.mig_enabled else ""),
            ("the driver asks", "" if recovery is None else RECOVERY_ACTIONS[recovery]),
            ("first seen", second(gpu.record.first_seen)),
            ("last seen", second(gpu.record.last_seen)),
            ("watched for", span(gpu.record.exposure_seconds)),
            *(() if device is None else device.attributes),
        ]
    )


def _errors(snapshot: Snapshot, gpu: GpuState) -> Markup:
    record = gpu.record
    prior = ", ".join(f"{name} {count:,}" for name, count in record.prior.items())
    facts = _facts(
        [
            ("since first seen", memory_errors(record)),
            ("brought along, never judged", prior),
            ("pages retired on", ", ".join(day(at) for at in pages_retired_at(record))),
            ("reported for others, without an owner", f"{record.unattributed:,}"),
            ("last reset", when(record.last_reset_at, snapshot)),
        ]
    )
    rows = ((None, _incident(snapshot, incident)) for incident in reversed(record.incidents))
    incidents = table(("incident", "memory", "reports"), rows, "No incident.")
    return join(facts, incidents)


def _incident(snapshot: Snapshot, incident: Incident) -> tuple[str, ...]:
    kinds = (
        f"{signal.kind.value.replace('_', ' ')}{' (echo)' if signal.is_echo else ''}"
        for signal in incident.signals
    )
    opened = join(second(incident.opened_at), " (", when(incident.opened_at, snapshot), ")")
    return opened, LOCATIONS[incident.memory], ", ".join(kinds)


def _xids(snapshot: Snapshot, gpu: GpuState) -> Markup:
    rows = (
        (
            None,
            (
                f"Xid {code}",
                source.replace("_", " "),
                plural(seen.count, "time"),
                when(seen.first_at, snapshot),
                when(seen.last_at, snapshot),
            ),
        )
        for (code, source), seen in sorted(gpu.record.xids.items())
    )
    return table(("code", "told by", "seen", "first", "last"), rows, "No Xid has been seen.")


def _readings(snapshot: Snapshot, gpu: GpuState) -> Markup:
    rows = (
        (
            "gap" if isinstance(latest.value, Gap) else None,
            (tag("code", latest.signal.key), answer(latest), when(latest.at, snapshot)),
        )
        for latest in trusted(gpu)
    )
    empty = f"No reading: {blindness(gpu, snapshot) or 'not asked yet'}."
    return table(("signal", "value", "asked"), rows, empty)
