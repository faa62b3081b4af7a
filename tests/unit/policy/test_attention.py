"""What people have taken up reaches nobody; what is graver than that does."""

from dataclasses import replace

import pytest

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.records import BoardState
from gpuwatch.domain.verdicts import Finding, Remedy, Scope, Urgency
from gpuwatch.policy.attention import (
    attending,
    escalations,
    is_covered,
    is_followed,
    outlived,
    uuids_of,
)
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.views import PolicySettings
from tests.support.flags import a_flag
from tests.support.views import DAY, HEALTHY_READINGS, KEY, NOW, gpu, host, later, record

SIBLING = BoardKey(KEY.serial, "GPU-of-the-same-board")
PEER = BoardKey("1652000000001", "GPU-peer")
SEEN = {"board": KEY, "acknowledged_at": NOW.wall, "code": "row-remap-failed"}


def _finding(
    uuid: str = KEY.uuid, code: str = "row-remap-failed", urgency: Urgency = Urgency.PAGE
) -> Finding:
    return Finding(
        code=code,
        scope=Scope.GPU,
        subject=uuid,
        urgency=urgency,
        route=urgency,
        remedy=Remedy.REPLACE,
        since=NOW.wall,
        sentence="a row remap failed",
        source="gpuwatch heuristic",
        evidence_at=NOW.wall,
    )


