"""Acceptance shapes: what the JSON of an acceptance looks like; docs/api.md describes it."""

from typing import TypedDict


class CandidateShape(TypedDict):
    """One GPU that came in; seconds are under load, `poor_seconds` with something wrong."""

    serial: str
    uuid: str
    load_seconds: float
    poor_seconds: float
    poor: str


class DiagnosticShape(TypedDict):
    """The output of a diagnostic as it was attached, and what a person says it came to."""

    name: str
    sha256: str
    size: int
    result: str
    attached_at: str
    actor: str


class AcceptanceShape(TypedDict):
    """The acceptance of what came in for one flag; the board with the least load sets the pace."""

    flag: int
    state: str
    began_at: str
    load_seconds: float
    needed_seconds: float
    boards: list[CandidateShape]
    diagnostic: DiagnosticShape | None
    sentence: str
    decided_at: str | None
