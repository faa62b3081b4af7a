"""The judge holds, latches, silences, routes and clears."""

from dataclasses import replace
from datetime import timedelta

from gpuwatch.domain.devices import Board, BoardKey
from gpuwatch.domain.incidents import ErrorKind
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.records import Held
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.domain.verdicts import Finding, Urgency, Verdict
from gpuwatch.policy.judge import Judge, Judgement
from gpuwatch.policy.rules import BY_CODE
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings
from tests.support.views import (
    DAY,
    HEALTHY_READINGS,
    KEY,
    NOW,
    gpu,
    host,
    incident,
    later,
    record,
    trace,
    traced,
)

FAILED = HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_failed": 1}
RISING = record(incidents=(incident(13), incident(1)))


def _codes(judgement: Judgement) -> list[str]:
    return [finding.code for finding in judgement.findings[KEY.uuid]]


def _finding(judgement: Judgement, code: str) -> Finding:
    return next(found for found in judgement.findings[KEY.uuid] if found.code == code)


def test_a_rule_that_holds_over_two_sweeps_waits_for_the_second() -> None:
    """A GPU lost in one sweep only is no finding."""
    judge = Judge(PolicySettings())

    first = judge.judge(host(gpu(lost=True, answers=5)))
    again = judge.judge(host(gpu(lost=True, answers=5)))
    second = judge.judge(host(gpu(lost=True, answers=6)))

    assert [_codes(first), _codes(again), _codes(second)] == [[], [], ["off-the-bus"]]


def test_a_hold_runs_on_the_boot_clock() -> None:
    """A wall clock that jumps a year does not make a hold of five minutes pass."""
    judge = Judge(PolicySettings())
    view = host(gpu(), driver=DriverHealth.NOT_LOADED)
    judge.judge(view)

    jumped = replace(view, now=replace(NOW, wall=NOW.wall + 365 * 86400))

    assert judge.judge(jumped).host_findings == ()


def test_a_driver_gone_for_half_an_hour_pages() -> None:
    """After five minutes it is a matter for the window, after thirty it pages."""
    judge = Judge(PolicySettings())
    view = host(gpu(), driver=DriverHealth.NOT_LOADED)
    judge.judge(view)

    after_six = judge.judge(later(view, 360)).host_findings[0].urgency
    after_thirty = judge.judge(later(view, 1800)).host_findings[0].urgency

    assert (after_six, after_thirty) == (Urgency.WINDOW, Urgency.PAGE)


def test_nobody_is_healthy_under_a_driver_that_is_not_there() -> None:
    """The last readings may be young: that the driver is gone is known all the same."""
    judgement = Judge(PolicySettings()).judge(host(gpu(), driver=DriverHealth.NOT_LOADED))

    assert judgement.verdicts == {KEY.uuid: Verdict.UNKNOWN}


def test_a_gpu_given_to_another_driver_does_not_blind_the_host() -> None:
    """Nobody knows how it is, and nobody asked to: the host stays healthy."""
    view = host(gpu(present=False, managed=False, readings={}))

    judgement = Judge(PolicySettings()).judge(view)

    assert judgement.verdicts == {KEY.uuid: Verdict.UNKNOWN}
    assert judgement.host_verdict is Verdict.HEALTHY


def test_a_latched_finding_outlives_blindness() -> None:
    """A failed remap stays a finding while the GPU cannot be read."""
    judge = Judge(PolicySettings())
    judge.judge(host(gpu(readings=FAILED)))

    blind = judge.judge(host(gpu(readings={}, present=False, seen_this_epoch=True)))

    assert (_codes(blind), blind.verdicts[KEY.uuid]) == (["row-remap-failed"], Verdict.DRAIN_NOW)


