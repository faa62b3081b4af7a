"""A replay sees only the past, and flags when the agent would have flagged."""

import itertools
import math
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.incidents import ErrorSignal, Incident, assign
from gpuwatch.domain.moments import Moment
from gpuwatch.policy.backtest.estimates import Follow
from gpuwatch.policy.backtest.lives import Life
from gpuwatch.policy.backtest.replay import (
    Past,
    any_incident,
    ladder_test,
    past_of,
    two_ever,
    two_in_ninety_days,
)
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.rules import RULES
from gpuwatch.policy.views import PolicySettings
from tests.support import views
from tests.support.fleets import DAY, START, board, life

EXAMPLES = 4_000 if os.environ.get("GPUWATCH_SOAK") else 100
TREND = tuple(rule for rule in RULES if rule.code == "rising-uncorrectable-trend")
DAYS = st.floats(0.0, 900.0).map(lambda day: round(day, 3))
RATES = st.sampled_from((0.02, 0.05, 0.1, 0.5))


@st.composite
def _events(draw: st.DrawFn) -> list[str]:
    """A board with errors in clusters, resets, and perhaps some time out of service."""
    starts = draw(st.lists(DAYS, max_size=6))
    steps = draw(st.lists(st.floats(0.0, 40.0), max_size=6))
    errors = {round(start + step, 3) for start in starts for step in (0.0, *steps)}
    resets = draw(st.lists(DAYS, max_size=4))
    gap = draw(st.none() | st.tuples(DAYS, st.floats(0.5, 300.0)))
    told = [f"{day!r} UCE" for day in errors] + [f"{day!r} RESET" for day in resets]
    told += [f"{gap[0]!r} OUT", f"{gap[0] + gap[1]!r} IN"] if gap else []
    return ["0 IN", *told, "2000 END"]


def _lives() -> st.SearchStrategy[Life]:
    return _events().map(lambda told: life(*told, until=2000))


def _by_the_whole_builder(one: Life, *, reset_after_each: bool) -> tuple[Incident, ...]:
    """Incidents by `assign` with everything that the agent remembers: all incidents and resets."""
    incidents: tuple[Incident, ...] = ()
    for count, error in enumerate(one.errors):
        after = tuple(math.nextafter(earlier.at, math.inf) for earlier in one.errors[:count])
        signal = ErrorSignal(
            board=BoardKey("A", "A"), kind=error.kind, at=error.at, exposure=error.exposure
        )
        resets = tuple(reset for reset in one.resets if reset <= error.at)
        incidents = assign(incidents, signal, after if reset_after_each else resets).incidents
    return incidents


@settings(max_examples=EXAMPLES, deadline=None)
@given(one=_lives(), reset_after_each=st.booleans())
def test_incidents_are_those_of_the_whole_builder(one: Life, *, reset_after_each: bool) -> None:
    """Leaving out what cannot matter changes no anchor."""
    past = past_of(one, reset_after_each=reset_after_each)

    expected = _by_the_whole_builder(one, reset_after_each=reset_after_each)
    assert [(incident.opened_at, incident.opened_exposure) for incident in past.incidents] == [
        (incident.opened_at, incident.opened_exposure) for incident in expected
    ]


@settings(max_examples=EXAMPLES, deadline=None)
@given(one=_lives(), rate=RATES)
def test_the_flag_is_the_judges(one: Life, rate: float) -> None:
    """The agent's own judge, shown the incidents as they open, latches at the same one."""
    policy = PolicySettings(healthy_rate_per_year=rate)
    past = past_of(one, reset_after_each=False)

    flagged = past.first_flag(ladder_test(policy, ""))

    assert flagged == _latched_at(past, policy)


def _latched_at(past: Past, policy: PolicySettings) -> int | None:
    judge = Judge(policy, rules=TREND)
    for index, incident in enumerate(past.incidents):
        seen = views.record(incidents=past.incidents[: index + 1])
        now = Moment(wall=incident.opened_at, boottime=incident.opened_at - START, boot_id="b")
        host = replace(views.host(views.gpu(record=seen)), now=now)
        if judge.judge(host).newly_latched:
            return index
    return None


@settings(max_examples=EXAMPLES, deadline=None)
@given(told=_events(), until=DAYS, rate=RATES, reset_after_each=st.booleans())
def test_what_comes_later_never_changes_a_flag(
    told: list[str], until: float, rate: float, *, reset_after_each: bool
) -> None:
    """A file cut off at any instant has the flags that were raised by then, and no other."""
    test = ladder_test(PolicySettings(healthy_rate_per_year=rate), "")
    known = [event for event in told if float(event.split()[0]) <= until]
    whole = past_of(life(*told, until=2000), reset_after_each=reset_after_each)
    short = past_of(life(*known, until=until), reset_after_each=reset_after_each)

    flagged, flagged_by_then = whole.first_flag(test), short.first_flag(test)

    end = START + until * DAY
    raised_by_then = flagged is not None and whole.incidents[flagged].opened_at <= end
    assert flagged_by_then == (flagged if raised_by_then else None)
    assert whole.incidents[: len(short.incidents)] == short.incidents


