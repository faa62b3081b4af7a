"""Acceptance documents: how far what came in for a flagged board has proved itself."""

from gpuwatch.domain.acceptances import NEEDED_LOAD_SECONDS, Acceptance, Candidate, Diagnostic
from gpuwatch.exposition.acceptance_shapes import (
    AcceptanceShape,
    CandidateShape,
    DiagnosticShape,
)
from gpuwatch.exposition.record_documents import instant, instant_or_none


def acceptance_document(acceptance: Acceptance) -> AcceptanceShape:
    """One acceptance."""
    told = acceptance.diagnostic
    return {
        "flag": acceptance.flag,
        "state": acceptance.state.value,
        "began_at": instant(acceptance.began_at),
        "load_seconds": acceptance.load_seconds,
        "needed_seconds": NEEDED_LOAD_SECONDS,
        "boards": [_candidate(candidate) for candidate in acceptance.candidates],
        "diagnostic": None if told is None else _diagnostic(told),
        "sentence": acceptance.sentence,
        "decided_at": instant_or_none(acceptance.decided_at),
    }


def acceptance_or_none(acceptance: Acceptance | None) -> AcceptanceShape | None:
    """One acceptance, or None (null in JSON) where there is none."""
    return None if acceptance is None else acceptance_document(acceptance)


def _candidate(candidate: Candidate) -> CandidateShape:
    return {
        "serial": candidate.key.serial,
        "uuid": candidate.key.uuid,
        "load_seconds": candidate.load_seconds,
        "poor_seconds": candidate.poor_seconds,
        "poor": candidate.poor,
    }


def _diagnostic(told: Diagnostic) -> DiagnosticShape:
    return {
        "name": told.name,
        "sha256": told.sha256,
        "size": told.size,
        "result": told.result.value,
        "attached_at": instant(told.attached_at),
        "actor": told.actor,
    }
