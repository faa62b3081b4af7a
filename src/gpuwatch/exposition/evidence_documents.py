"""Evidence documents: one flag with all that is known of it, for a vendor who was not there."""

import base64
from collections.abc import Iterable

from gpuwatch import __version__
from gpuwatch.domain.bmc import BmcIdentity
from gpuwatch.domain.captures import Capture
from gpuwatch.domain.devices import Slot, same_board
from gpuwatch.domain.dossiers import Dossier
from gpuwatch.domain.incidents import ErrorSignal, Incident
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.rule_words import RuleWords
from gpuwatch.domain.snapshot import BmcState, GpuState, Snapshot
from gpuwatch.exposition.acceptance_documents import acceptance_or_none
from gpuwatch.exposition.evidence_cut import cut_to
from gpuwatch.exposition.evidence_shapes import (
    CaptureShape,
    ControllerShape,
    EvidenceBoardShape,
    EvidenceIncidentShape,
    EvidenceShape,
    EvidenceSignalShape,
    InventoryShape,
    MissingShape,
    OtherBoardShape,
)
from gpuwatch.exposition.evidence_tables import Signals, tables
from gpuwatch.exposition.record_documents import instant, instant_or_none
from gpuwatch.exposition.views import driver_of
from gpuwatch.exposition.words import GAPS
from gpuwatch.exposition.work_orders import work_order

FORMAT = "gpuwatch-evidence/1"
MOST_BYTES = 15 << 20  # the control socket's answers end at 16 MiB


def evidence(
    snapshot: Snapshot,
    dossier: Dossier,
    signals: Signals,
    rule: RuleWords | None,
    *,
    remembered: bool = False,
) -> EvidenceShape:
    """The document; `rule` raised the flag, None where this version has no such rule any more.

    `remembered` when no agent runs and history tells it alone. At most `MOST_BYTES` as JSON: what
    is left out for that, the oldest first, stands under `missing`.
    """
    paper = work_order(snapshot, dossier.flag, remembered=remembered)
    now = snapshot.at.wall
    output = dossier.diagnostic
    document: EvidenceShape = {
        "format": FORMAT,
        "written_at": instant(now),
        "written_at_unix_seconds": round(now, 3),
        "version": __version__,
        "rules_version": snapshot.rules_version,
        "remembered": remembered,
        "place": paper["place"],
        "server": paper["server"],
        "flag": paper["flag"],
        "rma": paper["rma"],
        "board": _board(dossier, remembered=remembered),
        "healthy_incidents_per_year": _healthy(snapshot, dossier),
        "rule": rule,
        "inventory": _inventory(snapshot, dossier, remembered=remembered),
        "incidents": _incidents(dossier.record),
        "tables": tables(dossier, signals),
        "acceptance": acceptance_or_none(dossier.acceptance),
        "diagnostic_output": None if output is None else base64.b64encode(output).decode(),
        "captures": [_capture(one) for one in dossier.captures],
        "missing": list(_missing(snapshot, dossier, rule, remembered=remembered)),
    }
    return cut_to(MOST_BYTES, document)


def _board(dossier: Dossier, *, remembered: bool) -> EvidenceBoardShape:
    record, flag = dossier.record, dossier.flag
    slot = record.slot if record is not None and record.slot is not None else Slot(pci_address="")
    board = None if record is None else record.board
    xids: dict[str, int] = {}
    for (code, _), seen in sorted(record.xids.items() if record else ()):
        xids[str(code)] = max(seen.count, xids.get(str(code), 0))  # two sources tell of the same
    return {
        "serial": flag.board.serial,
        "uuid": flag.board.uuid,
        "name": board.name if board else "",
        "part_number": board.part_number if board else "",
        "vbios": board.vbios if board else "",
        "inforom": board.inforom if board else "",
        "slot": flag.slot_label or slot.label,
        "pci_address": slot.pci_address,
        "module": slot.module_id,
        "platform_slot": slot.slot_number,
        "tray": slot.tray_index,
        "chassis_serial": slot.chassis_serial,
        "state": _state(record.state, remembered=remembered) if record else "forgotten",
        "first_seen": instant_or_none(record.first_seen if record else None),
        "last_seen": instant_or_none(record.last_seen if record else None),
        "exposure_seconds": round(record.exposure_seconds, 3) if record else None,
        "errors": {memory.value: n for memory, n in record.errors.items()} if record else {},
        "prior": dict(record.prior) if record else {},
        "xids": xids,
        "resets": len(dossier.resets) if record else None,
        "falls_off_bus": len(record.off_bus_at) if record else None,
    }


def _mine(snapshot: Snapshot, dossier: Dossier) -> GpuState | None:
    key = dossier.flag.board
    return next((gpu for gpu in snapshot.gpus if same_board(gpu.record.key, key)), None)


def _healthy(snapshot: Snapshot, dossier: Dossier) -> float | None:
    gpu = _mine(snapshot, dossier)
    return None if gpu is None else gpu.healthy_rate_per_year


