"""Finding shapes: what a rule that holds looks like in every document."""

from typing import TypedDict


class FindingShape(TypedDict):
    """A rule that holds."""

    code: str
    scope: str
    subject: str
    urgency: str
    route: str
    remedy: str
    since: str
    sentence: str
    source: str
    evidence: dict[str, str]
    evidence_at: str | None
    latched: bool
    rma: str | None
    due_seconds: float | None
    clears: str
    escalates: str
    runbook: str