def test_a_latch_is_reported_once_and_again_on_newer_evidence() -> None:
    """History stores a latched finding when it is new or rests on a new incident."""
    judge = Judge(PolicySettings())
    newer = record(incidents=(*RISING.incidents, incident(0.5)))

    reported = [
        len(judge.judge(host(gpu(record=board))).newly_latched) for board in (RISING, RISING, newer)
    ]

    assert reported == [1, 0, 1]


def test_a_level_that_cannot_be_read_neither_clears_nor_starts() -> None:
    """A gap keeps what held and begins nothing."""
    gap = {"gpuwatch_gpu_row_remap_pending": Gap(GapReason.FAILED, 999)}
    pending = HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_pending": 1}
    judge = Judge(PolicySettings())

    before = _codes(judge.judge(host(gpu(readings=gap))))
    held = _codes(judge.judge(host(gpu(readings=pending))))
    unread = _codes(judge.judge(host(gpu(readings=gap))))
    cleared = _codes(judge.judge(host(gpu())))

    assert [before, held, unread, cleared] == [[], ["row-remap-pending"]] * 1 + [
        ["row-remap-pending"],
        [],
    ]


def test_a_level_clears_only_after_its_clearing_time() -> None:
    """A rule with a clearing time outlasts a flicker."""
    rule = replace(BY_CODE["row-remap-pending"], clear=timedelta(minutes=5))
    pending = HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_pending": 1}
    judge = Judge(PolicySettings(), rules=(rule,))
    judge.judge(host(gpu(readings=pending)))

    flicker = judge.judge(later(host(gpu()), 299))
    gone = judge.judge(later(host(gpu()), 300))

    assert (_codes(flicker), _codes(gone)) == (["row-remap-pending"], [])


def test_a_consequence_is_silent_while_its_cause_holds() -> None:
    """With the driver hung, no GPU is called unresponsive or off the bus."""
    judge = Judge(PolicySettings())
    view = host(gpu(lost=True, answers=1), driver=DriverHealth.HUNG)
    judge.judge(view)

    judgement = judge.judge(host(gpu(lost=True, answers=9), driver=DriverHealth.HUNG))

    assert (_codes(judgement), judgement.host_verdict) == ([], Verdict.DRAIN_NOW)


def test_a_dismissed_finding_returns_only_on_newer_evidence() -> None:
    """After a dismissal the same two incidents say nothing; a third one speaks."""
    judge = Judge(PolicySettings())
    trend = _finding(judge.judge(host(gpu(record=RISING))), "rising-uncorrectable-trend")
    judge.dismiss(trend.code, KEY.uuid, trend.evidence_at)

    quiet = _codes(judge.judge(host(gpu(record=RISING))))
    third = record(incidents=(*RISING.incidents, incident(0.1)))
    loud = _codes(judge.judge(host(gpu(record=third))))

    assert ("rising-uncorrectable-trend" in quiet, "rising-uncorrectable-trend" in loud) == (
        False,
        True,
    )


def test_a_dismissal_of_before_the_start_leaves_what_rests_on_newer_evidence() -> None:
    """Of several dismissals all count, in whatever order they are taken up."""
    judge = Judge(PolicySettings())
    trend = _finding(judge.judge(host(gpu(record=RISING))), "rising-uncorrectable-trend")
    key, at = (trend.code, KEY.uuid), trend.evidence_at

    judge.remember_dismissal(*key, at - 60, NOW)
    kept = judge.latched.get(key)
    judge.remember_dismissal(*key, at, NOW)
    judge.remember_dismissal(*key, at - 30, NOW)

    assert kept is not None
    assert key not in judge.latched
    assert judge.dismissed[key] == {at - 60, at, at - 30}


def test_what_a_board_left_with_is_not_asked_for_again_and_what_latched_since_stays() -> None:
    """Clocks of earlier boots may date the departure after the evidence that followed it."""
    judge = Judge(PolicySettings())
    trend = _finding(judge.judge(host(gpu(record=RISING))), "rising-uncorrectable-trend")
    key = (trend.code, KEY.uuid)

    judge.remember_settled(*key, trend.evidence_at + 60)
    judge.remember_settled(*key, trend.evidence_at)

    assert judge.latched[key].evidence_at == trend.evidence_at
    assert judge.dismissed[key] == {trend.evidence_at, trend.evidence_at + 60}


