"""What people write on a flag is bounded, refused with a reason, and never changes nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gpuwatch.domain.flag_changes import (
    LATEST_DUE_SECONDS,
    LONGEST_SNOOZE_SECONDS,
    acknowledged,
    escalated,
    is_attended,
    is_graver,
    is_scheduled,
    is_snoozed,
    scheduled,
    snoozed,
    unpinned,
    written,
)
from gpuwatch.domain.flag_life import FlagError
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.domain.windows import Window
from tests.support.flags import DAY, HOUR, NOW, a_flag

ALICE = "uid 1000 (alice)"
START = datetime.fromtimestamp(NOW, UTC) + timedelta(days=7)
SUNDAY = Window(start=START, end=START + timedelta(hours=4), name="sunday")
CHANGES: dict[str, Callable[[Flag], Flag]] = {
    "acknowledge": lambda flag: acknowledged(flag, ALICE, NOW),
    "snooze": lambda flag: snoozed(flag, NOW + DAY, NOW),
    "schedule": lambda flag: scheduled(flag, SUNDAY, ALICE, NOW),
    "unpin": unpinned,
    "due": lambda flag: written(flag, NOW, due_at=NOW + DAY),
    "disposition": lambda flag: written(flag, NOW, disposition=Disposition.RMA),
    "vendor case": lambda flag: written(flag, NOW, vendor_case="CASE-77"),
    "unit": lambda flag: written(flag, NOW, fru="tray"),
}
ENDED = (FlagState.CLOSED, FlagState.DISMISSED)
AT_WORK = (FlagState.IN_HANDS, FlagState.VERIFYING)


@pytest.mark.parametrize("state", ENDED)
@pytest.mark.parametrize("change", ["acknowledge", "snooze", "schedule", "unpin", "due", "unit"])
def test_a_flag_that_ended_is_not_changed(state: FlagState, change: str) -> None:
    """The refusal names the flag and its state."""
    flag = a_flag(state=state, pinned=True)

    with pytest.raises(FlagError, match=rf"^flag 14 .* is {state}: .*nothing moves a {state} flag"):
        CHANGES[change](flag)


@pytest.mark.parametrize("state", ENDED)
@pytest.mark.parametrize("change", ["disposition", "vendor case"])
def test_paperwork_may_follow_the_end(state: FlagState, change: str) -> None:
    """A vendor's case number comes days after the swap."""
    assert CHANGES[change](a_flag(state=state)).state is state


@pytest.mark.parametrize("state", AT_WORK)
@pytest.mark.parametrize("change", ["schedule", "unpin"])
def test_a_board_in_hands_needs_no_window(state: FlagState, change: str) -> None:
    """What is being done is not planned."""
    with pytest.raises(FlagError, match=r"it cannot be scheduled \(possible now:"):
        CHANGES[change](a_flag(state=state, pinned=True))


@pytest.mark.parametrize("state", AT_WORK)
@pytest.mark.parametrize("change", ["acknowledge", "snooze", "due", "unit"])
def test_a_board_in_hands_can_still_be_written_on(state: FlagState, change: str) -> None:
    """Its flag lives."""
    assert CHANGES[change](a_flag(state=state)).state is state


@pytest.mark.parametrize("change", ["acknowledge", "schedule", "due"])
def test_a_change_that_changes_nothing_is_refused(change: str) -> None:
    """It would stand in the audit log and say nothing."""
    flag = CHANGES[change](a_flag())

    with pytest.raises(FlagError, match="nothing needs to be done"):
        CHANGES[change](flag)


@pytest.mark.parametrize("change", ["disposition", "vendor case", "unit"])
def test_what_stands_already_is_not_written_again(change: str) -> None:
    """The same value once more is no change."""
    flag = CHANGES[change](a_flag())

    with pytest.raises(FlagError, match="and it says so already"):
        CHANGES[change](flag)


def test_an_acknowledgement_says_who_and_when() -> None:
    """The second person is told of the first."""
    flag = acknowledged(a_flag(), ALICE, NOW)

    with pytest.raises(
        FlagError, match=r"acknowledged by uid 1000 \(alice\) since 2026-03-15 06:00 UTC"
    ):
        acknowledged(flag, "uid 0 (root)", NOW + HOUR)
    assert (flag.acknowledged_by, flag.acknowledged_at) == (ALICE, NOW)


@pytest.mark.parametrize("seconds", [1.0, LONGEST_SNOOZE_SECONDS])
def test_a_snooze_lasts_until_a_time_to_come(seconds: float) -> None:
    """Thirty days at most."""
    assert snoozed(a_flag(), NOW + seconds, NOW).snoozed_until == NOW + seconds


@pytest.mark.parametrize(
    ("set_back", "holds"), [(0.0, True), (60.0, True), (3600.0, True), (365 * DAY, False)]
)
def test_a_snooze_holds_no_longer_than_anybody_may_ask(set_back: float, holds: bool) -> None:
    """The clock was years ahead when it was asked for, and was put right since."""
    flag = snoozed(a_flag(), NOW + 30 * DAY, NOW)

    assert is_snoozed(flag, NOW - set_back) is holds


@pytest.mark.parametrize("seconds", [0.0, -1.0, LONGEST_SNOOZE_SECONDS + 1.0])
def test_a_snooze_out_of_bounds_is_refused(seconds: float) -> None:
    """Neither the past nor for ever: the refusal says until when it may be."""
    with pytest.raises(FlagError, match=r"up to 2026-04-14 06:00 UTC") as refused:
        snoozed(a_flag(), NOW + seconds, NOW)

    assert refused.value.misuse


