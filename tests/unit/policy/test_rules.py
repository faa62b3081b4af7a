"""Every rule fires on its case and stays silent on the nearest other one."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from gpuwatch.domain.incidents import ErrorKind
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import BoardState, Held
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.domain.signals import Keep, Role
from gpuwatch.domain.verdicts import Finding, Remedy, Scope, Urgency
from gpuwatch.policy.conditions import AtLeast
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.rules import ALERTING_XIDS, COUNTED_XIDS, RULES, Rule, is_needed
from gpuwatch.policy.views import DriverHealth, GpuView, Hang, HostView, PolicySettings
from gpuwatch.policy.xid_conditions import DOUBTFUL, FIRMWARE, NVLINK, XidAgain, XidSeen
from gpuwatch.sources.nvml_signals import TABLE
from tests.support import bmc_cases, level_cases, swap_cases, xid_cases
from tests.support.golden import assert_golden
from tests.support.rule_answers import answers
from tests.support.views import DAY, HEALTHY_READINGS, NOW, gpu, host, incident, later, record

FAILED = HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_failed": 1}
PENDING = HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_pending": 1}
PENDING_KEY = "gpuwatch_gpu_row_remap_pending"
DENIED = HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_failed": Gap(GapReason.DENIED, 4)}


# The board answered under this driver, and now our user may not open it any more.
NOT_OURS: dict[str, Any] = {"denied": True, "present": False, "readings": {}}

FALLEN = record(fell_at=NOW.wall - 60)


def _pending(days: float, *, reset_since: bool = False, **changes: object) -> GpuView:
    held = {PENDING_KEY: Held(1, NOW.wall - days * DAY, reset_since=reset_since)}
    return gpu(readings=PENDING, record=record(held=held, **changes))


def _absent(last_seen_days: float, **changes: object) -> GpuView:
    old = record(state=BoardState.ABSENT, last_seen=NOW.wall - last_seen_days * DAY)
    absent = gpu(record=old, present=False, readings={}, seen_this_epoch=False)
    return replace(absent, **changes)  # type: ignore[arg-type]


def _hang(seconds: float, *, confirmed: bool) -> GpuView:
    text = "stuck for 94 s in state D, in nvmlDeviceGetRemappedRows"
    return gpu(hang=Hang(sentence=text, seconds=seconds, confirmed=confirmed))


def _with_incidents(*days: float) -> GpuView:
    return gpu(record=record(incidents=tuple(incident(day) for day in days)))


def _xids(*kinds: ErrorKind, days: float = 0.1, **changes: object) -> GpuView:
    return gpu(record=record(incidents=(incident(days, *kinds),), **changes))


_GROWN = replace(
    incident(0.5), signals=(*incident(0.5).signals, *incident(700 / DAY, ErrorKind.XID_48).signals)
)
FELL_TWICE = record(off_bus_at=(NOW.wall - 80 * DAY, NOW.wall))
_AHEAD = (NOW.wall + 999 * DAY, NOW.wall - 80 * DAY, NOW.wall)
FELL_ALSO_WHILE_THE_CLOCK_WAS_AHEAD = record(off_bus_at=_AHEAD)
# Years apart, and both in the future of a clock that is decades behind.
FELL_LONG_AGO_BY_A_CLOCK_BEHIND = record(off_bus_at=(NOW.wall + 9000 * DAY, NOW.wall + 9999 * DAY))

FIRES: list[tuple[str, HostView]] = [
    ("row-remap-failed", host(gpu(readings=FAILED))),
    ("rising-uncorrectable-trend", host(_with_incidents(13, 1))),
    ("recovery-action", host(gpu(recovery=RecoveryAction.GPU_RESET, recovery_number=1))),
    ("recovery-action", host(gpu(reset_required=True))),
    ("recovery-drain-p2p", host(gpu(recovery=RecoveryAction.DRAIN_P2P, recovery_number=3))),
    ("recovery-action-unknown", host(gpu(recovery=RecoveryAction.UNKNOWN, recovery_number=9))),
    ("recovery-reboot", host(gpu(recovery=RecoveryAction.NODE_REBOOT, recovery_number=2))),
    ("recovery-imex-domain", host(gpu(recovery=RecoveryAction.RECOVER_IMEX_DOMAIN))),
    ("uncorrectable-error", host(_xids(ErrorKind.ECC, ErrorKind.XID_95))),
    ("uncorrectable-error", host(_xids(ErrorKind.XID_48))),
    ("recent-uncorrectable-error", host(_with_incidents(89))),
    ("row-remap-pending", host(_pending(3))),
    ("row-remap-pending-long", host(_pending(31))),
    ("remap-not-applied", host(_pending(3, reset_since=True, last_reset_at=NOW.wall - DAY))),
    ("off-the-bus", host(gpu(lost=True))),
    ("off-the-bus", host(gpu(present=False, readings={}))),
    ("off-the-bus", host(gpu(record=record(fell_at=NOW.wall - 60), last_good=NOW.wall - 90))),
    ("off-the-bus", host(gpu(**NOT_OURS, record=FALLEN, last_good=NOW.wall - 90))),
    ("off-the-bus-again", host(gpu(record=FELL_TWICE))),
    ("off-the-bus-again", host(gpu(record=FELL_ALSO_WHILE_THE_CLOCK_WAS_AHEAD))),
    ("board-missing", host(_absent(3))),
    ("board-missing-in-service", host(_absent(0.5))),
    ("gpu-unresponsive", host(_hang(94, confirmed=True))),
    ("driver-hung", host(gpu(), driver=DriverHealth.HUNG)),
    ("driver-mismatch", host(gpu(), driver=DriverHealth.MISMATCH)),
    ("driver-not-loaded", host(gpu(), driver=DriverHealth.NOT_LOADED)),
    ("gpu-count", host(gpu(), expected_gpus=8)),
    ("unattributed-error", host(gpu(), unattributed=(NOW.wall - 700,))),
    ("history-lost", host(gpu(), history_lost="12 pages")),
    ("calendar-refused", host(gpu(), calendar_problem="/ops.ics does not exist")),
    *level_cases.FIRES,
    *xid_cases.FIRES,
    *swap_cases.FIRES,
    *bmc_cases.FIRES,
]

SILENT: list[tuple[str, HostView]] = [
    ("row-remap-failed", host(gpu(readings=DENIED))),
    ("rising-uncorrectable-trend", host(_with_incidents(81, 1))),
    ("rising-uncorrectable-trend", host(_with_incidents(1))),
    ("rising-uncorrectable-trend", replace(host(_with_incidents(13, 1)), clock_settled=False)),
    ("recovery-action", host(gpu(recovery=RecoveryAction.NONE, recovery_number=0))),
    ("recovery-drain-p2p", host(gpu(recovery=RecoveryAction.GPU_RESET, recovery_number=1))),
    ("recovery-action-unknown", host(gpu(recovery=RecoveryAction.NONE, recovery_number=0))),
    ("recovery-reboot", host(gpu(recovery=RecoveryAction.GPU_RESET, recovery_number=1))),
    ("recovery-imex-domain", host(gpu(recovery=RecoveryAction.BUS_RESET, recovery_number=6))),
    ("uncorrectable-error", host(_xids(ErrorKind.XID_48, ErrorKind.XID_94))),
    ("uncorrectable-error", host(_xids(ErrorKind.XID_48, days=0.001))),
    ("uncorrectable-error", host(_xids(ErrorKind.XID_48, reset_since_incident=True))),
    ("uncorrectable-error", host(_xids(ErrorKind.XID_48, days=1.01))),
    (
        "uncorrectable-error",
        host(replace(_xids(ErrorKind.XID_48), recovery=RecoveryAction.NONE, recovery_number=0)),
    ),
    ("recent-uncorrectable-error", host(_with_incidents(91))),
    ("row-remap-pending", host(gpu())),
    ("row-remap-pending-long", host(_pending(29))),
    ("row-remap-pending-long", host(_pending(31), clock_settled=False)),
    ("remap-not-applied", host(_pending(3, last_reset_at=NOW.wall + DAY))),
    ("remap-not-applied", host(gpu(readings=PENDING))),
    ("off-the-bus", host(gpu(record=record(fell_at=NOW.wall - 60)))),
    ("off-the-bus", host(gpu(record=record(off_bus_at=(NOW.wall + DAY,)), last_good=None))),
    ("off-the-bus", host(gpu(lost=True), driver=DriverHealth.NOT_LOADED)),
    ("off-the-bus", host(gpu(lost=True, managed=False))),
    ("off-the-bus", host(gpu(present=False, readings={}), released=True)),
    ("off-the-bus", host(gpu(**NOT_OURS))),
    ("off-the-bus-again", host(gpu(record=record(off_bus_at=(NOW.wall - 91 * DAY, NOW.wall))))),
    ("off-the-bus-again", host(gpu(record=FELL_TWICE), clock_settled=False)),
    ("off-the-bus-again", host(gpu(record=FELL_LONG_AGO_BY_A_CLOCK_BEHIND))),
    ("board-missing", host(_absent(3, in_grace=True))),
    ("board-missing", host(_absent(3, managed=False))),
    ("board-missing", host(_absent(3, hang=Hang(sentence="", seconds=9.0, confirmed=False)))),
    ("board-missing", host(_absent(3, denied=True))),
    ("board-missing-in-service", host(_absent(1.1))),
    ("gpu-unresponsive", host(_hang(94, confirmed=False))),
    ("gpu-unresponsive", host(_hang(59, confirmed=True))),
    ("gpu-unresponsive", host(_hang(94, confirmed=True), quiet_seconds=599.0)),
    ("driver-hung", host(gpu(), driver=DriverHealth.STARTING)),
    ("driver-mismatch", host(gpu(), driver=DriverHealth.MISMATCH, released=True)),
    ("driver-not-loaded", host(driver=DriverHealth.NOT_LOADED, pci_functions=0)),
    ("gpu-count", host(gpu(), expected_gpus=1)),
    ("gpu-count", host(gpu(), expected_gpus=8, taken_functions=7)),
    ("gpu-count", host(gpu(), expected_gpus=8, denied_functions=7)),
    ("gpu-count", host(gpu(), expected_gpus=8, driver=DriverHealth.STARTING)),
    ("unattributed-error", host(_with_incidents(0), unattributed=(NOW.wall - 599,))),
    (
        "unattributed-error",
        host(_with_incidents(700 / DAY), unattributed=(NOW.wall - 1200,)),
    ),
    (  # the board that owned it was swapped out
        "unattributed-error",
        host(
            gpu(),
            departed=(record(incidents=(incident(700 / DAY),)),),
            unattributed=(NOW.wall - 1200,),
        ),
    ),
    (  # a later error of an incident that began hours before
        "unattributed-error",
        host(gpu(record=record(incidents=(_GROWN,))), unattributed=(NOW.wall - 1200,)),
    ),
    ("history-lost", host(gpu())),
    ("calendar-refused", host(gpu())),
    *level_cases.SILENT,
    *xid_cases.SILENT,
    *swap_cases.SILENT,
    *bmc_cases.SILENT,
]


def _held_long_enough(view: HostView, settings: PolicySettings) -> Judge:
    """A judge that has seen this host, to which it is shown again ten minutes and sweeps later."""
    judge = Judge(settings)
    judge.judge(view)
    return judge


def _found(view: HostView, settings: PolicySettings) -> list[Finding]:
    judge = _held_long_enough(view, settings)
    gpus = tuple(replace(each, answers=each.answers + 10) for each in view.gpus)
    bmcs = tuple(replace(each, answers=each.answers + 10) for each in view.bmcs)
    judgement = judge.judge(later(replace(view, gpus=gpus, bmcs=bmcs), 600))
    return [finding for _, _, found in judgement.by_subject() for finding in found]


def _codes(view: HostView) -> set[str]:
    return {finding.code for finding in _found(view, PolicySettings())}


@pytest.mark.parametrize(("code", "view"), FIRES, ids=[code for code, _ in FIRES])
def test_a_rule_fires_on_its_case(code: str, view: HostView) -> None:
    """The smallest situation that the rule is for raises its finding."""
    assert code in _codes(view)


@pytest.mark.parametrize(("code", "view"), SILENT, ids=[code for code, _ in SILENT])
def test_a_rule_is_silent_on_the_nearest_other_case(code: str, view: HostView) -> None:
    """The nearest situation that the rule is not for raises nothing of that code."""
    judgement = Judge(PolicySettings()).judge(view)
    found = [finding for _, _, found in judgement.by_subject() for finding in found]

    assert code not in {finding.code for finding in found}


def test_golden_silence_is_told_from_blindness() -> None:
    """What nobody can tell keeps a finding that stands; what is well clears it."""
    assert_golden("rule_silences.txt", answers(SILENT))


@pytest.mark.parametrize(("code", "view"), [*level_cases.SILENT, *bmc_cases.STEADY])
def test_a_level_that_is_not_the_rules_raises_nothing_however_long_it_lasts(
    code: str, view: HostView
) -> None:
    """Holding time is no excuse: ten minutes later it is still not a finding."""
    assert code not in _codes(view)


def test_every_rule_has_both_cases() -> None:
    """No row of the table goes without a case that fires it and one that does not."""
    codes = {rule.code for rule in RULES}

    assert ({code for code, _ in FIRES}, {code for code, _ in SILENT}) == (codes, codes)


class _Noted(dict[str, Value | Gap]):
    """Readings that note which of them are asked for."""

    asked: ClassVar[set[str]] = set()

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as a dict's
        """A reading, noted."""
        self.asked.add(key)
        return super().get(key, default)


# Corrected errors may come by the million: history keeps no change of them. What a rule says of
# them is for information, and may come half a minute late.
SEEN_LATE = {xid_cases.CORRECTED: Urgency.INFO}


def test_rules_read_only_signals_whose_changes_history_keeps() -> None:
    """The agent judges by those changes: another signal's would go unseen for half a minute."""
    kept = {
        signal.key
        for signal in TABLE
        if signal.keep is Keep.CHANGES or signal.role is not Role.PLAIN
    }

    for _, view in (*FIRES, *SILENT):
        noted = tuple(replace(each, readings=_Noted(each.readings)) for each in view.gpus)
        Judge(PolicySettings()).judge(replace(view, gpus=noted))

    assert _Noted.asked - kept == set(SEEN_LATE)
    assert "gpuwatch_gpu_row_remap_failed" in _Noted.asked


