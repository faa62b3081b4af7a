"""Detail: one GPU for a person: what it is, what was found, every reading or why there is none."""

from gpuwatch.domain.readings import Gap
from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.exposition.bmc_cells import gpu_facts
from gpuwatch.exposition.bmc_documents import out_of_band_document
from gpuwatch.exposition.cells import (
    answer,
    badge,
    blindness,
    by_urgency,
    facts,
    gpu_name,
    planned,
    section,
    serial,
    serial_text,
    slot_text,
    table,
    when,
)
from gpuwatch.exposition.event_cells import events_table
from gpuwatch.exposition.explanation_cells import first_sections, thresholds_section
from gpuwatch.exposition.finding_cells import finding_article
from gpuwatch.exposition.flag_cells import audit_table, flags_table
from gpuwatch.exposition.frame import frame
from gpuwatch.exposition.incident_cells import incidents_table
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
    RECOVERY_ACTIONS,
    URGENCIES,
    day,
    plural,
    second,
    span,
)


def gpu_page(
    snapshot: Snapshot,
    gpu: GpuState,
    stalled_seconds: float | None = None,
    plots: Markup | None = None,
) -> bytes:
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
        *([] if plots is None else [plots]),
        section("Flags", flags_table(snapshot, flags, "This board is not flagged.")),
        *([section("What happened to them", audit_table(snapshot, flags))] if flags else []),
        thresholds_section(snapshot, gpu),
        section("Identity", _identity(snapshot, gpu)),
        section("Uncorrectable errors", _errors(snapshot, gpu)),
        section("Xids", _xids(snapshot, gpu)),
        section("Readings", _readings(snapshot, gpu)),
        *_out_of_band(snapshot, gpu),
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
            f"so for {span(snapshot.at.wall - gpu.verdict_since)}, since ",
            planned(gpu.verdict_since),
            ".",
            f" Not readable at present: {blind}." if blind else "",
            class_="lead",
        ),
        class_=f"summary {gpu.verdict.value.replace('_', '-')}",
    )


def _findings(snapshot: Snapshot, gpu: GpuState) -> list[Markup]:
    found = [
        finding_article(snapshot, one, f"{URGENCIES[one.urgency]}: {remedy_sentence(one.remedy)}")
        for one in by_urgency(gpu.findings)
    ]
    nothing = "Nothing found."
    if gpu.verdict is Verdict.UNKNOWN:
        nothing = "No rule holds, but the GPU cannot be judged: nobody knows that it is well."
    return found or [tag("p", nothing, class_="quiet")]


def _identity(snapshot: Snapshot, gpu: GpuState) -> Markup:
    board = gpu.record.board if gpu.device is None else gpu.device.board
    slot = slot_of(gpu)
    device = gpu.device
    recovery = recovery_of(gpu, driver_of(snapshot))
    return facts(
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
    told = facts(
        [
            ("since first seen", memory_errors(record)),
            ("brought along, never judged", prior),
            ("pages retired on", ", ".join(day(at) for at in pages_retired_at(record))),
            ("reported for others, without an owner", f"{record.unattributed:,}"),
            ("last reset", when(record.last_reset_at, snapshot)),
        ]
    )
    return join(told, incidents_table(snapshot, record))


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


def _out_of_band(snapshot: Snapshot, gpu: GpuState) -> list[Markup]:
    told = out_of_band_document(snapshot, gpu)
    return [] if told is None else [section("Out of band", gpu_facts(told))]