@pytest.mark.parametrize(
    ("told", "reset_after_each", "expected"),
    [
        (("0 UCE", "3 UCE"), False, [0]),
        (("0 UCE", "3 UCE"), True, [0, 3]),
        (("0 UCE", "0.5 UCE", "0.9 DBE"), True, [0]),
        (("0 UCE", "1 RESET", "3 UCE"), False, [0, 3]),
        (("0 UCE", "0.2 RESET", "0.9 UCE"), False, [0]),
        (("0 UCE", "3 RESET", "3 UCE", "5 UCE"), False, [0, 3]),
        (("0 UCE", "6 UCE", "8 UCE"), False, [0, 8]),
    ],
)
def test_errors_are_gathered_as_the_agent_does(
    told: tuple[str, ...], expected: list[float], *, reset_after_each: bool
) -> None:
    """24 hours, or seven days while no reset was seen, from the opener on."""
    past = past_of(life("0 IN", *told, "9 END"), reset_after_each=reset_after_each)

    assert [(incident.opened_at - START) / DAY for incident in past.incidents] == expected


def test_a_board_that_was_out_came_back_reset() -> None:
    """Three days apart, and between them it was in somebody's hands."""
    past = past_of(life("0 IN", "2 UCE", "3 OUT", "4 IN", "5 UCE", "9 END"), reset_after_each=False)

    assert len(past.incidents) == 2


@pytest.mark.parametrize(
    ("days", "any_at", "ever_at", "pair_at"),
    [
        ((), None, None, None),
        ((5.0,), 0, None, None),
        ((5.0, 200.0), 0, 1, None),
        ((5.0, 200.0, 290.0), 0, 1, 2),
        ((5.0, 95.0), 0, 1, 1),
        ((5.0, 95.1), 0, 1, None),
    ],
)
def test_naive_policies_do_what_their_names_say(
    days: tuple[float, ...], any_at: int | None, ever_at: int | None, pair_at: int | None
) -> None:
    """The last day of 90 is within them."""
    past = past_of(board(days, 400.0), reset_after_each=True)

    assert past.first_flag(any_incident) == any_at
    assert past.first_flag(two_ever) == ever_at
    assert past.first_flag(two_in_ninety_days) == pair_at


def test_a_cohort_is_judged_by_its_own_rate() -> None:
    """30 days apart: too near at 0.05 a year, not at 0.1."""
    settings_ = PolicySettings(healthy_rate_by_part={"B": 0.1})
    past = past_of(board((5.0, 35.0), 400.0), reset_after_each=True)

    assert past.first_flag(ladder_test(settings_, "A")) == 1
    assert past.first_flag(ladder_test(settings_, "B")) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (("5 UCE", "45 UCE", "100 END"), Follow(40 * DAY, happened=True)),
        (("5 UCE", "100 END"), Follow(95 * DAY, happened=False)),
        (("5 UCE", "30 OUT"), Follow(25 * DAY, happened=False)),
        (("5 UCE", "5 OUT"), None),
        (("5 UCE", "5 END"), Follow(0.0, happened=False)),
        (("5 UCE", "30 UCE", "30 OUT"), Follow(25 * DAY, happened=True)),
        (("5 UCE", "30 OUT", "40 IN", "50 UCE", "60 END"), Follow(25 * DAY, happened=False)),
        (("5 UCE", "5 OUT", "40 IN", "50 UCE", "60 END"), None),
        (("5 UCE", "30 OUT", "30 IN", "50 UCE", "60 END"), Follow(45 * DAY, happened=True)),
    ],
)
def test_a_flagged_board_is_followed_until_an_incident_or_its_removal(
    told: tuple[str, ...], expected: Follow | None
) -> None:
    """Removed at the flag it tells nothing; a move is no removal."""
    past = past_of(life("0 IN", *told), reset_after_each=False)

    assert past.follow(0) == expected


def test_a_storm_of_errors_is_one_incident() -> None:
    """As many rows as a driver may write in a day."""
    days = list(itertools.accumulate(itertools.repeat(0.9 / 20_000, 20_000)))

    past = past_of(board(days, 9.0), reset_after_each=True)

    assert len(past.incidents) == 1
