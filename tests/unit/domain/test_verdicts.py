"""A verdict is what the findings say together."""

import pytest

from gpuwatch.domain.moments import Moment
from gpuwatch.domain.verdicts import (
    GRAVITY,
    Finding,
    Remedy,
    Scope,
    Urgency,
    Verdict,
    gravest,
    is_newer,
    verdict_of,
)

YEAR = 365 * 86_400.0
NOW = Moment(wall=1_773_554_400.0, boottime=86_400.0, boot_id="boot-1")


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


@pytest.mark.parametrize(
    ("evidence", "known", "newer"),
    [
        (NOW.wall - 60.0, NOW.wall - 120.0, True),
        (NOW.wall - 60.0, NOW.wall - 60.3, False),
        (NOW.wall - 120.0, NOW.wall - 60.0, False),
        # What is known is of a boot whose clock was ahead, or this one's is behind.
        (NOW.wall - 60.0, NOW.wall + YEAR, True),
        (NOW.wall - 2 * 86_400.0, NOW.wall + YEAR, False),
        (NOW.wall + YEAR, NOW.wall + YEAR, False),
        (NOW.wall + YEAR + 60.0, NOW.wall + YEAR, True),
        # The kernel's stamps may be ahead of this clock.
        (NOW.wall - 60.0, NOW.wall + 600.0, False),
    ],
)
def test_evidence_of_this_boot_is_newer_than_what_a_wrong_clock_dated(
    evidence: float, known: float, newer: bool
) -> None:
    """Else the later date is the newer, by more than a date moves when it is told anew."""
    assert is_newer(evidence, known, NOW) is newer
