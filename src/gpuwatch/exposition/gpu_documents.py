"""GPU documents: one GPU with its readings, gaps, incidents and findings as a plain object."""

from typing import TypedDict

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.incidents import ErrorSignal, Incident
from gpuwatch.domain.readings import Gap
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.snapshot import GpuState, Latest, Snapshot
from gpuwatch.exposition.acceptance_documents import acceptance_or_none
from gpuwatch.exposition.acceptance_shapes import AcceptanceShape
from gpuwatch.exposition.bmc_documents import out_of_band_document
from gpuwatch.exposition.bmc_shapes import BmcGpuShape
from gpuwatch.exposition.flag_documents import open_flags_document
from gpuwatch.exposition.flag_shapes import FlagShape
from gpuwatch.exposition.record_documents import (
    finding_document,
    instant,
    instant_or_none,
)
from gpuwatch.exposition.shapes import (
    ErrorSignalShape,
    GapShape,
    GpuShape,
    HeldShape,
    IncidentShape,
    ReadingShape,
    XidShape,
)
from gpuwatch.exposition.views import (
    acceptance_of,
    driver_of,
    in_base_unit,
    index_of,
    pages_retired_at,
    recovery_of,
    slot_of,
    trusted,
)


class _Place(TypedDict):
    slot: str
    pci_address: str
    module_id: int | None
    chassis_serial: str
    slot_number: int | None
    tray_index: int | None


class _Replacement(TypedDict):
    flags: list[FlagShape]
    acceptance: AcceptanceShape | None


class _Told(TypedDict):
    readings: dict[str, ReadingShape | GapShape]
    out_of_band: BmcGpuShape | None


def gpu_document(snapshot: Snapshot, gpu: GpuState) -> GpuShape:
    """One GPU. Readings that have grown stale are left out, as they are from the metrics."""
    record, device = gpu.record, gpu.device
    board = record.board if device is None else device.board
    recovery = recovery_of(gpu, driver_of(snapshot))
    return {
        "uuid": record.key.uuid,
        "serial": record.key.serial,
        "index": index_of(gpu),
        "name": board.name,
        "part_number": board.part_number,
        "vbios": board.vbios,
        "inforom": board.inforom,
        **_place(gpu),
        "mig_enabled": None if device is None else device.mig_enabled,
        "attributes": {} if device is None else dict(device.attributes),
        "state": record.state.value,
        "present": gpu.present,
        "fresh": gpu.fresh,
        "managed": gpu.managed,
        "set_apart": gpu.set_apart,
        "unknown_because": gpu.unknown_because,
        "verdict": gpu.verdict.value,
        "verdict_since": instant(gpu.verdict_since),
        "recovery_action": None if recovery is None else recovery.value,
        "findings": [finding_document(snapshot, finding) for finding in gpu.findings],
        **_replacement(snapshot, record.key),
        **_told(snapshot, gpu),
        "errors": {memory.value: count for memory, count in sorted(record.errors.items())},
        "prior": dict(record.prior),
        "pages_retired_at": [instant(at) for at in pages_retired_at(record)],
        "unattributed_errors": record.unattributed,
        "incidents": [_incident(incident) for incident in record.incidents],
        "xids": _xids(record),
        "held": _held(record),
        "exposure_seconds": record.exposure_seconds,
        "first_seen": instant(record.first_seen),
        "last_seen": instant(record.last_seen),
        "last_reset_at": instant_or_none(record.last_reset_at),
        "off_bus_at": [instant(at) for at in record.off_bus_at],
    }


def _replacement(snapshot: Snapshot, key: BoardKey) -> _Replacement:
    return {
        "flags": open_flags_document(snapshot, key.uuid),
        "acceptance": acceptance_or_none(acceptance_of(snapshot, key)),
    }


def _told(snapshot: Snapshot, gpu: GpuState) -> _Told:
    return {
        "readings": {latest.signal.key: _answer(latest) for latest in trusted(gpu)},
        "out_of_band": out_of_band_document(snapshot, gpu),
    }


def _place(gpu: GpuState) -> _Place:
    slot = slot_of(gpu)
    return {
        "slot": "" if slot is None else slot.label,
        "pci_address": "" if slot is None else slot.pci_address,
        "module_id": None if slot is None else slot.module_id,
        "chassis_serial": "" if slot is None else slot.chassis_serial,
        "slot_number": None if slot is None else slot.slot_number,
        "tray_index": None if slot is None else slot.tray_index,
    }


def _answer(latest: Latest) -> ReadingShape | GapShape:
    value = in_base_unit(latest)
    if isinstance(value, Gap):
        return {"gap": value.reason.value, "code": value.code, "at": instant(latest.at)}
    return {"value": value, "at": instant(latest.at)}


def _incident(incident: Incident) -> IncidentShape:
    return {
        "opened_at": instant(incident.opened_at),
        "last_at": instant(incident.last_at),
        "opened_exposure_seconds": incident.opened_exposure,
        "memory": incident.memory.value,
        "signals": [_error_signal(signal) for signal in incident.signals],
    }


def _error_signal(signal: ErrorSignal) -> ErrorSignalShape:
    return {
        "kind": signal.kind.value,
        "memory": signal.memory.value,
        "count": signal.count,
        "echo": signal.is_echo,
        "at": instant(signal.at),
        "not_before": instant_or_none(signal.not_before),
        "not_after": instant_or_none(signal.not_after),
        "exposure_seconds": signal.exposure,
    }


def _held(record: BoardRecord) -> dict[str, HeldShape]:
    return {
        key: {"value": held.value, "since": instant(held.since)}
        for key, held in record.held.items()
    }


def _xids(record: BoardRecord) -> list[XidShape]:
    return [
        {
            "xid": code,
            "source": source,
            "count": seen.count,
            "first_at": instant(seen.first_at),
            "last_at": instant(seen.last_at),
        }
        for (code, source), seen in sorted(record.xids.items())
    ]
