"""What is told of a server by its BMC, what is silent by design, what a lost supply is worth."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from gpuwatch.domain.bmc import BmcTrouble, Chassis, Part, RedundancyState, SensorHealth
from gpuwatch.domain.verdicts import Urgency, Verdict
from gpuwatch.policy.judge import Judge, Judgement
from gpuwatch.policy.rules import RULES
from gpuwatch.policy.views import BmcView, PolicySettings
from tests.support.bmc_cases import (
    ABSENT,
    BAYS,
    FAILED,
    NO_INPUT,
    OFF,
    PSU_ENTRY,
)
from tests.support.bmcs import fan, inlet, logged, redundancy, sensor, supply, sweep, view
from tests.support.views import NOW, host, later

SUBJECT = "bmc.host"
LOST, DEGRADED = RedundancyState.LOST, RedundancyState.DEGRADED


def _looks(views: Iterable[BmcView], judge: Judge | None = None, first: int = 0) -> list[Judgement]:
    """What is judged of a BMC at looks a minute apart, each on another sweep."""
    judge = judge or Judge(PolicySettings())
    return [
        judge.judge(later(host(bmcs=(replace(each, answers=100 + at),)), at * 60.0))
        for at, each in enumerate(views, first)
    ]


def _codes(judgement: Judgement, subject: str = SUBJECT) -> list[str]:
    return [finding.code for finding in judgement.bmc_findings[subject]]


def _held(views: Iterable[BmcView]) -> list[list[str]]:
    return [_codes(each) for each in _looks(views)]


def _told(*changed: Mapping[str, object], state: RedundancyState | None) -> BmcView:
    """A server of four supplies of which the first are changed like this."""
    told = [replace(BAYS[at], **each) for at, each in enumerate(changed)]  # type: ignore[arg-type]
    redundancies = () if state is None else (redundancy(state),)
    return view(sweep=sweep(supplies=(*told, *BAYS[len(told) :]), redundancies=redundancies))


def _sweep(**changes: object) -> BmcView:
    return view(sweep=sweep(**changes))


SILENT_BY_DESIGN = {
    "an old log that is seen for the first time": view(
        entries=(logged(baseline=True), logged(baseline=True, **PSU_ENTRY))
    ),
    "what is told again at a power-on": view(
        entries=(logged(600.0, again=True),), restarts=(NOW.wall - 900.0,)
    ),
    "a supply in cold redundancy": _told({"standby": True}, {"standby": True}, state=DEGRADED),
    "redundancy told just after the chassis was switched on": view(
        sweep=sweep(redundancies=(redundancy(LOST),)), settled_seconds=200.0
    ),
    "redundancy told while the chassis is off": _sweep(
        redundancies=(redundancy(LOST),), chassis=OFF
    ),
    "a BMC that is being updated": _sweep(
        updating=True, sensors=(fan(1, 0.0), inlet(60.0)), redundancies=(redundancy(LOST),)
    ),
    "a host that was switched off on purpose": view(
        sweep=sweep(chassis=OFF), powered_off_seconds=86_400.0
    ),
    "a bay that was always empty": view(
        sweep=sweep(supplies=(*BAYS[:3], supply(4, present=False))),
        seen_well=frozenset({"supply:PSU1", "supply:PSU2", "supply:PSU3"}),
    ),
    "a redundancy that never was": view(
        sweep=sweep(redundancies=(redundancy(LOST), redundancy(LOST, Part.FAN))),
        seen_well=frozenset(),
    ),
    "a server of which nothing is told": _sweep(
        sensors=(), supplies=(), redundancies=(), chassis=Chassis(), logs=(), clock_skew=None
    ),
}


@pytest.mark.parametrize("silent", SILENT_BY_DESIGN.values(), ids=SILENT_BY_DESIGN.keys())
def test_what_is_no_news_raises_nothing_at_all(silent: BmcView) -> None:
    """However long it lasts."""
    assert _held([silent] * 8) == [[]] * 8


def test_a_server_that_is_well_has_no_finding() -> None:
    """And is healthy."""
    (judgement,) = _looks([view()])

    assert (_codes(judgement), judgement.bmc_verdicts) == ([], {SUBJECT: Verdict.HEALTHY})


def test_what_is_told_in_one_sweep_only_is_no_finding() -> None:
    """A reading that is wrong once calls nobody."""
    wrong = _sweep(sensors=(inlet(90.0), fan(1, 0.0)), supplies=(supply(1, failed=True),))

    assert _held([wrong, view(), wrong, view()]) == [[]] * 4


def test_a_lost_supply_is_a_ticket_the_redundancy_a_page_and_a_further_supply_another() -> None:
    """One page for each step, and none of them silences the next."""
    one = _told(FAILED, state=DEGRADED)
    two = _told(FAILED, NO_INPUT, state=LOST)
    three = _told(FAILED, NO_INPUT, ABSENT, state=LOST)

    first, second, third = _looks([one, one, two, two, two, three, three])[1::2][:3]
    last = _looks([one, one, two, two, two, three, three])[-1]

    assert _urgencies(first) == {"psu-failed": Urgency.WINDOW}
    assert _urgencies(second) == {"redundancy-lost": Urgency.PAGE}
    assert _urgencies(third) == {"redundancy-lost": Urgency.PAGE}
    assert _urgencies(last) == {
        "redundancy-lost": Urgency.PAGE,
        "psu-lost-unprotected": Urgency.PAGE,
    }


def _urgencies(judgement: Judgement) -> dict[str, Urgency]:
    return {finding.code: finding.urgency for finding in judgement.bmc_findings[SUBJECT]}


def test_the_page_names_what_is_lost() -> None:
    """Whoever is called at night knows where to look."""
    two = _told(FAILED, NO_INPUT, state=LOST)

    (finding,) = _looks([two, two])[-1].bmc_findings[SUBJECT]

    assert "(PSU1 is lost, PSU2 has no input)" in finding.sentence


def test_one_spare_supply_lost_after_another_is_a_further_one() -> None:
    """Of four supplies three are needed: the second that goes is one too many."""
    first = _told(FAILED, state=LOST)
    second = _told(FAILED, FAILED, state=LOST)

    held = _held([first, first, first, second, second])

    assert held[2] == ["redundancy-lost"]
    assert held[-1] == ["psu-lost-unprotected", "redundancy-lost"]


def test_supplies_of_one_feed_that_go_one_after_the_other_are_one_loss() -> None:
    """A sweep may come between them."""
    both = _told(NO_INPUT, NO_INPUT, state=LOST)

    held = _held([_told(NO_INPUT, state=LOST), both, both, both])

    assert held[-1] == ["redundancy-lost"]


def test_a_redundancy_that_came_back_is_lost_anew() -> None:
    """What was lost with it then says nothing of now."""
    first, second = _told(FAILED, state=LOST), _told(FAILED, FAILED, state=LOST)
    judge = Judge(PolicySettings())
    _looks([first, first, first, view()], judge)

    again = _looks([second, second, second], judge, 4)[-1]

    assert "psu-lost-unprotected" not in _codes(again)


def test_what_is_lost_when_the_agent_starts_was_lost_with_the_redundancy() -> None:
    """It cannot know better, and the page for it was sent."""
    second = _told(FAILED, FAILED, state=LOST)

    assert _held([second] * 3)[-1] == ["redundancy-lost"]


def test_a_bmc_that_is_silent_keeps_what_was_lost() -> None:
    """One that was gone from the settings begins anew."""
    first, second = _told(FAILED, state=LOST), _told(FAILED, FAILED, state=LOST)
    silent = replace(first, sweep=None, trouble=BmcTrouble.TIMED_OUT, silent_seconds=60.0)
    judge = Judge(PolicySettings())
    _looks([first, first, first, silent], judge)

    kept = _looks([second, second], judge, 4)[-1]
    judge.judge(host())
    anew = _looks([second, second, second], judge, 6)[-1]

    assert "psu-lost-unprotected" in _codes(kept)
    assert "psu-lost-unprotected" not in _codes(anew)


def test_inlet_air_that_wavers_about_the_limit_is_one_finding() -> None:
    """It clears only two degrees below, and five minutes after it was above the last time."""
    warm = [_sweep(sensors=(inlet(celsius),)) for celsius in (36.0, 34.0)]
    cool = _sweep(sensors=(inlet(32.9),))

    held = _held([*warm[:1] * 2, *warm * 5, *[cool] * 7])

    assert [bool(codes) for codes in held] == [False] + [True] * 14 + [False] * 4


def test_a_fan_has_to_be_slow_in_five_sweeps() -> None:
    """Fans change their speed, and are read one after the other."""
    slow = _sweep(sensors=(fan(1, 4000.0), *(fan(number) for number in range(2, 7))))

    held = _held([slow] * 6)

    assert held == [[]] * 4 + [["fan-slow"]] * 2


def test_a_cause_silences_what_follows_from_it() -> None:
    """A feed that is lost is told once: no word of its supplies, their volts or the log's entry."""
    volts = sensor("PSU1 Vin", part=Part.PSU, number=1, value=0.0, health=SensorHealth.CRITICAL)
    lost = replace(_told(NO_INPUT | FAILED, state=DEGRADED), entries=(logged(600.0, **PSU_ENTRY),))
    assert lost.sweep is not None
    lost = replace(lost, sweep=replace(lost.sweep, sensors=(volts,)))

    assert _held([lost] * 3)[-1] == ["psu-input-lost"]