def _inventory(snapshot: Snapshot, dossier: Dossier, *, remembered: bool) -> InventoryShape:
    key = dossier.flag.board
    return {
        "driver": driver_of(snapshot),
        "drivers_met": list(dict.fromkeys(version for _, version in dossier.epochs if version)),
        "bmcs": [_controller(bmc) for bmc in snapshot.bmcs if not bmc.host],
        "other_boards": [
            _other(gpu, remembered=remembered)
            for gpu in snapshot.gpus
            if not same_board(gpu.record.key, key)
        ],
    }


def _other(gpu: GpuState, *, remembered: bool) -> OtherBoardShape:
    board, slot = gpu.record.board, gpu.record.slot
    return {
        "serial": board.key.serial,
        "uuid": board.key.uuid,
        "name": board.name,
        "part_number": board.part_number,
        "vbios": board.vbios,
        "inforom": board.inforom,
        "slot": slot.label if slot else "",
        "state": _state(
            BoardState.PRESENT if gpu.present else gpu.record.state, remembered=remembered
        ),
        "verdict": "" if remembered else gpu.verdict.value,
    }


def _state(state: BoardState, *, remembered: bool) -> str:
    """Whether it is there; "" where no agent looks and history says that it was."""
    return "" if remembered and state is BoardState.PRESENT else state.value


def _controller(bmc: BmcState) -> ControllerShape:
    told = bmc.sweep.identity if bmc.sweep else BmcIdentity()
    return {
        "name": bmc.name,
        "protocol": bmc.protocol.value,
        "address": bmc.address,
        "manufacturer": told.manufacturer,
        "product": told.product,
        "part_number": told.part_number,
        "serial": told.serial,
        "board_serial": told.board_serial,
        "firmware": told.firmware,
        "bios": told.bios,
        "guid": told.guid,
    }


def _incidents(record: BoardRecord | None) -> list[EvidenceIncidentShape]:
    known = () if record is None else record.incidents
    return [_incident(number, one) for number, one in enumerate(known, 1)]


def _incident(number: int, incident: Incident) -> EvidenceIncidentShape:
    return {
        "number": number,
        "memory": incident.memory.value,
        "opened_at": instant(incident.opened_at),
        "exposure_seconds": round(incident.opened_exposure, 3),
        "signals": [_signal(signal) for signal in incident.signals],
    }


def _signal(signal: ErrorSignal) -> EvidenceSignalShape:
    return {
        "kind": signal.kind.value,
        "role": "echo" if signal.is_echo else "owner",
        "memory": signal.memory.value,
        "count": signal.count,
        "at": instant(signal.at),
        "not_before": instant_or_none(signal.not_before),
        "not_after": instant_or_none(signal.not_after),
        "exposure_seconds": round(signal.exposure, 3),
    }


def _capture(capture: Capture) -> CaptureShape:
    return {
        "number": capture.number,
        "occasion": capture.occasion.value,
        "at": instant(capture.at),
        "at_unix_seconds": round(capture.at, 3),
        "settled": capture.settled,
        "document": dict(capture.document),
    }


def _missing(
    snapshot: Snapshot, dossier: Dossier, rule: RuleWords | None, *, remembered: bool
) -> Iterable[MissingShape]:
    """What a reader may look for, and why it is not there."""
    if rule is None:
        yield _lacks("rule.txt", f"this version has no rule {dossier.flag.code}: it was removed")
    if not dossier.captures:
        yield _lacks("captures", "nothing was captured of this board, or it was too long ago")
    if not dossier.series:
        yield _lacks("readings.csv", "no readings of the last two weeks are kept of this board")
    yield from _missing_logs(snapshot, dossier, remembered=remembered)
    told = dossier.acceptance.diagnostic if dossier.acceptance else None
    if told is not None and dossier.diagnostic is None:
        yield _lacks("the output of the diagnostic", f"{told.name} is not kept any more")
    if remembered:
        why = "no agent ran: this is what its history holds; nothing was asked of the hardware"
        yield _lacks("present state of GPUs and BMCs", why)


def _missing_logs(
    snapshot: Snapshot, dossier: Dossier, *, remembered: bool
) -> Iterable[MissingShape]:
    """Entries of event logs: those that there are not, and those that nobody could read."""
    own = [bmc for bmc in snapshot.bmcs if not bmc.host]
    told = any(dossier.entries.values())
    unread = [] if remembered else [why for bmc in own if (why := _unread(bmc))]
    if not own:
        yield _lacks("sel.csv", "no BMC of this server is set up in gpuwatch")
    elif unread:
        what = "the latest entries of event logs" if told else "sel.csv"
        yield _lacks(what, f"not all event logs can be read: {'; '.join(unread)}")
    elif not told:
        yield _lacks("sel.csv", "the event logs of this server's BMCs hold no entry")


def _unread(bmc: BmcState) -> str:
    """Why the event log of a BMC cannot be read at present; "" when it can."""
    if bmc.trouble is not None:
        return f"{bmc.name} does not answer ({bmc.trouble.value})"
    if bmc.sweep is None:
        return f"{bmc.name} has told nothing yet"
    gap = bmc.sweep.gaps.get("logs")
    return "" if gap is None else f"that of {bmc.name}: {GAPS[gap.reason]}"


def _lacks(what: str, why: str) -> MissingShape:
    return {"what": what, "why": why}
