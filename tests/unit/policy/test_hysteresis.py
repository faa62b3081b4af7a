"""Levels hold and clear: however a level behaves, a finding does not flap."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.rules import BY_CODE, Rule
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings
from tests.support.views import HEALTHY_READINGS, KEY, gpu, host, later

LEVEL = "gpuwatch_gpu_row_remap_pending"
RULE = replace(BY_CODE["row-remap-pending"], clear=timedelta(minutes=5))
LASTING = replace(RULE, hold=timedelta(minutes=10))
OVER = gpu(readings=HEALTHY_READINGS | {LEVEL: 1})
UNDER = gpu()
UNREAD = gpu(readings=HEALTHY_READINGS | {LEVEL: Gap(GapReason.FAILED, 999)})


def _held(rule: Rule, views: Iterable[GpuView]) -> list[bool]:
    """Whether the rule's finding holds at each of the looks, a minute apart."""
    judge = Judge(PolicySettings(), rules=(rule,))
    looks = (judge.judge(later(host(view), at * 60.0)) for at, view in enumerate(views))
    return [bool(look.findings[KEY.uuid]) for look in looks]


def _turns(held: list[bool]) -> list[int]:
    """The looks at which a finding began or ended."""
    return [at for at, (before, after) in enumerate(pairwise(held), 1) if before != after]


def test_a_level_that_does_not_last_builds_up_no_holding_time() -> None:
    """An hour in which every other minute is over is not ten minutes over."""
    held = _held(LASTING, [OVER, UNDER] * 30)

    assert not any(held)


def test_a_level_that_lasts_and_then_flaps_is_one_finding() -> None:
    """It begins after its ten minutes and ends once it has stayed away for five."""
    held = _held(LASTING, [OVER] * 11 + [UNDER, OVER] * 30 + [UNDER] * 9)

    assert _turns(held) == [10, 75]


def test_a_finding_that_ended_does_not_begin_again_at_once() -> None:
    """A level with a period just longer than the clearing time turns no more often than that."""
    held = _held(RULE, ([OVER] + [UNDER] * 5) * 10)

    assert min(later - earlier for earlier, later in pairwise([0, *_turns(held)])) >= 5


def test_an_old_end_delays_nothing() -> None:
    """An hour later the level counts at once."""
    held = _held(RULE, [OVER] + [UNDER] * 60 + [OVER])

    assert _turns(held) == [5, 61]


@given(st.lists(st.sampled_from([OVER, UNDER, UNREAD]), min_size=1, max_size=90))
def test_there_is_at_most_one_transition_within_the_clearing_time(views: list[GpuView]) -> None:
    """Whatever the level does, and whatever of it cannot be read."""
    turns = _turns(_held(RULE, views))

    assert all(later - earlier >= 5 for earlier, later in pairwise(turns))


@given(st.lists(st.sampled_from([OVER, UNDER, UNREAD]), min_size=1, max_size=90))
def test_a_gap_is_never_a_transition(views: list[GpuView]) -> None:
    """What cannot be read neither begins nor ends anything."""
    turns = _turns(_held(RULE, views))

    assert all(views[at] is not UNREAD for at in turns)


def _following(rule: Rule, views: Iterable[GpuView]) -> list[bool]:
    """Whether the judge wants every sweep after each of the looks, a minute apart."""
    judge = Judge(PolicySettings(), rules=(rule,))
    followed = []
    for at, view in enumerate(views):
        judge.judge(later(host(view), at * 60.0))
        followed.append(judge.following)
    return followed


def test_a_judge_follows_what_has_to_hold_over_sweeps() -> None:
    """Until it is a finding the next sweep decides."""
    views = [replace(OVER, answers=at) for at in (1, 1, 2, 3)]

    assert _following(replace(RULE, sweeps=2), views) == [True, True, False, False]


def test_a_judge_does_not_follow_what_time_decides() -> None:
    """The judgement of every half minute is enough: some conditions hold for ever."""
    assert not any(_following(LASTING, [OVER] * 12 + [UNDER] * 6))
    assert not any(_following(replace(RULE, sweeps=2), [UNDER, UNREAD, UNREAD]))


def test_an_error_that_comes_back_at_once_stays_until_it_is_gone_for_long() -> None:
    """It is told each time at once, and does not go again within five minutes."""
    errors = replace(RULE, clear=timedelta(0))

    held = _held(errors, [OVER, UNDER, OVER, *[UNDER, OVER] * 10, *[UNDER] * 7])

    assert _turns(held) == [1, 2, 27]


def test_an_error_that_comes_back_later_clears_at_once_again() -> None:
    """Five minutes after it ended it is another one."""
    held = _held(replace(RULE, clear=timedelta(0)), [OVER, *[UNDER] * 6, OVER, UNDER])

    assert _turns(held) == [1, 7, 8]


STALE = replace(UNDER, stale=True)


def _unknown(hosts: Iterable[HostView]) -> list[bool]:
    """Whether the GPU's verdict is unknown at each of the looks, a minute apart."""
    judge = Judge(PolicySettings())
    looks = (judge.judge(later(view, at * 60.0)) for at, view in enumerate(hosts))
    return [look.verdicts[KEY.uuid] is Verdict.UNKNOWN for look in looks]


def test_a_gpu_that_answers_only_now_and_then_stays_unknown() -> None:
    """The first time it is well at once; the second time it has to answer for five minutes."""
    views = [UNDER, STALE, UNDER, *[STALE, UNDER] * 10, *[UNDER] * 6]

    unknown = _unknown(host(view) for view in views)

    assert _turns(unknown) == [1, 2, 3, 27]


def test_a_gpu_that_is_blind_again_much_later_is_well_at_once_again() -> None:
    """Once in a while is not flapping."""
    unknown = _unknown(host(view) for view in [STALE, *[UNDER] * 6, STALE, UNDER])

    assert _turns(unknown) == [1, 7, 8]


def test_a_driver_that_comes_and_goes_is_not_the_gpus_doing() -> None:
    """People load drivers several times in a row: each time the GPUs are well at once."""
    down = host(UNDER, driver=DriverHealth.NOT_LOADED)

    unknown = _unknown([host(UNDER), down, host(UNDER), down, host(UNDER)])

    assert unknown == [False, True, False, True, False]


def test_why_a_gpu_stays_unknown_is_said() -> None:
    """A person who looks while it answers should know."""
    judge = Judge(PolicySettings())

    said = [
        judge.judge(later(host(view), at * 60.0)).unknown_because.get(KEY.uuid)
        for at, view in enumerate([STALE, UNDER, STALE, UNDER])
    ]

    assert said == [
        "its last answer is too old",
        None,
        "its last answer is too old",
        "it can be read only now and then",
    ]


def test_sight_of_a_board_that_left_is_forgotten() -> None:
    """It begins anew when it comes back."""
    unknown = [host(STALE), host(UNDER), host(), host(STALE), host(UNDER)]
    judge = Judge(PolicySettings())

    verdicts = [
        judge.judge(later(view, at * 60.0)).verdicts.get(KEY.uuid)
        for at, view in enumerate(unknown)
    ]

    assert verdicts == [Verdict.UNKNOWN, Verdict.HEALTHY, None, Verdict.UNKNOWN, Verdict.HEALTHY]