def test_each_topic_of_the_log_is_named_once_with_its_text() -> None:
    """What happened often stands there once, with how often and when the last time."""
    many = view(
        entries=(logged(600.0), logged(1200.0), logged(7200.0, **PSU_ENTRY)),
    )

    (finding,) = _looks([many])[0].bmc_findings[SUBJECT]

    assert finding.sentence == (
        "the BMC's event log has what is critical: memory: uncorrectable ECC error of DIMM A3 "
        "(2026-03-15 05:50 UTC, 2 times), power: PSU1 lost its input (2026-03-15 04:00 UTC)"
    )
    assert finding.evidence_at == NOW.wall - 600.0


@pytest.mark.parametrize(
    ("skew", "words"),
    [(125.0, "2 minutes ahead of"), (-7200.0, "120 minutes behind"), (2e8, "2315 days ahead of")],
)
def test_a_skew_is_told_in_words(skew: float, words: str) -> None:
    """Minutes, or days where there are many."""
    skewed = _sweep(clock_skew=skew)

    (finding,) = _looks([skewed, skewed])[-1].bmc_findings[SUBJECT]

    assert f"is {words} that of this host" in finding.sentence


def test_several_things_are_named_and_the_rest_counted() -> None:
    """A sentence stays one that can be read."""
    fans = _sweep(sensors=tuple(fan(number, 0.0) for number in range(1, 7)))

    (finding,) = _looks([fans, fans])[-1].bmc_findings[SUBJECT]

    assert finding.sentence == (
        "FAN1 stands still, FAN2 stands still, FAN3 stands still, FAN4 stands still and 2 more"
    )


def test_no_rule_of_a_bmc_asks_to_replace_a_board() -> None:
    """Flags are about boards; a failing BMC never makes a GPU look sick."""
    flagging = [rule.code for rule in RULES if rule.scope.value == "bmc" and rule.rma is not None]

    assert flagging == []
