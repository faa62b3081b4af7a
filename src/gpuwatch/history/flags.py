"""Flags, audit records, latched findings and verdicts: what people and rules decided, kept."""

import json
from datetime import timedelta
from typing import Any

from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.verdicts import Finding, Remedy, RmaStanding, Scope, Urgency
from gpuwatch.history.tables import Row

Stored = tuple[Any, ...]


def flag_row(flag: Flag) -> Row:
    """A flag's row."""
    return (
        flag.number,
        flag.board.serial,
        flag.board.uuid,
        flag.code,
        flag.urgency.value,
        flag.sentence,
        flag.raised_at,
        flag.evidence_at,
        flag.due_at,
        flag.rma.value,
        flag.state.value,
        flag.disposition.value,
        flag.window_name,
        flag.window_start,
        flag.window_end,
        flag.slot_label,
        flag.state_since,
        flag.outcome,
        flag.acknowledged_by,
        flag.acknowledged_at,
        flag.snoozed_until,
        int(flag.pinned),
        int(flag.told_late),
        flag.vendor_case,
        flag.fru,
        flag.slot_note,
        flag.successor.serial if flag.successor else None,
        flag.successor.uuid if flag.successor else None,
    )


def flag_of(row: Stored) -> Flag:
    """A flag from its row."""
    number, serial, uuid, code, urgency, sentence, raised, evidence, due, rma, state = row[:11]
    disposition, window_name, window_start, window_end, slot_label = row[11:16]
    state_since, outcome, acknowledged_by, acknowledged_at, snoozed_until = row[16:21]
    pinned, told_late, vendor_case, fru, slot_note, successor_serial, successor_uuid = row[21:]
    successor = None if successor_uuid is None else BoardKey(successor_serial, successor_uuid)
    return Flag(
        board=BoardKey(serial, uuid),
        code=code,
        urgency=Urgency(urgency),
        sentence=sentence,
        raised_at=raised,
        evidence_at=evidence,
        due_at=due,
        rma=RmaStanding(rma),
        state=FlagState(state),
        disposition=Disposition(disposition),
        number=number,
        window_name=window_name,
        window_start=window_start,
        window_end=window_end,
        slot_label=slot_label,
        state_since=state_since,
        outcome=outcome,
        acknowledged_by=acknowledged_by,
        acknowledged_at=acknowledged_at,
        snoozed_until=snoozed_until,
        pinned=bool(pinned),
        told_late=bool(told_late),
        vendor_case=vendor_case,
        fru=fru,
        slot_note=slot_note,
        successor=successor,
    )


def finding_row(finding: Finding) -> Row:
    """A latched finding's row."""
    return (
        finding.code,
        finding.subject,
        finding.scope.value,
        finding.urgency.value,
        finding.route.value,
        finding.remedy.value,
        finding.since,
        finding.sentence,
        finding.source,
        json.dumps(finding.evidence),
        finding.evidence_at,
        None if finding.rma is None else finding.rma.value,
        None if finding.due is None else finding.due.total_seconds(),
        finding.clears,
        finding.escalates,
    )


def finding_of(row: Stored) -> Finding:
    """A latched finding from its row."""
    code, subject, scope, urgency, route, remedy, since, sentence, source, evidence = row[:10]
    evidence_at, rma, due_seconds, clears, escalates = row[10:]
    return Finding(
        code=code,
        scope=Scope(scope),
        subject=subject,
        urgency=Urgency(urgency),
        route=Urgency(route),
        remedy=Remedy(remedy),
        since=since,
        sentence=sentence,
        source=source,
        evidence=tuple((name, value) for name, value in json.loads(evidence)),
        evidence_at=evidence_at,
        latched=True,
        rma=None if rma is None else RmaStanding(rma),
        due=None if due_seconds is None else timedelta(seconds=due_seconds),
        clears=clears,
        escalates=escalates,
    )


def audit_row(record: AuditRecord, boot: int, boottime: float) -> Row:
    """An audit record's row, with the boot clock beside its wall clock."""
    return (
        record.number,
        record.at,
        boot,
        boottime,
        record.actor,
        record.action,
        record.subject,
        record.reason,
        record.before,
        record.after,
    )


def audit_of(row: Stored) -> AuditRecord:
    """An audit record from its row."""
    number, at, _, _, actor, action, subject, reason, before, after = row
    return AuditRecord(
        number=number,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        reason=reason,
        before=before,
        after=after,
    )
