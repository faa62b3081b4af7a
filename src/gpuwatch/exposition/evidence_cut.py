"""Evidence cut: what is left out, the oldest first, of evidence that would be too large to send."""

import json

from gpuwatch.exposition.evidence_shapes import (
    CaptureShape,
    EvidenceShape,
    MissingShape,
    TableShape,
)

_LEAST_ROWS = 100  # no table is cut below
_BETWEEN = 2  # bytes between two things in JSON


def cut_to(most_bytes: int, document: EvidenceShape) -> EvidenceShape:
    """`document`, whose JSON is at most so long; what was left out is said under `missing`.

    Captures go first: what they hold is in the tables, too, but for the moment itself.
    """
    captures: list[CaptureShape] = document["captures"]
    document["captures"] = []
    room = most_bytes - _size(document)
    kept = _latest(captures, room)
    if len(kept) < len(captures):
        kept = _latest(captures, room - _size(_without(len(captures), captures)) - _BETWEEN)
        document["missing"].append(_without(len(captures) - len(kept), captures))
    document["captures"] = kept
    while _size(document) > most_bytes and _cut_longest(document):
        pass
    return document


def _latest(captures: list[CaptureShape], room: int) -> list[CaptureShape]:
    """The latest of them for which there is room."""
    kept: list[CaptureShape] = []
    for capture in reversed(captures):
        room -= _size(capture) + _BETWEEN
        if room < 0:
            break
        kept.insert(0, capture)
    return kept


def _without(left_out: int, captures: list[CaptureShape]) -> MissingShape:
    why = f"the {left_out} oldest of {len(captures)} would have made it too large to send"
    return {"what": "older captures", "why": why}


def _cut_longest(document: EvidenceShape) -> bool:
    """Leave the older half of the longest table out; False where none can be cut any more."""
    told: dict[str, TableShape] = dict(document["tables"])  # type: ignore[arg-type]  # all are
    name = max(told, key=lambda one: len(told[one]["rows"]))
    rows = told[name]["rows"]
    half = len(rows) // 2
    if half < _LEAST_ROWS:
        return False
    del rows[:half]
    why = f"the {half:,} oldest rows would have made it too large to send"
    document["missing"].append({"what": f"older rows of {name}.csv", "why": why})
    return True


def _size(document: object) -> int:
    return len(json.dumps(document))