@pytest.mark.parametrize("seconds", [0.0, -1.0, LATEST_DUE_SECONDS + 1.0])
def test_a_due_time_out_of_bounds_is_refused(seconds: float) -> None:
    """What is due in the past, or after two years, is a slip of the pen."""
    with pytest.raises(
        FlagError, match=r"flag 14 cannot be due .*name a time after now"
    ) as refused:
        written(a_flag(), NOW, due_at=NOW + seconds)

    assert refused.value.misuse


def test_several_attributes_are_written_at_once() -> None:
    """What stands already is no hindrance to the rest."""
    flag = a_flag(disposition=Disposition.RMA)

    both = written(flag, NOW, disposition=Disposition.RMA, vendor_case="CASE-77")

    assert both == a_flag(disposition=Disposition.RMA, vendor_case="CASE-77")


def test_another_due_time_is_told_of_anew() -> None:
    """Whether a window comes before it is a new question."""
    flag = written(a_flag(told_late=True), NOW, due_at=NOW + DAY)

    assert (flag.due_at, flag.told_late) == (NOW + DAY, False)


def test_scheduling_pins_the_window_and_acknowledges() -> None:
    """Who chooses a window has seen the flag."""
    flag = scheduled(a_flag(), SUNDAY, ALICE, NOW)

    assert (flag.pinned, flag.window_name) == (True, "sunday")
    assert (flag.window_start, flag.window_end) == (NOW + 7 * DAY, NOW + 7 * DAY + 4 * HOUR)
    assert (flag.acknowledged_by, flag.acknowledged_at) == (ALICE, NOW)


def test_scheduling_keeps_an_earlier_acknowledgement() -> None:
    """Who saw it first stays known."""
    flag = acknowledged(a_flag(), "uid 0 (root)", NOW - HOUR)

    assert scheduled(flag, SUNDAY, ALICE, NOW).acknowledged_by == "uid 0 (root)"


def test_a_window_that_is_over_cannot_be_chosen() -> None:
    """The window may be open, but not past."""
    with pytest.raises(FlagError, match=r"window sunday of 2026-03-22 06:00 UTC is over"):
        scheduled(a_flag(), SUNDAY, ALICE, SUNDAY.end.timestamp())


def test_unpinning_leaves_the_window_to_gpuwatch() -> None:
    """It has none until it is planned anew; that it was seen stays."""
    flag = unpinned(scheduled(a_flag(), SUNDAY, ALICE, NOW))

    assert (flag.pinned, flag.window_name, flag.window_start, flag.window_end) == (
        False,
        "",
        None,
        None,
    )
    assert flag.acknowledged_by == ALICE


def test_a_flag_that_is_not_pinned_cannot_be_unpinned() -> None:
    """Gpuwatch plans its window as it is."""
    with pytest.raises(FlagError, match=r"pinned to no window \(gpuwatch plans its window\)"):
        unpinned(a_flag())


@pytest.mark.parametrize(
    ("urgency", "than", "graver"),
    [
        (Urgency.PAGE, Urgency.WINDOW, True),
        (Urgency.WINDOW, Urgency.PAGE, False),
        (Urgency.PAGE, Urgency.PAGE, False),
    ],
)
def test_urgencies_compare(urgency: Urgency, than: Urgency, graver: bool) -> None:
    """A page is graver than a window, and nothing is graver than itself."""
    assert is_graver(urgency, than) is graver


def test_a_graver_cause_undoes_what_was_said_of_the_lesser() -> None:
    """It reaches people again; a chosen window stays."""
    flag = snoozed(scheduled(a_flag(), SUNDAY, ALICE, NOW), NOW + DAY, NOW)

    worse = escalated(flag, Urgency.PAGE, "a row remap failed", NOW + HOUR)

    assert (worse.urgency, worse.sentence) == (Urgency.PAGE, "a row remap failed")
    assert (worse.evidence_at, worse.pinned) == (NOW + HOUR, True)
    assert not is_attended(worse, NOW + HOUR)


@pytest.mark.parametrize(
    ("changes", "attended"),
    [
        ({}, False),
        ({"acknowledged_at": NOW}, True),
        ({"snoozed_until": NOW + 1}, True),
        ({"snoozed_until": NOW}, False),
        ({"state": FlagState.IN_HANDS}, True),
        ({"state": FlagState.VERIFYING}, True),
        ({"window_name": "sunday", "window_start": NOW + DAY}, False),
    ],
)
def test_a_flag_is_attended_once_a_person_took_it_up(
    changes: dict[str, object], attended: bool
) -> None:
    """A window that gpuwatch planned by itself is nobody's word."""
    assert is_attended(a_flag(**changes), NOW) is attended


@pytest.mark.parametrize(
    ("until", "held"), [(None, False), (NOW, False), (NOW - 1, False), (NOW + 1, True)]
)
def test_a_snooze_ends_by_itself(until: float | None, held: bool) -> None:
    """At its end the flag pages again."""
    assert is_snoozed(a_flag(snoozed_until=until), NOW) is held


@pytest.mark.parametrize(
    ("changes", "appointed"),
    [
        ({}, False),
        ({"pinned": True}, False),
        ({"window_start": NOW}, False),
        ({"window_start": NOW, "pinned": True}, True),
        ({"window_start": NOW, "acknowledged_at": NOW}, True),
        ({"acknowledged_at": NOW}, False),
    ],
)
def test_a_flag_is_scheduled_when_a_person_knows_its_window(
    changes: dict[str, object], appointed: bool
) -> None:
    """A plan that nobody has seen is not an appointment."""
    assert is_scheduled(a_flag(**changes)) is appointed
