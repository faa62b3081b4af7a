"""Which flag goes into which window: urgency, notice, room, pins, freezes, and who is told."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.places import place_of_flag, units_in
from gpuwatch.domain.verdicts import RmaStanding, Urgency
from gpuwatch.domain.windows import Blackout, Blocked, CalendarState, Outlook, Window
from gpuwatch.policy.placement import NoPlaceError, NoticeKind, place_for
from gpuwatch.policy.planner import Plan, plan
from tests.support.views import NOW

EXAMPLES = 2_000 if os.environ.get("GPUWATCH_SOAK") else 100
DAY = timedelta(days=1)
NOTICE = timedelta(hours=4)
ONE, TWO, THREE = (
    Window(NOW.utc + days * DAY, NOW.utc + days * DAY + NOTICE, "sunday") for days in (7, 14, 21)
)
SOON = Window(NOW.utc + NOTICE / 2, NOW.utc + NOTICE, "tonight")
OUTLOOK = Outlook(windows=(ONE, TWO, THREE), boards_per_window=1)
FREEZE = Blackout(NOW.utc + 9 * DAY, NOW.utc + 17 * DAY, "year-end", "no changes")


def _flag(number: int, **changes: object) -> Flag:
    base = Flag(
        number=number,
        board=BoardKey(f"serial-{number}", f"GPU-{number}"),
        code="rising-uncorrectable-trend",
        urgency=Urgency.WINDOW,
        sentence="2 incidents.",
        raised_at=NOW.wall - 1000.0 + number,
        evidence_at=NOW.wall - 1000.0,
        due_at=NOW.wall + 10 * 86_400,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def _in(window: Window, number: int, **changes: object) -> Flag:
    return _flag(
        number,
        window_name=window.name,
        window_start=window.start.timestamp(),
        window_end=window.end.timestamp(),
        **changes,
    )


def _plan(*flags: Flag, outlook: Outlook = OUTLOOK, freeze: Blackout | None = None) -> Plan:
    return plan(
        {},
        {},
        flags,
        outlook,
        NOW,
        notice=NOTICE,
        freeze_at=lambda at: freeze if freeze is not None and freeze.covers(at) else None,
    )


def _starts(wanted: Plan) -> dict[int, datetime | None]:
    return {
        change.flag.number: None
        if change.flag.window_start is None
        else datetime.fromtimestamp(change.flag.window_start, UTC)
        for change in wanted.changes
    }


def _told(wanted: Plan) -> dict[int, list[tuple[NoticeKind, str]]]:
    return {
        change.flag.number: [(notice.kind, notice.reason) for notice in change.notices]
        for change in wanted.changes
    }


def _place_for(flag: Flag, name: str, start: datetime | None, *flags: Flag) -> Window:
    return place_for(flag, name, start, flags, OUTLOOK, now=NOW.utc, notice=NOTICE)


def test_what_pages_leaves_before_what_is_due_first() -> None:
    """The first window is for the page, the next for the earliest due date."""
    page = _flag(3, urgency=Urgency.PAGE, due_at=NOW.wall + 30 * 86_400)
    early = _flag(2, due_at=NOW.wall + 15 * 86_400)
    late = _flag(1, due_at=NOW.wall + 25 * 86_400)

    wanted = _plan(late, early, page)

    assert _starts(wanted) == {3: ONE.start, 2: TWO.start, 1: THREE.start}


def test_a_more_urgent_flag_takes_the_place_of_another() -> None:
    """The other is planned into the next window, and told why."""
    wanted = _plan(_in(ONE, 1, due_at=NOW.wall + 20 * 86_400), _flag(2, urgency=Urgency.PAGE))

    assert _starts(wanted) == {2: ONE.start, 1: TWO.start}
    assert _told(wanted)[1] == [(NoticeKind.REPLANNED, "other flags fill its window")]


def test_a_flag_moves_up_when_room_comes_free() -> None:
    """The first window with room, also for what was planned before."""
    wanted = _plan(_in(TWO, 1, told_late=True))

    assert _told(wanted) == {1: [(NoticeKind.REPLANNED, "an earlier window has room")]}


def test_a_flag_keeps_a_window_within_the_notice() -> None:
    """People prepare for it: nothing takes its place, and nothing new goes in."""
    outlook = replace(OUTLOOK, windows=(SOON, ONE), boards_per_window=2)

    wanted = _plan(_in(SOON, 1), _flag(2, urgency=Urgency.PAGE), outlook=outlook)

    assert _starts(wanted) == {2: ONE.start}


def test_a_pinned_flag_keeps_its_window_and_takes_its_room() -> None:
    """Neither urgency nor an earlier window moves it."""
    wanted = _plan(_in(TWO, 1, pinned=True, told_late=True), _flag(2), _flag(3, told_late=True))

    assert _starts(wanted) == {2: ONE.start, 3: THREE.start}


@pytest.mark.parametrize(
    ("flag", "outlook", "reason"),
    [
        (_in(SOON, 1), OUTLOOK, "its window was cancelled"),
        (_in(SOON, 1, pinned=True), OUTLOOK, "its window was cancelled"),
        (
            _in(SOON, 1, pinned=True),
            replace(OUTLOOK, blocked=(Blocked(SOON, FREEZE),)),
            "the blackout year-end covers its window",
        ),
        (
            _flag(1, window_name="old", window_start=1.0, window_end=NOW.wall),
            OUTLOOK,
            "its window passed unused",
        ),
        (_flag(1), OUTLOOK, "a window was found"),
    ],
)
def test_a_flag_whose_window_is_lost_is_planned_again(
    flag: Flag, outlook: Outlook, reason: str
) -> None:
    """A pin holds no longer than its window."""
    (change,) = _plan(flag, outlook=outlook).changes

    assert place_of_flag(change.flag) == ("sunday", ONE.start.timestamp())
    assert change.flag.pinned is False
    assert [notice.reason for notice in change.notices] == [reason]


def test_a_window_that_is_lost_without_another_leaves_none() -> None:
    """The flag says that it has no window, and its owner is told that it is late."""
    wanted = _plan(_in(ONE, 1), outlook=Outlook())

    (flag,) = wanted.replanned
    assert (flag.window_name, flag.window_start, flag.window_end, flag.told_late) == (
        "",
        None,
        None,
        True,
    )
    assert [kind for kind, _ in _told(wanted)[1]] == [NoticeKind.REPLANNED, NoticeKind.LATE]


def test_boards_of_one_unit_leave_in_one_window() -> None:
    """Two boards of a baseboard count as one, also where one board has room."""
    wanted = _plan(_flag(1, fru="baseboard"), _flag(2), _flag(3, fru="baseboard"))

    assert _starts(wanted) == {1: ONE.start, 2: TWO.start, 3: ONE.start}


def test_a_flag_in_hands_takes_up_its_window() -> None:
    """Somebody works on that board then; it is not planned itself."""
    held = _in(ONE, 1, state=FlagState.IN_HANDS)

    assert _starts(_plan(held, _flag(2, told_late=True))) == {2: TWO.start}


@pytest.mark.parametrize(
    "state", [FlagState.VERIFYING, FlagState.CLOSED, FlagState.DISMISSED, FlagState.IN_HANDS]
)
def test_only_open_flags_are_planned(state: FlagState) -> None:
    """The others need no window any more."""
    assert _plan(_flag(1, state=state)).changes == ()


def test_snoozed_and_acknowledged_flags_stay_planned() -> None:
    """A person who knows of it does not put it off."""
    known = _flag(1, acknowledged_by="uid=0", acknowledged_at=1.0, snoozed_until=NOW.wall + 1e6)

    assert _starts(_plan(known)) == {1: ONE.start}


def test_the_owner_is_told_once_that_a_flag_is_late() -> None:
    """Its first window starts after it is due; at the next decision nothing is said."""
    first = _plan(_flag(1, due_at=NOW.wall + 86_400))

    again = _plan(*first.replanned)

    due = "2026-03-16 06:00 UTC"
    assert _told(first)[1][1] == (
        NoticeKind.LATE,
        f"it is due at {due} and its window starts after that",
    )
    assert again.changes == ()


def test_without_any_window_a_flag_is_late() -> None:
    """No window is set up at all."""
    wanted = _plan(_flag(1), outlook=Outlook())

    assert _told(wanted)[1][0][1] == "it is due at 2026-03-25 06:00 UTC and no window is coming"


def test_a_freeze_that_covers_the_due_date_moves_it_to_its_end() -> None:
    """The owner is told once; a flag that is due then is not late."""
    outlook = replace(OUTLOOK, windows=(THREE,), boards_per_window=2)
    later = replace(THREE, start=FREEZE.end, end=FREEZE.end + NOTICE)
    first = _plan(_flag(1), outlook=replace(outlook, windows=(later,)), freeze=FREEZE)

    again = _plan(*first.replanned, outlook=replace(outlook, windows=(later,)), freeze=FREEZE)

    (change,) = first.changes
    assert change.flag.due_at == FREEZE.end.timestamp()
    assert change.flag.told_late is False
    assert _told(first)[1][0] == (
        NoticeKind.POSTPONED,
        "it fell due in the blackout year-end (no changes)",
    )
    assert again.changes == ()


def test_what_pages_is_due_in_a_freeze_too() -> None:
    """A freeze does not make a failing board wait."""
    wanted = _plan(_flag(1, urgency=Urgency.PAGE), freeze=FREEZE)

    assert wanted.replanned[0].due_at == _flag(1).due_at


def test_freezes_that_follow_each_other_are_one() -> None:
    """The due date moves to the end of the last, and the owner is told once."""
    second = replace(FREEZE, start=FREEZE.end, end=FREEZE.end + DAY, reason="")
    freezes = (FREEZE, second)

    wanted = plan(
        {},
        {},
        (_flag(1),),
        OUTLOOK,
        NOW,
        notice=NOTICE,
        freeze_at=lambda at: next((one for one in freezes if one.covers(at)), None),
    )

    assert wanted.replanned[0].due_at == second.end.timestamp()
    assert [kind for kind, _ in _told(wanted)[1]].count(NoticeKind.POSTPONED) == 1


def test_a_freeze_without_an_end_moves_nothing() -> None:
    """Nobody is told of a new due date every day."""
    wanted = plan(
        {},
        {},
        (_in(ONE, 1),),
        OUTLOOK,
        NOW,
        notice=NOTICE,
        freeze_at=lambda at: Blackout(at, at + DAY, "always"),
    )

    assert wanted.changes == ()


def test_nothing_is_planned_before_every_calendar_was_read() -> None:
    """A blackout may be unknown: flags keep what they have, and nobody is told anything."""
    unread = CalendarState(name="ops", path="/c.ics")

    wanted = _plan(_in(SOON, 1), _flag(2), outlook=replace(OUTLOOK, calendars=(unread,)))

    assert wanted.changes == ()


def test_a_person_may_name_a_window() -> None:
    """By name and start, or the first of that name; the flags that can move make room."""
    movable = _in(ONE, 1)

    assert _place_for(_flag(2), "sunday", None, movable) == ONE
    assert _place_for(_flag(2), "sunday", TWO.start, movable) == TWO


def test_a_person_cannot_name_a_window_that_is_full() -> None:
    """Pinned flags stay; without a start the next of that name is taken."""
    pinned = _in(ONE, 1, pinned=True)

    assert _place_for(_flag(2), "sunday", None, pinned) == TWO
    assert _place_for(pinned, "sunday", ONE.start, pinned) == ONE
    with pytest.raises(
        NoPlaceError, match=r"is full \(policy.boards_per_window is 1: name another"
    ):
        _place_for(_flag(2), "sunday", ONE.start, pinned)


def test_boards_of_one_unit_can_be_pinned_together() -> None:
    """They leave as one."""
    pinned = _in(ONE, 1, pinned=True, fru="tray")

    assert _place_for(_flag(2, fru="tray"), "sunday", ONE.start, pinned) == ONE


@pytest.mark.parametrize(
    ("outlook", "start", "says"),
    [
        (OUTLOOK, None, r"window 'monday' is not coming \(there are: sunday at 2026-03-22T06:00"),
        (Outlook(), None, r"window 'monday' is not coming \(none is set up: see \[\[windows\]\]\)"),
        (OUTLOOK, ONE.start, r"window 'monday' at 2026-03-22T06:00:00\+00:00 is not coming"),
        (
            replace(OUTLOOK, blocked=(Blocked(replace(ONE, name="monday"), FREEZE),)),
            ONE.start,
            r"window 'monday' at .* lies in the blackout year-end",
        ),
    ],
)
def test_a_window_that_is_not_coming_is_refused(
    outlook: Outlook, start: datetime | None, says: str
) -> None:
    """With the reason, and the windows there are."""
    with pytest.raises(NoPlaceError, match=says):
        place_for(_flag(1), "monday", start, (), outlook, now=NOW.utc, notice=NOTICE)


def _any_flag(number: int, place: Window | None, changes: dict[str, object]) -> Flag:
    return _flag(number, **changes) if place is None else _in(place, number, **changes)


FLAGS = st.builds(
    _any_flag,
    st.integers(1, 6),
    st.sampled_from([None, SOON, ONE, TWO, THREE]),
    st.fixed_dictionaries(
        {
            "urgency": st.sampled_from([Urgency.PAGE, Urgency.WINDOW]),
            "due_at": st.integers(-2, 30).map(lambda days: NOW.wall + days * 86_400),
            "fru": st.sampled_from(["", "module", "baseboard"]),
            "pinned": st.booleans(),
            "state": st.sampled_from(
                [FlagState.OPEN, FlagState.OPEN, FlagState.IN_HANDS, FlagState.CLOSED]
            ),
        }
    ),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    flags=st.lists(FLAGS, max_size=6, unique_by=lambda flag: flag.number),
    windows=st.sets(st.sampled_from([SOON, ONE, TWO, THREE])),
    room=st.integers(1, 3),
    frozen=st.booleans(),
)
def test_every_plan_keeps_the_rules(
    flags: list[Flag], windows: set[Window], room: int, frozen: bool
) -> None:
    """No new board in a full window or within the notice, and the same plan at the next look."""
    outlook = Outlook(windows=tuple(sorted(windows)), boards_per_window=room)
    freeze = FREEZE if frozen else None

    wanted = _plan(*flags, outlook=outlook, freeze=freeze)

    changed = {change.flag.number: change.flag for change in wanted.changes}
    after = [changed.get(flag.number, flag) for flag in flags]
    again = _plan(*after, outlook=outlook, freeze=freeze)
    before = {flag.number: place_of_flag(flag) for flag in flags}
    moved = [flag for flag in changed.values() if place_of_flag(flag) != before[flag.number]]
    new = {place_of_flag(flag) for flag in moved} - {None}
    there = {(one.name, one.start.timestamp()) for one in windows - {SOON}}
    assert again.changes == ()
    assert new <= there
    assert all(
        len(units_in(window, after)) <= room or len(units_in(window, flags)) > room
        for window in windows
    )
    assert {flag.state for flag in changed.values()} <= {FlagState.OPEN}
