"""A verdict is what the findings say together."""

import pytest

from gpuwatch.domain.verdicts import (
    GRAVITY,
    Finding,
    Remedy,
    Scope,
    Urgency,
    Verdict,
    gravest,
    verdict_of,
)


def _finding(urgency: Urgency, remedy: Remedy = Remedy.NONE) -> Finding:
    return Finding(
        code="some-rule",
        scope=Scope.GPU,
        subject="GPU-a",
        urgency=urgency,
        route=urgency,
        remedy=remedy,
        since=1.0,
        sentence="It holds.",
        source="gpuwatch heuristic",
    )


PAGE = _finding(Urgency.PAGE, Remedy.RESET)
SWAP = _finding(Urgency.WINDOW, Remedy.REPLACE)
RESET = _finding(Urgency.WINDOW, Remedy.RESET)
WATCH = _finding(Urgency.WATCH)
INFO = _finding(Urgency.INFO)


@pytest.mark.parametrize(
    ("findings", "blind", "expected"),
    [
        ((), False, Verdict.HEALTHY),
        ((), True, Verdict.UNKNOWN),
        ((INFO,), False, Verdict.HEALTHY),
        ((WATCH, INFO), False, Verdict.WATCH),
        ((WATCH,), True, Verdict.UNKNOWN),
        ((RESET, WATCH), False, Verdict.RESET_AT_WINDOW),
        ((RESET,), True, Verdict.RESET_AT_WINDOW),
        ((RESET, SWAP), False, Verdict.REPLACE_AT_WINDOW),
        ((SWAP, PAGE), False, Verdict.DRAIN_NOW),
        ((PAGE,), True, Verdict.DRAIN_NOW),
    ],
)
def test_the_most_urgent_finding_decides(
    findings: tuple[Finding, ...], blind: bool, expected: Verdict
) -> None:
    """Urgent findings outlive blindness; watch does not; information is no verdict."""
    assert verdict_of(findings, blind=blind) is expected


def test_the_gravest_verdict_makes_the_headline() -> None:
    """One GPU to drain outweighs seven healthy ones; of nothing at all nothing is known."""
    together = gravest([Verdict.HEALTHY, Verdict.DRAIN_NOW, Verdict.UNKNOWN])

    assert (together, gravest([])) == (Verdict.DRAIN_NOW, Verdict.UNKNOWN)
    assert set(GRAVITY) == set(Verdict)