def _routes(settings: PolicySettings, **changes: object) -> tuple[Urgency, Urgency]:
    judge = Judge(settings)
    judgement = judge.judge(host(gpu(readings=FAILED), **changes))
    finding = _finding(judgement, "row-remap-failed")
    return finding.urgency, finding.route


def test_the_route_follows_the_settings_and_the_urgency_does_not() -> None:
    """Shadow, not_paging, maintenance and release change whom alerts reach, never the verdict."""
    page, window, info = Urgency.PAGE, Urgency.WINDOW, Urgency.INFO

    routes = [
        _routes(PolicySettings()),
        _routes(PolicySettings(shadow=True)),
        _routes(PolicySettings(not_paging=frozenset({"row-remap-failed"}))),
        _routes(PolicySettings(), in_maintenance=frozenset({KEY.uuid})),
        _routes(PolicySettings(), in_maintenance=frozenset({""})),
        _routes(PolicySettings(), released=True),
    ]

    assert routes == [(page, page), (page, info), (page, window)] + [(page, info)] * 3


def test_what_was_found_before_a_release_waits_for_an_answer() -> None:
    """A reset under the release may have ended it; what is found afterwards is news."""
    page, info, since = Urgency.PAGE, Urgency.INFO, NOW.wall
    awaited = frozenset({KEY.uuid})

    routes = [
        _routes(PolicySettings(), awaited=awaited, resumed_at=since),
        _routes(PolicySettings(), awaited=awaited, resumed_at=since - 1.0),
        _routes(PolicySettings(), awaited=frozenset({"GPU-other"}), resumed_at=since),
        _routes(PolicySettings(), resumed_at=since),
    ]

    assert routes == [(page, info), (page, page), (page, page), (page, page)]


def test_a_host_waits_for_all_of_its_gpus() -> None:
    """What the driver asked of the host before a release may be over as well."""
    view = host(gpu(), driver=DriverHealth.HUNG)
    waiting = replace(view, awaited=frozenset({KEY.uuid}), resumed_at=NOW.wall)

    told, waited = (
        Judge(PolicySettings()).judge(each).host_findings[0].route for each in (view, waiting)
    )

    assert (told, waited) == (Urgency.PAGE, Urgency.INFO)


def test_a_disabled_rule_says_nothing_not_even_from_its_latch() -> None:
    """An operator may switch off any rule, NVIDIA's too."""
    judge = Judge(PolicySettings())
    judge.judge(host(gpu(readings=FAILED)))
    judge.settings = PolicySettings(disabled=frozenset({"row-remap-failed"}))

    assert _codes(judge.judge(host(gpu(readings=FAILED)))) == []


def test_a_board_that_left_takes_its_tracks_and_latches_along() -> None:
    """Nothing is held against a board that is gone."""
    judge = Judge(PolicySettings())
    judge.judge(host(gpu(readings=FAILED)))

    judge.leave("row-remap-failed", KEY.uuid)
    empty = judge.judge(host())
    back = judge.judge(host(gpu()))

    assert (empty.findings, _codes(back)) == ({}, [])


def _verdict(view: HostView) -> Verdict:
    judge = Judge(PolicySettings())
    judge.judge(view)
    return judge.judge(view).verdicts[KEY.uuid]


def _blind_cases() -> list[GpuView]:
    return [
        gpu(readings={}),
        gpu(stale=True),
        gpu(present=False, readings={}, seen_this_epoch=False, in_grace=True),
    ]


def test_a_gpu_that_cannot_be_read_is_unknown_not_healthy() -> None:
    """Missing readings, stale readings and absence in the grace time are all unknown."""
    assert [_verdict(host(case)) for case in _blind_cases()] == [Verdict.UNKNOWN] * 3