@pytest.mark.parametrize(
    ("changes", "route"),
    [
        ({}, Urgency.PAGE),
        ({"window_name": "sunday", "window_start": NOW.wall + DAY}, Urgency.PAGE),
        ({"acknowledged_at": NOW.wall}, Urgency.INFO),
        ({"snoozed_until": NOW.wall + 1}, Urgency.INFO),
        ({"snoozed_until": NOW.wall}, Urgency.PAGE),
        ({"state": FlagState.IN_HANDS}, Urgency.INFO),
        ({"state": FlagState.CLOSED, "acknowledged_at": NOW.wall}, Urgency.PAGE),
        ({"board": PEER, "acknowledged_at": NOW.wall}, Urgency.PAGE),
        ({"code": "memory-unrepairable", "acknowledged_at": NOW.wall}, Urgency.PAGE),
    ],
)
def test_a_page_reaches_people_until_somebody_has_taken_it_up(
    changes: dict[str, object], route: Urgency
) -> None:
    """Acknowledged, snoozed, in hands: a window that gpuwatch planned by itself is not enough."""
    flag = a_flag(**({"board": KEY, "code": "row-remap-failed", "urgency": Urgency.PAGE} | changes))
    failed = gpu(readings=HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_failed": 1})

    judged = Judge(PolicySettings()).judge(attending(host(failed), (flag,)))

    (finding,) = judged.findings[KEY.uuid]
    assert (finding.urgency, finding.route) == (Urgency.PAGE, route)


def test_a_snooze_that_is_over_pages_again() -> None:
    """Nobody need do anything for that."""
    flag = a_flag(
        board=KEY, code="row-remap-failed", urgency=Urgency.PAGE, snoozed_until=NOW.wall + 60
    )
    failed = gpu(readings=HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_failed": 1})
    judge = Judge(PolicySettings())

    during = judge.judge(attending(host(failed), (flag,)))
    after = judge.judge(attending(later(host(failed), 61), (flag,)))

    routes = [judged.findings[KEY.uuid][0].route for judged in (during, after)]
    assert routes == [Urgency.INFO, Urgency.PAGE]


def test_a_rule_that_does_not_page_is_lowered_all_the_same() -> None:
    """The settings make it a ticket, an acknowledgement makes it information."""
    failed = gpu(readings=HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_failed": 1})
    settings = PolicySettings(not_paging=frozenset({"row-remap-failed"}))
    flag = a_flag(**SEEN, urgency=Urgency.PAGE)

    alone = Judge(settings).judge(host(failed))
    seen = Judge(settings).judge(attending(host(failed), (flag,)))

    routes = [judged.findings[KEY.uuid][0].route for judged in (alone, seen)]
    assert routes == [Urgency.WINDOW, Urgency.INFO]


def test_a_host_without_taken_up_flags_is_the_same_host() -> None:
    """Nothing is built anew at every sweep."""
    view = host(gpu())

    assert attending(view, (a_flag(board=KEY),)) is view


def test_an_acknowledgement_covers_every_gpu_of_the_board() -> None:
    """Several UUIDs with one serial are one board with one flag."""
    view = host(gpu(), gpu(record=record(SIBLING)), gpu(record=record(PEER)))

    seen = attending(view, (a_flag(**SEEN, urgency=Urgency.PAGE),))

    assert is_covered(_finding(SIBLING.uuid), seen)
    assert not is_covered(_finding(PEER.uuid), seen)


def test_what_is_graver_than_what_was_seen_is_not_covered() -> None:
    """A window was acknowledged, and now it pages."""
    seen = attending(host(gpu()), (a_flag(**SEEN, urgency=Urgency.WINDOW),))

    assert is_covered(_finding(urgency=Urgency.WINDOW), seen)
    assert not is_covered(_finding(urgency=Urgency.PAGE), seen)


def test_another_cause_on_the_same_board_is_not_covered() -> None:
    """An acknowledgement is for one board and one cause."""
    seen = attending(host(gpu()), (a_flag(**SEEN, urgency=Urgency.PAGE),))

    assert not is_covered(_finding(code="off-the-bus"), seen)


def test_who_takes_up_the_flag_of_a_board_that_is_back_has_seen_that_it_is_back() -> None:
    """One flag stands for it, whatever that is for; one of its own is taken up by itself."""
    trend = a_flag(board=KEY, acknowledged_at=NOW.wall)
    own = a_flag(board=KEY, code="flagged-board-returned")
    back = _finding(code="flagged-board-returned", urgency=Urgency.WINDOW)

    alone = attending(host(gpu()), (trend,))
    beside = attending(host(gpu()), (trend, own))
    ended = attending(host(gpu()), (trend, replace(own, state=FlagState.DISMISSED)))
    verified = attending(host(gpu()), (replace(trend, state=FlagState.VERIFYING),))

    assert is_covered(back, alone)
    assert not is_covered(back, beside)
    assert is_covered(back, ended)
    assert not is_covered(back, verified)


def test_a_board_in_hands_is_covered_whole() -> None:
    """Whoever pulls it makes it fall off the bus."""
    flag = a_flag(board=KEY, state=FlagState.IN_HANDS)

    seen = attending(host(gpu(), gpu(record=record(PEER))), (flag,))

    assert is_covered(_finding(code="off-the-bus"), seen)
    assert not is_covered(_finding(PEER.uuid, code="off-the-bus"), seen)


def test_a_flag_whose_cause_grew_graver_is_brought_up_to_it() -> None:
    """Once: afterwards both say the same."""
    flag = a_flag(**SEEN, urgency=Urgency.WINDOW)
    findings = {KEY.uuid: (_finding(), _finding(code="off-the-bus"))}

    (worse,) = escalations((flag,), findings, {KEY: record()})

    assert (worse.urgency, worse.acknowledged_at) == (Urgency.PAGE, None)
    assert tuple(escalations((worse,), findings, {KEY: record()})) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": FlagState.DISMISSED},
        {"code": "memory-unrepairable"},
        {"board": PEER},
        {"urgency": Urgency.PAGE},
    ],
)
def test_no_other_flag_is_escalated(changes: dict[str, object]) -> None:
    """Ended, of another cause, of another board, or as grave already."""
    flag = a_flag(**({"board": KEY, "code": "row-remap-failed"} | changes))

    assert tuple(escalations((flag,), {KEY.uuid: (_finding(),)}, {KEY: record()})) == ()


def test_the_gpus_of_a_board_are_named_once() -> None:
    """The flag's own first, also when nothing is remembered of it."""
    assert uuids_of(a_flag(board=KEY), (PEER, SIBLING, KEY)) == (KEY.uuid, SIBLING.uuid)
    assert uuids_of(a_flag(board=KEY), ()) == (KEY.uuid,)


def test_evidence_is_outlived_by_a_departure() -> None:
    """What a board is remembered for is silent when it is back; what it says now is not."""
    old = {"board": KEY, "raised_at": NOW.wall - DAY, "evidence_at": NOW.wall - DAY}
    trend, remap = a_flag(number=1, **old), a_flag(number=2, code="row-remap-failed", **old)
    # Judged after its return, though the agent that read its errors did not live to judge them.
    since = a_flag(code="off-the-bus-again", **old | {"raised_at": NOW.wall})
    flags = (trend, remap, since, a_flag(board=PEER))
    here, left = record(), record(state=BoardState.LEFT)
    back = record(flagged_before_return=frozenset({1, 2}))

    stayed = list(outlived(flags, {KEY: here}))
    away = list(outlived((trend,), {KEY: left}))
    returned = list(outlived(flags, {KEY: back}))

    assert stayed == []
    assert away == [(trend.code, KEY.uuid, trend.evidence_at)]
    assert returned == away


@pytest.mark.parametrize(
    ("changes", "followed"),
    [
        ({}, True),
        ({"state": FlagState.DISMISSED}, False),
        ({"number": 2}, False),
        ({"code": "row-remap-failed"}, False),
        ({"board": PEER}, False),
    ],
)
def test_a_flag_is_followed_by_one_that_stands_for_the_same(
    changes: dict[str, object], followed: bool
) -> None:
    """A later one that is open, of that board and cause."""
    ended = a_flag(number=3, state=FlagState.DISMISSED)

    other = a_flag(**{"number": 4, **changes})

    assert is_followed(ended, (ended, other)) is followed
