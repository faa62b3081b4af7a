"""Flag documents: flags with their audit records as plain objects, shared by all documents."""

from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.flag_changes import is_attended, is_scheduled, is_snoozed
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.places import is_late
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.flag_shapes import AuditShape, FlagShape
from gpuwatch.exposition.record_documents import instant, instant_or_none
from gpuwatch.exposition.views import open_flags_of


def flag_document(snapshot: Snapshot, flag: Flag) -> FlagShape:
    """A board to replace, with what people wrote on it and where it stands."""
    now, lives = snapshot.at.wall, flag.is_open
    return {
        "number": flag.number,
        "serial": flag.board.serial,
        "uuid": flag.board.uuid,
        "code": flag.code,
        "state": flag.state.value,
        "state_since": instant(flag.state_since or flag.raised_at),
        "outcome": flag.outcome,
        "urgency": flag.urgency.value,
        "sentence": flag.sentence,
        "raised_at": instant(flag.raised_at),
        "evidence_at": instant(flag.evidence_at),
        "due_at": instant(flag.due_at),
        "rma": flag.rma.value,
        "disposition": flag.disposition.value,
        "vendor_case": flag.vendor_case,
        "slot": flag.slot_label,
        "slot_note": flag.slot_note,
        "fru": flag.fru,
        "window_name": flag.window_name,
        "window_start": instant_or_none(flag.window_start),
        "window_end": instant_or_none(flag.window_end),
        "pinned": flag.pinned,
        "late": is_late(flag),
        "scheduled": lives and is_scheduled(flag),
        "told_late": flag.told_late,
        "acknowledged_by": flag.acknowledged_by,
        "acknowledged_at": instant_or_none(flag.acknowledged_at),
        "snoozed_until": instant_or_none(flag.snoozed_until),
        "snoozed": lives and is_snoozed(flag, now),
        "attended": lives and is_attended(flag, now),
        "successor_serial": None if flag.successor is None else flag.successor.serial,
        "successor_uuid": None if flag.successor is None else flag.successor.uuid,
        "audit": [audit_document(record) for record in snapshot.flag_audit.get(flag.number, ())],
    }


def open_flags_document(snapshot: Snapshot, uuid: str) -> list[FlagShape]:
    """The flags of one board on which somebody still has to act, the earliest due first."""
    return [flag_document(snapshot, flag) for flag in open_flags_of(snapshot, uuid)]


def audit_document(record: AuditRecord) -> AuditShape:
    """One change, in words."""
    return {
        "number": record.number,
        "at": instant(record.at),
        "actor": record.actor,
        "action": record.action,
        "subject": record.subject,
        "reason": record.reason,
        "before": record.before,
        "after": record.after,
    }