def test_a_watched_board_that_goes_blind_is_unknown() -> None:
    """Watch is no urgent finding: blindness wins."""
    watched = gpu(record=record(incidents=(incident(10),)), readings={})

    assert _verdict(host(watched)) is Verdict.UNKNOWN


def test_a_host_with_a_blind_gpu_is_unknown() -> None:
    """The host's verdict does not claim health over a GPU that nobody can read."""
    judgement = Judge(PolicySettings()).judge(host(gpu(readings={})))

    assert judgement.host_verdict is Verdict.UNKNOWN


def test_a_sweep_that_cannot_tell_is_not_the_second_one() -> None:
    """Held over two sweeps means two sweeps that saw it."""
    judge = Judge(PolicySettings())
    judge.judge(host(gpu(lost=True, answers=5)))

    blind = judge.judge(host(gpu(lost=True, answers=6), driver=DriverHealth.STARTING))
    again = judge.judge(host(gpu(lost=True, answers=7)))

    assert (_codes(blind), _codes(again)) == ([], ["off-the-bus"])


def test_a_rule_that_was_disabled_holds_from_its_return_on() -> None:
    """What it saw before is forgotten."""
    judge = Judge(PolicySettings())
    view = host(gpu(), driver=DriverHealth.NOT_LOADED)
    judge.judge(view)
    judge.settings = PolicySettings(disabled=frozenset({"driver-not-loaded"}))
    judge.judge(later(view, 60))
    judge.settings = PolicySettings()

    back = judge.judge(later(view, 600))
    held = judge.judge(later(view, 900))

    assert (back.host_findings, [found.code for found in held.host_findings]) == (
        (),
        ["driver-not-loaded"],
    )


def test_the_age_of_a_finding_outlives_a_step_of_the_clock() -> None:
    """It began ten minutes ago, whatever year it is now."""
    judge = Judge(PolicySettings())
    view = host(gpu(), driver=DriverHealth.NOT_LOADED)
    judge.judge(view)
    after = later(view, 600)
    stepped = replace(after, now=replace(after.now, wall=after.now.wall + 365 * 86400))

    found = judge.judge(stepped).host_findings[0]

    assert found.since == stepped.now.wall - 600


def test_a_driver_that_tells_no_recovery_action_asks_for_none() -> None:
    """It was replaced by one without the signal: what the old one asked for is over."""
    judge = Judge(PolicySettings())
    asked = gpu(recovery=RecoveryAction.GPU_RESET, recovery_number=1)
    judge.judge(host(asked))
    key = "gpuwatch_gpu_recovery_action"
    gap = HEALTHY_READINGS | {key: Gap(GapReason.UNSUPPORTED, 3)}

    silent = judge.judge(host(gpu(readings=gap)))

    assert _codes(silent) == []


def test_a_finding_that_goes_on_stays_equal_while_the_clock_drifts() -> None:
    """Readers are told of changes only."""
    judge = Judge(PolicySettings())
    view = host(gpu(recovery=RecoveryAction.GPU_RESET, recovery_number=1))
    first = judge.judge(view)
    after = later(view, 10)

    drifted = judge.judge(replace(after, now=replace(after.now, wall=after.now.wall + 0.001)))

    assert drifted.findings == first.findings


def test_a_gpu_whose_needed_signal_cannot_be_read_is_unknown_and_says_why() -> None:
    """Unknown is never healthy."""
    names = ("gpuwatch_gpu_row_remap_failed", "gpuwatch_gpu_recovery_action")

    judged = Judge(PolicySettings()).judge(host(gpu(blind_to=names)))

    assert judged.verdicts[KEY.uuid] is Verdict.UNKNOWN
    assert judged.unknown_because[KEY.uuid] == (
        "gpuwatch_gpu_row_remap_failed and 1 more could not be read for three of its sweeps"
    )


