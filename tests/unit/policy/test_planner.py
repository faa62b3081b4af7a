"""Findings that ask for a replacement become one flag a board and cause, in the right window."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.verdicts import Finding, Remedy, RmaStanding, Scope, Urgency
from gpuwatch.domain.windows import Outlook, Window
from gpuwatch.policy.planner import plan
from tests.support.views import KEY, NOW, record

SUNDAY = Window(datetime(2026, 3, 22, 2, tzinfo=UTC), datetime(2026, 3, 22, 6, tzinfo=UTC), "sun")
NEXT = Window(datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 5, tzinfo=UTC), "sun")
NOTICE = timedelta(hours=4)
SOON = Window(NOW.utc + timedelta(hours=3), NOW.utc + timedelta(hours=5), "soon")
OPEN_NOW = Window(NOW.utc - timedelta(hours=1), NOW.utc + timedelta(hours=1), "sun")
TREND = Finding(
    code="rising-uncorrectable-trend",
    scope=Scope.GPU,
    subject=KEY.uuid,
    urgency=Urgency.WINDOW,
    route=Urgency.WINDOW,
    remedy=Remedy.REPLACE,
    since=NOW.wall,
    sentence="2 incidents.",
    source="gpuwatch heuristic",
    evidence_at=NOW.wall - 50.0,
    rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
    due=timedelta(days=14),
)


def _plan(
    *findings: Finding,
    flags: tuple[Flag, ...] = (),
    windows: tuple[Window, ...] = (SUNDAY, NEXT),
) -> tuple[tuple[Flag, ...], tuple[Flag, ...]]:
    outlook = Outlook(windows=windows)
    wanted = plan({KEY.uuid: findings}, {KEY: record()}, flags, outlook, NOW, notice=NOTICE)
    return wanted.raised, wanted.replanned


def _stored(**changes: object) -> Flag:
    flag = _plan(TREND)[0][0]
    return replace(flag, number=7, **changes)  # type: ignore[arg-type]


def test_a_replacement_is_flagged_into_the_next_window() -> None:
    """The flag carries the sentence, the due time and the first window with notice enough."""
    raised, _ = _plan(TREND, windows=(OPEN_NOW, SOON, SUNDAY, NEXT))

    flag = raised[0]
    assert (len(raised), flag.sentence, flag.due_at, flag.window_start, flag.slot_label) == (
        1,
        "2 incidents.",
        NOW.wall + 14 * 86400,
        SUNDAY.start.timestamp(),
        "module-3",
    )


def test_without_windows_a_flag_has_none() -> None:
    """No schedule is configured: the flag stands, its window is unknown."""
    raised, _ = _plan(TREND, windows=())

    assert (raised[0].window_name, raised[0].window_start) == ("", None)


def test_a_finding_with_another_remedy_raises_no_flag() -> None:
    """Only replacements are flagged."""
    assert _plan(replace(TREND, remedy=Remedy.RESET)) == ((), ())


def test_a_flag_that_stands_is_not_raised_again() -> None:
    """The same finding at the next sweep changes nothing."""
    assert _plan(TREND, flags=(_stored(),)) == ((), ())


def test_a_closed_flag_is_raised_again_only_on_newer_evidence() -> None:
    """A dismissed flag stays dismissed until something new happens."""
    dismissed = _stored(state=FlagState.DISMISSED)
    newer = replace(TREND, evidence_at=NOW.wall)

    assert (len(_plan(TREND, flags=(dismissed,))[0]), len(_plan(newer, flags=(dismissed,))[0])) == (
        0,
        1,
    )


@pytest.mark.parametrize(
    ("urgency", "outcome", "flags"),
    [
        (Urgency.PAGE, "accepted", 1),
        (Urgency.PAGE, "failed", 1),
        (Urgency.PAGE, "reseated", 0),
        (Urgency.WINDOW, "accepted", 0),
    ],
)
def test_a_board_that_is_back_and_pages_has_a_flag(
    urgency: Urgency, outcome: str, flags: int
) -> None:
    """Its flag ended when it was swapped out: without one nobody could take the page up."""
    ended = _stored(state=FlagState.CLOSED, outcome=outcome)

    raised, _ = _plan(replace(TREND, urgency=urgency), flags=(ended,))

    assert len(raised) == flags


def test_two_gpus_of_one_board_raise_one_flag() -> None:
    """A serial number is a board, however many UUIDs it carries."""
    twin = BoardKey(KEY.serial, "GPU-twin")
    findings = {KEY.uuid: (TREND,), twin.uuid: (replace(TREND, subject=twin.uuid),)}

    wanted = plan(
        findings,
        {KEY: record(), twin: record(twin)},
        (),
        Outlook(windows=(SUNDAY,)),
        NOW,
        notice=NOTICE,
    )

    assert len(wanted.raised) == 1


def test_boards_without_serials_are_told_apart_by_uuid() -> None:
    """Two boards that tell no serial number are two boards."""
    one, other = BoardKey("", "GPU-1"), BoardKey("", "GPU-2")
    findings = {"GPU-1": (TREND,), "GPU-2": (TREND,)}

    wanted = plan(
        findings,
        {one: record(one), other: record(other)},
        (),
        Outlook(windows=(SUNDAY,)),
        NOW,
        notice=NOTICE,
    )

    assert len(wanted.raised) == 2


def test_the_most_urgent_flag_comes_first() -> None:
    """A page before a window, whatever the order of findings."""
    page = replace(TREND, code="row-remap-failed", urgency=Urgency.PAGE)

    raised, _ = _plan(TREND, page)

    assert [flag.code for flag in raised] == ["row-remap-failed", "rising-uncorrectable-trend"]


def test_a_window_that_passed_unused_is_replaced_by_the_next() -> None:
    """The board was not swapped: the flag moves on and says so."""
    missed = _stored(window_start=NOW.wall - 7200, window_end=NOW.wall - 3600)

    _, replanned = _plan(TREND, flags=(missed,))

    assert [flag.window_start for flag in replanned] == [SUNDAY.start.timestamp()]


def test_a_flag_in_an_open_window_stays_in_it() -> None:
    """While its window is open the flag keeps it."""
    swapping = _stored(window_start=OPEN_NOW.start.timestamp(), window_end=OPEN_NOW.end.timestamp())

    assert _plan(TREND, flags=(swapping,), windows=(OPEN_NOW, SUNDAY)) == ((), ())


def test_a_cancelled_window_is_replanned() -> None:
    """A window that the schedule no longer has cannot hold a flag."""
    _, replanned = _plan(TREND, flags=(_stored(),), windows=(NEXT,))

    assert [flag.window_start for flag in replanned] == [NEXT.start.timestamp()]


def test_newer_evidence_confirms_a_flag_that_stands() -> None:
    """A third incident: who dismisses the flag afterwards has seen that one too."""
    stored = _stored()
    third = replace(TREND, evidence_at=TREND.evidence_at + 3600.0)

    wanted = plan(
        {KEY.uuid: (third,)},
        {KEY: record()},
        (stored,),
        Outlook(windows=(SUNDAY,)),
        NOW,
        notice=NOTICE,
    )

    assert wanted.raised == wanted.replanned == ()
    assert wanted.confirmed == (replace(stored, evidence_at=third.evidence_at),)


def test_without_windows_a_flag_without_one_stays_as_it_is() -> None:
    """Nothing is replanned while there is nothing to plan into."""
    unplanned = _stored(window_name="", window_start=None, window_end=None, told_late=True)

    assert _plan(TREND, flags=(unplanned,), windows=()) == ((), ())


def test_a_flag_in_hands_keeps_its_window() -> None:
    """Somebody is at work: nothing is replanned under them."""
    held = _stored(state=FlagState.IN_HANDS, window_end=NOW.wall - 1)

    assert _plan(TREND, flags=(held,)) == ((), ())


def test_a_replacement_without_a_due_time_is_a_broken_rule() -> None:
    """The rule table guarantees a due time; without one the planner refuses to guess."""
    with pytest.raises(ValueError, match="due time"):
        _plan(replace(TREND, due=None))


def test_a_flag_names_what_is_replaced_and_what_to_look_at_beside_it() -> None:
    """The unit as the platform makes usual; a second board failing in the slot is a note."""
    earlier = replace(_stored(), board=BoardKey("1650001", "GPU-x"), number=3)

    first = _plan(TREND)[0][0]
    second = _plan(TREND, flags=(earlier,))[0][0]

    assert (first.fru, first.slot_note) == ("baseboard", "")
    assert second.slot_note == (
        "inspect the slot and its cooling: 1650001 failed in module-3 before"
    )
    assert second.sentence == first.sentence


def test_a_flagged_board_that_is_back_gets_one_flag() -> None:
    """None while another flag stands for it; one when all have ended."""
    back = replace(TREND, code="flagged-board-returned", evidence_at=NOW.wall)

    standing = _plan(back, flags=(_stored(),))[0]
    ended = _plan(back, flags=(_stored(state=FlagState.DISMISSED),))[0]

    assert standing == ()
    assert [flag.code for flag in ended] == ["flagged-board-returned"]


def test_a_flagged_board_that_is_back_on_trial_gets_no_flag_for_that() -> None:
    """It is refused, and has a flag then; what another board is tried for is no matter."""
    back = replace(TREND, code="flagged-board-returned", evidence_at=NOW.wall)
    gone = BoardKey("1650001", "GPU-x")
    flags = (_stored(board=gone, state=FlagState.VERIFYING),)

    def raised(successor: BoardKey) -> tuple[Flag, ...]:
        records = {KEY: record(), gone: record(gone, successor=successor)}
        found = {KEY.uuid: (back,)}
        return plan(found, records, flags, Outlook(), NOW, notice=NOTICE).raised

    tried = raised(KEY)
    other = raised(BoardKey("1650002", "GPU-y"))

    assert tried == ()
    assert [flag.code for flag in other] == ["flagged-board-returned"]
