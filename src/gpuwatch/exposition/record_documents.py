"""Record documents: findings and instants as plain objects, shared by all documents."""

from datetime import UTC, datetime

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.domain.verdicts import Finding
from gpuwatch.exposition.finding_shapes import FindingShape
from gpuwatch.exposition.runbooks import runbook_link


def instant(unix_seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-03-14T03:12:00.000Z`."""
    at = datetime.fromtimestamp(unix_seconds, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_or_none(unix_seconds: float | None) -> str | None:
    """The instant, or None (null in JSON) where there is none."""
    return None if unix_seconds is None else instant(unix_seconds)


def finding_document(snapshot: Snapshot, finding: Finding) -> FindingShape:
    """A rule that holds, with its evidence."""
    return {
        "code": finding.code,
        "scope": finding.scope.value,
        "subject": finding.subject,
        "urgency": finding.urgency.value,
        "route": finding.route.value,
        "remedy": finding.remedy.value,
        "since": instant(finding.since),
        "sentence": finding.sentence,
        "source": finding.source,
        "evidence": dict(finding.evidence),
        "evidence_at": instant(finding.evidence_at) if finding.evidence_at else None,
        "latched": finding.latched,
        "rma": None if finding.rma is None else finding.rma.value,
        "due_seconds": None if finding.due is None else finding.due.total_seconds(),
        "clears": finding.clears,
        "escalates": finding.escalates,
        "runbook": runbook_link(snapshot.runbook_url, finding.code),
    }
