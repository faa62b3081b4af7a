"""The judge on BMCs: their findings, their verdicts, and what they mean for the host."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.domain.verdicts import Finding, Remedy, Scope, Urgency, Verdict
from gpuwatch.policy.bmc_troubles import UNREACHABLE, words_of
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.judge import Judge, Judgement
from gpuwatch.policy.rules import Rule
from gpuwatch.policy.views import BmcView, DriverHealth, HostView, PolicySettings
from tests.support.bmcs import sweep, view
from tests.support.views import HEALTHY_READINGS, KEY, gpu, host, later

SUBJECT = "bmc.host"
OTHER = "bmc.other"


def _off(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """The chassis is off."""
    if bmc.sweep is None:
        return Answer.CANNOT_TELL
    off = bmc.sweep.chassis.power_on is False
    return Match(facts={"name": bmc.name}) if off else Answer.NO


def _cold(_host: HostView, _settings: PolicySettings) -> Outcome:
    """Always."""
    return Match()


def _told(bmc: BmcView, host: HostView, _settings: PolicySettings) -> Outcome:
    """A GPU of this host has a failed remap by its own words."""
    ours = ("row-remap-failed", KEY.uuid) in host.told_of_gpus and not bmc.host
    return Match() if ours else Answer.NO


RULE = Rule(
    code="off", scope=Scope.BMC, when=_off, urgency=Urgency.PAGE, remedy=Remedy.POWER,
    because="{name} is off", source="s", clears="it is on", sweeps=2, clear=timedelta(minutes=5),
)  # fmt: skip
QUICK = replace(RULE, sweeps=1)
OFF = replace(sweep(), chassis=replace(sweep().chassis, power_on=False))


def _judged(*bmcs: BmcView, rule: Rule = QUICK, **changes: object) -> Judgement:
    return Judge(PolicySettings(), rules=(rule,)).judge(host(bmcs=bmcs, **changes))


def _codes(found: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in found]


def test_a_finding_of_a_bmc_holds_over_sweeps_of_that_bmc() -> None:
    """One more judgement of the same sweep is no second sweep."""
    judge = Judge(PolicySettings(), rules=(RULE,))
    sweeps = [view(sweep=OFF, answers=answers) for answers in (3, 3, 4)]

    found = [judge.judge(host(bmcs=(each,))).bmc_findings[SUBJECT] for each in sweeps]

    assert [_codes(each) for each in found] == [[], [], ["off"]]
    assert (found[2][0].scope, found[2][0].subject) == (Scope.BMC, SUBJECT)
    assert found[2][0].sentence == "host is off"


def test_a_finding_of_a_bmc_outlives_its_silence() -> None:
    """What was seen stays seen while it does not answer, and clears when it says so."""
    judge = Judge(PolicySettings(), rules=(QUICK,))
    silent = view(sweep=None, trouble=BmcTrouble.UNREACHABLE, silent_seconds=600.0)

    held = judge.judge(host(bmcs=(view(sweep=OFF),)))
    blind = judge.judge(later(host(bmcs=(silent,)), 600))
    well = judge.judge(later(host(bmcs=(view(),)), 900))

    assert _codes(blind.bmc_findings[SUBJECT]) == _codes(held.bmc_findings[SUBJECT]) == ["off"]
    assert blind.bmc_verdicts == {SUBJECT: Verdict.DRAIN_NOW}
    assert (well.bmc_findings, well.bmc_verdicts) == ({SUBJECT: ()}, {SUBJECT: Verdict.HEALTHY})


@pytest.mark.parametrize("trouble", BmcTrouble)
def test_a_bmc_that_does_not_answer_is_unknown_and_nobody_else_is(trouble: BmcTrouble) -> None:
    """Neither the host nor a GPU is judged by that; why is said."""
    silent = view(sweep=None, trouble=trouble, silent_seconds=60.0)
    unreachable = replace(QUICK, code=UNREACHABLE, when=_on_trouble, urgency=Urgency.WINDOW)

    judgement = Judge(PolicySettings(), rules=(unreachable,)).judge(host(gpu(), bmcs=(silent,)))

    assert _codes(judgement.bmc_findings[SUBJECT]) == [UNREACHABLE]
    assert judgement.bmc_verdicts == {SUBJECT: Verdict.UNKNOWN}
    assert judgement.unknown_because == {SUBJECT: words_of(trouble)}
    assert judgement.verdicts == {KEY.uuid: Verdict.HEALTHY}


def _on_trouble(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """It does not answer."""
    return Match(facts={"name": bmc.name}) if bmc.trouble else Answer.NO


@pytest.mark.parametrize(
    ("bmc", "why"),
    [
        (view(sweep=None, answers=0), "it has not answered yet"),
        (view(sweep=sweep(updating=True)), "its firmware is being written, or it is starting"),
    ],
)
def test_a_bmc_that_tells_nothing_yet_is_unknown(bmc: BmcView, why: str) -> None:
    """Nobody called it healthy."""
    judgement = _judged(bmc)

    assert judgement.bmc_verdicts == {SUBJECT: Verdict.UNKNOWN}
    assert judgement.unknown_because == {SUBJECT: why}
    assert judgement.host_verdict is Verdict.HEALTHY


def test_a_bmc_that_answers_only_now_and_then_stays_unknown() -> None:
    """Once is well at once again; twice within five minutes is not."""
    judge = Judge(PolicySettings(), rules=(QUICK,))
    silent = view(sweep=None, trouble=BmcTrouble.TIMED_OUT, silent_seconds=30.0)

    said = [
        judge.judge(later(host(bmcs=(each,)), at * 60.0)).unknown_because.get(SUBJECT)
        for at, each in enumerate([view(), silent, view(), silent, view()])
    ]

    stopped = words_of(BmcTrouble.TIMED_OUT)
    assert said == [None, stopped, None, stopped, "it can be read only now and then"]


def test_only_the_bmcs_of_this_host_make_its_verdict() -> None:
    """What another server's BMC tells is that server's matter."""
    ours = _judged(view(sweep=OFF))
    theirs = _judged(view("other", host="gpu17", sweep=OFF))

    assert (ours.host_verdict, theirs.host_verdict) == (Verdict.DRAIN_NOW, Verdict.HEALTHY)
    assert (_codes(ours.host_basis), ours.host_findings) == (["off"], ())
    assert theirs.host_basis == ()
    assert theirs.bmc_verdicts == {OTHER: Verdict.DRAIN_NOW}


def _route(settings: PolicySettings, bmc: BmcView, **changes: object) -> Urgency:
    judge = Judge(settings, rules=(QUICK,))
    (finding,) = judge.judge(host(bmcs=(bmc,), **changes)).bmc_findings[bmc.subject]
    return finding.route


def test_settings_and_maintenance_quieten_a_bmc() -> None:
    """Maintenance of this host is for its own BMCs; a release of the driver for none."""
    ours, theirs = view(sweep=OFF), view("other", host="gpu17", sweep=OFF)
    whole, other = frozenset({""}), frozenset({OTHER})
    page, window, info = Urgency.PAGE, Urgency.WINDOW, Urgency.INFO

    routes = [
        _route(PolicySettings(), ours),
        _route(PolicySettings(shadow=True), ours),
        _route(PolicySettings(not_paging=frozenset({"off"})), ours),
        _route(PolicySettings(), ours, in_maintenance=whole),
        _route(PolicySettings(), theirs, in_maintenance=whole),
        _route(PolicySettings(), theirs, in_maintenance=other),
        _route(PolicySettings(), ours, in_maintenance=other),
        _route(PolicySettings(), ours, released=True),
    ]

    assert routes == [page, info, window, info, page, info, page, page]


def test_a_disabled_rule_says_nothing_of_a_bmc() -> None:
    """As of GPUs and hosts."""
    settings = PolicySettings(disabled=frozenset({"off"}))

    judgement = Judge(settings, rules=(QUICK,)).judge(host(bmcs=(view(sweep=OFF),)))

    assert judgement.bmc_findings == {SUBJECT: ()}


def test_a_cause_on_the_same_bmc_or_the_host_silences_a_consequence() -> None:
    """What another BMC has is no cause."""
    cause = replace(QUICK, code="cause")
    lost = replace(QUICK, code="lost", silenced_by=("cause",))
    cold = replace(QUICK, code="cold", scope=Scope.HOST, when=_cold, because="cold")
    hushed = replace(lost, code="hushed", silenced_by=("cold",))
    same = Judge(PolicySettings(), rules=(cause, lost))
    of_host = Judge(PolicySettings(), rules=(cold, hushed))
    apart = Judge(PolicySettings(), rules=(replace(cause, when=_is_other), lost))
    bmcs = (view(sweep=OFF), view("other", sweep=OFF))

    assert _codes(same.judge(host(bmcs=bmcs)).bmc_findings[SUBJECT]) == ["cause"]
    assert of_host.judge(host(bmcs=bmcs)).bmc_findings == {SUBJECT: (), OTHER: ()}
    apart_found = apart.judge(host(bmcs=bmcs)).bmc_findings
    assert [_codes(each) for each in apart_found.values()] == [["lost"], ["cause"]]


def _is_other(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """It is the other one."""
    return Match(facts={"name": bmc.name}) if bmc.name == "other" else Answer.NO


def test_rules_of_bmcs_know_what_gpus_say_of_themselves() -> None:
    """So that nothing is told twice."""
    own = Rule(
        code="row-remap-failed", scope=Scope.GPU, when=_failed, urgency=Urgency.INFO,
        remedy=Remedy.NONE, because="it failed", source="s", clears="never",
    )  # fmt: skip
    judge = Judge(PolicySettings(), rules=(own, replace(QUICK, when=_told, because="told")))
    view_of_host = host(gpu(readings=HEALTHY_READINGS), bmcs=(view(),))

    assert _codes(judge.judge(view_of_host).bmc_findings[SUBJECT]) == ["off"]


def _failed(_gpu: object, _host: HostView, _settings: PolicySettings) -> Outcome:
    """Always."""
    return Match()


def test_a_bmc_that_is_configured_no_more_is_forgotten() -> None:
    """It begins anew when it comes back."""
    judge = Judge(PolicySettings(), rules=(replace(QUICK, hold=timedelta(minutes=5)),))
    judge.judge(host(bmcs=(view(sweep=OFF),)))

    without = judge.judge(later(host(), 200))
    again = judge.judge(later(host(bmcs=(view(sweep=OFF),)), 400))

    assert (without.bmc_findings, again.bmc_findings) == ({}, {SUBJECT: ()})


def test_everything_that_was_judged_comes_by_subject() -> None:
    """The host first, then GPUs, then BMCs."""
    judgement = _judged(view(sweep=OFF))
    both = Judge(PolicySettings(), rules=(QUICK,)).judge(host(gpu(), bmcs=(view(sweep=OFF),)))

    assert [subject for subject, _, _ in judgement.by_subject()] == ["", SUBJECT]
    assert [(subject, verdict) for subject, verdict, _ in both.by_subject()] == [
        ("", Verdict.DRAIN_NOW),
        (KEY.uuid, Verdict.HEALTHY),
        (SUBJECT, Verdict.DRAIN_NOW),
    ]


def test_a_host_whose_driver_is_not_asked_is_not_unknown_for_ever() -> None:
    """A management host has no GPUs, and watches the BMCs of others."""
    asked = _judged(driver=DriverHealth.STARTING)
    managing = _judged(view("other", host="gpu17"), driver=DriverHealth.NOT_ASKED)

    assert (asked.host_verdict, managing.host_verdict) == (Verdict.UNKNOWN, Verdict.HEALTHY)
    assert managing.bmc_verdicts == {OTHER: Verdict.HEALTHY}


def test_boards_remembered_by_a_host_that_asks_no_driver_are_unknown() -> None:
    """NVML was switched off in the settings of a host with GPUs."""
    judgement = _judged(driver=DriverHealth.NOT_ASKED, gpus=(gpu(),))

    assert judgement.verdicts == {KEY.uuid: Verdict.UNKNOWN}
    assert judgement.unknown_because == {KEY.uuid: "NVML is not asked on this host"}
    assert judgement.host_verdict is Verdict.UNKNOWN
