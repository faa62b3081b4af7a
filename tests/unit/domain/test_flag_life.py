"""Every step of a flag from every state: those that are listed lead on, all others explain."""

from collections.abc import Callable

import pytest

from gpuwatch.domain.flag_life import (
    POSSIBLE,
    TRANSITIONS,
    FlagError,
    Outcome,
    Step,
    accepted,
    board_changed,
    dismissed,
    done,
    failed,
    started,
    stays_in_service,
)
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.verdicts import RmaStanding, Urgency
from tests.support.flags import BOARD, DAY, HOUR, NEW_BOARD, NOW, a_flag

STEPS: dict[Step, Callable[[Flag], Flag]] = {
    Step.START: lambda flag: started(flag, NOW),
    Step.BOARD_CHANGED: lambda flag: board_changed(flag, NEW_BOARD, NOW),
    Step.PASSED: lambda flag: accepted(flag, NOW, proven=True),
    Step.FAILED: lambda flag: failed(flag, NEW_BOARD, "it failed", NOW, due_at=NOW + DAY)[0],
    Step.DONE: lambda flag: done(flag, Outcome.RESEATED, NOW),
    Step.DISMISS: lambda flag: dismissed(flag, NOW),
}
ALL = [(state, step) for state in FlagState for step in Step]


@pytest.mark.parametrize(("state", "step"), [pair for pair in ALL if pair in TRANSITIONS])
def test_a_listed_step_leads_on(state: FlagState, step: Step) -> None:
    """The flag is in its new state from now on."""
    flag = a_flag(state=state, state_since=NOW - DAY)

    after = STEPS[step](flag)

    assert (after.state, after.state_since) == (TRANSITIONS[state, step], NOW)
    assert (after.number, after.board, after.code) == (flag.number, flag.board, flag.code)


@pytest.mark.parametrize(("state", "step"), [pair for pair in ALL if pair not in TRANSITIONS])
def test_any_other_step_is_refused_with_what_is_possible(state: FlagState, step: Step) -> None:
    """Which flag, of which board, in which state, and what can be done about it now."""
    flag = a_flag(state=state)

    with pytest.raises(FlagError) as refused:
        STEPS[step](flag)

    words = state.value.replace("_", " ")
    assert refused.value.what.startswith(
        f"flag 14 (rising-uncorrectable-trend of 1650923) is {words}: "
    )
    assert refused.value.remedy == POSSIBLE[state]
    assert not refused.value.misuse


def test_the_table_is_the_designs() -> None:
    """Seven steps and no more: above all no way from in hands back to open."""
    drawn = {
        "open start in_hands",
        "open board-changed verifying",
        "open dismiss dismissed",
        "in_hands board-changed verifying",
        "in_hands done closed",
        "verifying pass closed",
        "verifying fail closed",
    }

    assert {f"{state} {step} {after}" for (state, step), after in TRANSITIONS.items()} == drawn


def test_a_changed_board_is_remembered_as_the_successor() -> None:
    """Whoever came in is on trial."""
    assert board_changed(a_flag(), NEW_BOARD, NOW).successor == NEW_BOARD


@pytest.mark.parametrize(
    ("proven", "outcome"), [(True, Outcome.ACCEPTED), (False, Outcome.ACCEPTED_UNPROVEN)]
)
def test_an_acceptance_says_whether_a_diagnostic_proved_it(proven: bool, outcome: Outcome) -> None:
    """Four hours under load are no diagnostic."""
    flag = a_flag(state=FlagState.VERIFYING)

    assert accepted(flag, NOW, proven=proven).outcome == outcome


def test_a_board_that_fails_gets_a_flag_of_its_own() -> None:
    """The old flag ends, the new one is for the board that came in, in the same slot."""
    flag = a_flag(state=FlagState.VERIFYING, successor=NEW_BOARD, disposition="rma")

    closed, raised = failed(flag, NEW_BOARD, "an incident after 2 h", NOW, due_at=NOW + DAY)

    assert (closed.board, closed.outcome) == (BOARD, Outcome.FAILED)
    assert raised == a_flag(
        board=NEW_BOARD,
        code="acceptance-failed",
        urgency=Urgency.WINDOW,
        sentence="an incident after 2 h",
        raised_at=NOW,
        evidence_at=NOW,
        due_at=NOW + DAY,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        number=0,
        state_since=NOW,
    )


@pytest.mark.parametrize("outcome", [Outcome.RESEATED, Outcome.REFUSED, Outcome.RETURNED])
def test_a_person_ends_work_without_a_swap(outcome: Outcome) -> None:
    """The board stays in service, and its cause is silent on the same evidence."""
    after = done(a_flag(state=FlagState.IN_HANDS), outcome, NOW)

    assert (after.outcome, stays_in_service(after)) == (outcome, True)


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.FAILED, Outcome.DISMISSED])
def test_a_person_cannot_say_what_gpuwatch_finds_out(outcome: Outcome) -> None:
    """The refusal lists what can be said."""
    with pytest.raises(FlagError, match=r"there are: reseated, refused, returned") as refused:
        done(a_flag(state=FlagState.IN_HANDS), outcome, NOW)

    assert refused.value.misuse


def test_a_swapped_board_does_not_stay_in_service() -> None:
    """Seen again, it is a flagged board that returned."""
    swapped = accepted(a_flag(state=FlagState.VERIFYING), NOW, proven=True)

    assert (stays_in_service(swapped), stays_in_service(a_flag())) == (False, False)
    assert stays_in_service(dismissed(a_flag(), NOW + HOUR))