def test_only_rules_that_can_wait_look_at_what_is_seen_late() -> None:
    """Half a minute late is no harm to what nobody is called for."""
    urgencies = {
        rule.when.signal: rule.urgency
        for rule in RULES
        if isinstance(rule.when, AtLeast) and rule.when.signal in SEEN_LATE
    }

    assert urgencies == SEEN_LATE


@pytest.mark.parametrize(("code", "view"), FIRES, ids=[code for code, _ in FIRES])
def test_settings_quieten_every_rule(code: str, view: HostView) -> None:
    """A disabled rule never holds; one kept from paging waits; in shadow nobody is called."""
    disabled = _found(view, PolicySettings(disabled=frozenset({code})))
    not_paging = _found(view, PolicySettings(not_paging=frozenset({code})))
    shadow = _found(view, PolicySettings(shadow=True))

    assert code not in {finding.code for finding in disabled}
    assert Urgency.PAGE not in {one.route for one in not_paging if one.code == code}
    assert {finding.route for finding in shadow} == {Urgency.INFO}


def test_the_codes_of_urgent_rules_are_listed() -> None:
    """Whoever alerts or documents by code misses none that a page or window rule names."""
    named = {
        code
        for rule in RULES
        if isinstance(rule.when, XidSeen | XidAgain)
        and rule.urgency in (Urgency.PAGE, Urgency.WINDOW)
        for code in rule.when.codes
    }

    assert named | FIRMWARE | DOUBTFUL | NVLINK | {*COUNTED_XIDS} == set(ALERTING_XIDS)


