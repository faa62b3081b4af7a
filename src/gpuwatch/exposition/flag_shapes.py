"""Flag shapes: what the documents of flags and of audit records look like."""

from typing import TypedDict


class AuditShape(TypedDict):
    """One change by a person or by gpuwatch itself."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    reason: str
    before: str
    after: str


class FlagShape(TypedDict):
    """A board to replace, for one cause."""

    number: int
    serial: str
    uuid: str
    code: str
    state: str
    state_since: str
    outcome: str
    urgency: str
    sentence: str
    raised_at: str
    evidence_at: str
    due_at: str
    rma: str
    disposition: str
    vendor_case: str
    slot: str
    slot_note: str
    fru: str
    window_name: str
    window_start: str | None
    window_end: str | None
    pinned: bool
    late: bool
    scheduled: bool
    told_late: bool
    acknowledged_by: str
    acknowledged_at: str | None
    snoozed_until: str | None
    snoozed: bool
    attended: bool
    successor_serial: str | None
    successor_uuid: str | None
    audit: list[AuditShape]