def test_a_gpu_that_may_not_be_opened_is_unknown_and_says_why() -> None:
    """A right of ours is missing: the board is neither gone nor well."""
    view = host(gpu(denied=True, present=False, readings={}))

    judged = Judge(PolicySettings()).judge(view)

    assert judged.verdicts[KEY.uuid] is Verdict.UNKNOWN
    assert judged.unknown_because[KEY.uuid] == (
        "the driver does not let gpuwatch open the GPU (no permission)"
    )


def test_a_flagged_gpu_stays_flagged_when_it_cannot_be_read() -> None:
    """What was seen stays seen; nothing about it is unknown."""
    blind = gpu(record=RISING, blind_to=("gpuwatch_gpu_row_remap_failed",))

    judged = Judge(PolicySettings()).judge(host(blind))

    assert judged.verdicts[KEY.uuid] is Verdict.REPLACE_AT_WINDOW
    assert judged.unknown_because == {}


def test_rules_flag_no_board_for_what_was_known_before_them() -> None:
    """An older rule set has judged those incidents; the next one speaks."""
    judge = Judge(PolicySettings())
    known = replace(RISING, judged_from=NOW.wall - DAY)
    fourth = replace(known, incidents=(incident(13), incident(1), incident(0.5)))

    before = judge.judge(host(gpu(record=known)))
    after = judge.judge(host(gpu(record=fourth)))

    assert "rising-uncorrectable-trend" not in _codes(before)
    assert "rising-uncorrectable-trend" in _codes(after)


def test_a_state_that_holds_is_found_by_rules_that_are_newer_than_it() -> None:
    """The remap failed long before the rules came; it is failed now."""
    held = {"gpuwatch_gpu_row_remap_failed": Held(1, NOW.wall - 90 * DAY)}
    old = record(held=held, judged_from=NOW.wall - DAY)

    judgement = Judge(PolicySettings()).judge(host(gpu(record=old, readings=FAILED)))

    assert _codes(judgement) == ["row-remap-failed"]


def test_every_gpu_of_a_board_to_replace_is_drained() -> None:
    """Two GPUs with one serial number are one board."""
    twin = BoardKey(KEY.serial, "GPU-twin")
    other = gpu(record=record(board=Board(key=twin)))
    judgement = Judge(PolicySettings()).judge(host(gpu(readings=FAILED), other))

    assert judgement.verdicts == {KEY.uuid: Verdict.DRAIN_NOW, twin.uuid: Verdict.DRAIN_NOW}
    assert [found.subject for found in judgement.newly_latched] == [KEY.uuid]


def test_an_xid_says_why_the_driver_asks_for_a_reset_and_is_the_only_page() -> None:
    """A fault and the recovery that follows from it are one call to one person."""
    asked = traced(trace(119), recovery=RecoveryAction.GPU_RESET, recovery_number=1)

    judgement = Judge(PolicySettings()).judge(host(asked))

    assert _codes(judgement) == ["gsp-or-firmware-fault"]


def test_a_cause_that_may_not_page_hushes_no_consequence_that_may() -> None:
    """Who quietens the explanation still hears of the reset that is asked for."""
    asked = traced(trace(119), recovery=RecoveryAction.GPU_RESET, recovery_number=1)
    settings = PolicySettings(not_paging=frozenset({"gsp-or-firmware-fault"}))

    judgement = Judge(settings).judge(host(asked))

    assert _codes(judgement) == ["recovery-action", "gsp-or-firmware-fault"]


def test_an_error_of_yesterday_is_no_page_before_the_driver_was_asked() -> None:
    """The agent has just started: what the driver asks for will be known with the first sweep."""
    unasked = {"gpuwatch_gpu_row_remap_failed": 0}
    known = record(incidents=(incident(0.1, ErrorKind.ECC, ErrorKind.XID_95),))

    judgement = Judge(PolicySettings()).judge(host(gpu(record=known, readings=unasked)))

    assert _codes(judgement) == ["recent-uncorrectable-error"]