def test_a_healthy_host_has_no_finding() -> None:
    """Eight sound boards: nothing to say."""
    assert _codes(host(gpu())) == set()


def _row(**changes: object) -> Rule:
    fields: dict[str, object] = {
        "code": "c",
        "scope": Scope.GPU,
        "when": AtLeast("s", 1),
        "urgency": Urgency.PAGE,
        "remedy": Remedy.RESET,
        "because": "b",
        "source": "s",
        "clears": "never",
    }
    return Rule(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"scope": Scope.LINK}, "no judge for scope link"),
        ({"remedy": Remedy.REPLACE}, "has a due time"),
        ({"remedy": Remedy.REPLACE, "due": 1}, "where its RMA stands"),
        ({"silenced_by": ("c",)}, "silences itself"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(
    changes: dict[str, object], complaint: str
) -> None:
    """A rule without what its remedy needs cannot be built."""
    with pytest.raises(ValueError, match=complaint):
        _row(**changes)


def test_the_rules_need_what_they_look_at() -> None:
    """The signals without which nobody is healthy, of the table that sources ask."""
    needed = {row.key for row in TABLE if is_needed(row)}

    assert needed == {
        "gpuwatch_gpu_ecc_uncorrected_volatile_errors_total",
        "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total",
        "gpuwatch_gpu_rows_remapped_uncorrectable_total",
        "gpuwatch_gpu_row_remap_pending",
        "gpuwatch_gpu_row_remap_failed",
        "gpuwatch_gpu_recovery_action",
        "gpuwatch_gpu_pages_retired_double_bit_total",
        "gpuwatch_gpu_sram_threshold_exceeded",
        "gpuwatch_gpu_memory_unrepairable",
    }
