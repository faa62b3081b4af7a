"""BMC explanation: one BMC for on-call at 03:00: what to do first, and why."""

from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Finding
from gpuwatch.exposition.bmc_documents import LISTED_ENTRIES, bmc_document
from gpuwatch.exposition.bmc_shapes import BmcExplanationShape, ExplainedBmcFindingShape
from gpuwatch.exposition.bmc_steps import bmc_step, bmc_steps
from gpuwatch.exposition.cells import by_urgency
from gpuwatch.exposition.record_documents import finding_document, instant

_BY_DOCUMENT = "by what the source says"


def bmc_explanation(
    snapshot: Snapshot, bmc: BmcState, *, remembered: bool = False
) -> BmcExplanationShape:
    """Everything that is told of one BMC; `remembered` when no agent looks at it at present."""
    return {
        "at": instant(snapshot.at.wall),
        "remembered": remembered,
        "steps": bmc_steps(snapshot, bmc, remembered=remembered),
        "findings": [_finding(snapshot, bmc, one) for one in by_urgency(bmc.findings)],
        "bmc": bmc_document(snapshot, bmc, entries=LISTED_ENTRIES),
        "rules_version": snapshot.rules_version,
    }


def _finding(snapshot: Snapshot, bmc: BmcState, finding: Finding) -> ExplainedBmcFindingShape:
    return {
        **finding_document(snapshot, finding),
        "step": bmc_step(snapshot, bmc, finding),
        "criterion": _BY_DOCUMENT if finding.source.startswith("https://") else finding.source,
    }
