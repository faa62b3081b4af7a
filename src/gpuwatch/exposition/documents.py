"""Documents: one snapshot as plain objects for JSON; the API serves them, the CLI renders them."""

from collections import Counter
from collections.abc import Iterable
from math import isinf

from gpuwatch import __version__
from gpuwatch.domain.devices import Epoch
from gpuwatch.domain.events import Event
from gpuwatch.domain.snapshot import BackupState, Maintenance, Snapshot, SourceState
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.exposition.bmc_documents import bmcs_document
from gpuwatch.exposition.flag_documents import flag_document
from gpuwatch.exposition.flag_shapes import FlagShape
from gpuwatch.exposition.gpu_documents import gpu_document
from gpuwatch.exposition.record_documents import (
    finding_document,
    instant,
    instant_or_none,
)
from gpuwatch.exposition.shapes import (
    BackupsShape,
    EpochShape,
    EventShape,
    GpuShape,
    MaintenanceShape,
    SnapshotShape,
    SourceShape,
    StatusShape,
)
from gpuwatch.exposition.views import gpus_of, gravest_of, next_window, window_is_open
from gpuwatch.exposition.window_documents import window_document, windows_document


def snapshot_document(snapshot: Snapshot) -> SnapshotShape:
    """Everything that the snapshot knows."""
    return {
        "status": status_document(snapshot),
        "gpus": gpus_document(snapshot),
        "bmcs": bmcs_document(snapshot),
        "flags": flags_document(snapshot),
        "windows": windows_document(snapshot),
        "events": events_document(snapshot),
    }


def status_document(snapshot: Snapshot) -> StatusShape:
    """The host in short."""
    gpus = gpus_of(snapshot)
    window = next_window(snapshot)
    return {
        "gpuwatch_version": __version__,
        "version": snapshot.version,
        "at": instant(snapshot.at.wall),
        "at_unix_seconds": snapshot.at.wall,
        "started_at": instant(snapshot.started_at),
        "hostname": snapshot.hostname,
        "labels": dict(snapshot.labels),
        "verdict": snapshot.host_verdict.value,
        "findings": [finding_document(snapshot, one) for one in snapshot.host_findings],
        "gpus": len(gpus),
        "gpus_present": sum(gpu.present for gpu in gpus),
        "gravest_verdict": gravest_of(snapshot).value,
        "gpu_verdicts": _by_verdict(gpu.verdict for gpu in gpus),
        "bmcs": len(snapshot.bmcs),
        "bmc_verdicts": _by_verdict(bmc.verdict for bmc in snapshot.bmcs),
        "flags_open": sum(flag.is_open for flag in snapshot.flags),
        "epoch": None if snapshot.epoch is None else _epoch(snapshot.epoch),
        "sources": [_source(source) for source in snapshot.sources],
        "maintenance": [_maintenance(maintenance) for maintenance in snapshot.maintenance],
        "window_open": window_is_open(snapshot),
        "next_window": None if window is None else window_document(snapshot, window),
        "degraded": list(snapshot.degraded),
        "history_bytes": snapshot.history_bytes,
        "backups": None if snapshot.backups is None else _backups(snapshot, snapshot.backups),
        "kernel_log_lost": snapshot.kernel_log_lost,
        "sxids": {str(code): count for code, count in sorted(snapshot.sxids.items())},
        "clock_synchronized": snapshot.clock_synchronized,
        "clock_steps": snapshot.clock_steps,
        "rules_version": snapshot.rules_version,
        "config_hash": snapshot.config_hash,
    }


def gpus_document(snapshot: Snapshot) -> list[GpuShape]:
    """Every GPU, present or remembered, in order of index."""
    return [gpu_document(snapshot, gpu) for gpu in gpus_of(snapshot)]


def flags_document(snapshot: Snapshot) -> list[FlagShape]:
    """Every flag of the snapshot, in its order."""
    return [flag_document(snapshot, flag) for flag in snapshot.flags]


def events_document(snapshot: Snapshot) -> list[EventShape]:
    """The latest events, the most recent first."""
    return [event_document(event) for event in snapshot.events]


def _by_verdict(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many have each verdict; every verdict is listed."""
    counted = Counter(verdicts)
    return {verdict.value: counted[verdict] for verdict in Verdict}


def _epoch(epoch: Epoch) -> EpochShape:
    return {
        "boot_id": epoch.boot_id,
        "driver_load": epoch.driver_load,
        "driver_version": epoch.driver_version,
    }


def _source(source: SourceState) -> SourceShape:
    return {
        "name": source.name,
        "up": source.up,
        "fresh": source.fresh,
        "required": source.required,
        "released": source.released,
        "released_reason": source.released_reason,
        "last_success": instant_or_none(source.last_success),
        "problem": source.problem,
        "timeouts": source.timeouts,
        "restarts": source.restarts,
        "unkillable": source.unkillable,
        "durations": [
            {"at_most_seconds": None if isinf(bound) else bound, "polls": polls}
            for bound, polls in source.durations
        ],
        "durations_sum_seconds": source.durations_sum,
    }


def _backups(snapshot: Snapshot, backups: BackupState) -> BackupsShape:
    last = backups.last_success
    return {
        "last_success": instant_or_none(last),
        "age_seconds": None if last is None else snapshot.at.wall - last,
        "old": backups.is_old(snapshot.at.wall, snapshot.started_at),
        "failing_since": instant_or_none(backups.failing_since),
        "problem": backups.problem,
    }


def _maintenance(maintenance: Maintenance) -> MaintenanceShape:
    return {
        "identity": maintenance.identity,
        "scope": maintenance.scope,
        "board": maintenance.board,
        "bmc": maintenance.bmc,
        "until": instant(maintenance.until),
        "reason": maintenance.reason,
        "ticket": maintenance.ticket,
        "actor": maintenance.actor,
        "release": maintenance.release,
    }


def event_document(event: Event) -> EventShape:
    """One thing that happened."""
    return {
        "kind": event.kind.value,
        "at": instant(event.at),
        "not_before": instant(event.earliest),
        "not_after": instant(event.latest),
        "source": event.source.value,
        "identity": event.identity,
        "serial": None if event.board is None else event.board.serial,
        "uuid": None if event.board is None else event.board.uuid,
        "pci_address": event.pci_address,
        "bmc": event.bmc,
        "code": event.code,
        "subcode": event.subcode,
        "detail": event.detail,
        "boot_id": event.boot_id,
    }
