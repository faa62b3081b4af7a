"""A replay says what the rules would have said, when they would have said it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.incidents import ErrorKind, Incident
from gpuwatch.domain.past import BoardPast, HostPast
from gpuwatch.domain.records import BoardState, Transition
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.domain.xids import XidAdvice, XidTrace
from gpuwatch.policy.replay import Saying, is_replayed, replay
from gpuwatch.policy.rules import BY_CODE, RULES
from gpuwatch.policy.views import PolicySettings
from tests.support.views import DAY, KEY, NOW, incident, record

SETTINGS = PolicySettings()
TREND = "rising-uncorrectable-trend"


def _host(
    *incidents: Incident, transitions: tuple[Transition, ...] = (), **changes: object
) -> HostPast:
    board = BoardPast(
        record=record(incidents=incidents, **changes),
        transitions=transitions,
    )
    return HostPast(boards=(board,), epochs=((NOW.wall - 400 * DAY, "580.95.05"),))


def _said(past: HostPast, code: str, settings: PolicySettings = SETTINGS) -> list[Saying]:
    told = replay(past, settings, NOW.wall)
    return [one for one in told if one.finding.code == code]


def _days_ago(saying: Saying) -> float:
    return round((NOW.wall - saying.began) / DAY, 2)


def test_a_trend_is_found_on_the_day_of_the_second_incident() -> None:
    """It raises one flag, and holds."""
    said = _said(_host(incident(40), incident(28)), TREND)

    assert [(_days_ago(one), one.ended, one.flag) for one in said] == [(28.0, None, True)]


def test_a_third_incident_confirms_and_raises_nothing_more() -> None:
    """One board, one cause, one flag."""
    said = _said(_host(incident(40), incident(28), incident(14)), TREND)

    assert [one.flag for one in said] == [True]


def test_one_incident_is_watched_for_ninety_days() -> None:
    """To the day; it raises no flag."""
    (watch,) = _said(_host(incident(200)), "recent-uncorrectable-error")

    assert watch.ended is not None
    assert (_days_ago(watch), watch.flag) == (200.0, False)
    assert 89 <= (watch.ended - watch.began) / DAY <= 91


def test_what_an_older_rule_set_judged_is_replayed_too() -> None:
    """That is what a preview is for."""
    past = _host(incident(40), incident(28), judged_from=NOW.wall)

    assert len(_said(past, TREND)) == 1


def test_a_remap_that_failed_is_found_when_it_did() -> None:
    """From the changes of its signal."""
    failed = Transition("gpuwatch_gpu_row_remap_failed", 1, NOW.wall - 5 * DAY)

    (said,) = _said(_host(transitions=(failed,)), "row-remap-failed")

    assert (_days_ago(said), said.finding.urgency, said.flag) == (5.0, Urgency.PAGE, True)


def test_a_recovery_action_means_what_its_driver_meant() -> None:
    """It begins and ends with the value."""
    values = (
        Transition("gpuwatch_gpu_recovery_action", 1, NOW.wall - 5 * DAY),
        Transition("gpuwatch_gpu_recovery_action", 0, NOW.wall - 4 * DAY),
    )

    (said,) = _said(_host(transitions=values), "recovery-action")

    assert said.ended == NOW.wall - 4 * DAY


def test_a_text_in_place_of_a_number_is_no_action() -> None:
    """A driver may say anything."""
    values = (Transition("gpuwatch_gpu_recovery_action", "?", NOW.wall - 5 * DAY),)

    assert replay(_host(transitions=values), SETTINGS, NOW.wall) == ()


def test_a_firmware_fault_is_found_until_the_reset() -> None:
    """From the trace that history keeps of the Xid."""
    at = NOW.wall - 5 * DAY
    trace = XidTrace(code=119, advice=XidAdvice.RESET, count=1, first_at=at, last_at=at)
    board = BoardPast(record=record(traces={119: (trace,)}), resets=(at + 3600,))

    (said,) = _said(HostPast(boards=(board,)), "gsp-or-firmware-fault")

    assert (said.began, said.ended) == (at, at + 3600)


def test_an_error_that_nobody_vouches_for_wants_a_reset() -> None:
    """Of a driver that never told a recovery action."""
    (said,) = _said(_host(incident(5, ErrorKind.XID_48)), "uncorrectable-error")

    assert said.finding.urgency is Urgency.PAGE


def test_two_falls_off_the_bus_are_a_reason_to_replace() -> None:
    """The second within ninety days."""
    past = _host(off_bus_at=(NOW.wall - 50 * DAY, NOW.wall - 20 * DAY))

    (said,) = _said(past, "off-the-bus-again")

    assert (_days_ago(said), said.flag) == (20.0, True)


def test_a_board_that_left_takes_its_findings_along() -> None:
    """They end with it."""
    past = _host(incident(40), incident(28), state=BoardState.LEFT, last_seen=NOW.wall - 9.5 * DAY)

    (said,) = _said(past, TREND)

    assert said.ended is not None
    assert 8.5 * DAY <= NOW.wall - said.ended <= 9.5 * DAY


def test_an_echo_that_nobody_owns_is_a_finding_of_the_host() -> None:
    """After ten minutes, for a day."""
    past = replace(_host(), unattributed=(NOW.wall - 3 * DAY,))

    (said,) = _said(past, "unattributed-error")

    assert said.ended is not None
    assert 600 <= said.began - (NOW.wall - 3 * DAY) <= 660


def test_a_disabled_rule_says_nothing() -> None:
    """A preview is by the settings in force."""
    disabled = replace(SETTINGS, disabled=frozenset({TREND}))

    assert _said(_host(incident(40), incident(28)), TREND, disabled) == []


def test_a_host_that_never_saw_a_board_has_no_past() -> None:
    """And nothing is said of it."""
    assert replay(HostPast(boards=()), SETTINGS, NOW.wall) == ()


def test_rules_of_the_present_are_not_replayed() -> None:
    """History does not keep whether a driver hung or a GPU was slow to answer."""
    replayed = {rule.code for rule in RULES if is_replayed(rule)}

    assert {TREND, "row-remap-failed", "recovery-reboot"} <= replayed
    assert {"driver-hung", "gpu-unresponsive", "board-missing"}.isdisjoint(replayed)
    assert not is_replayed(BY_CODE["gpu-count"])


def test_boards_are_told_in_the_order_in_which_they_began() -> None:
    """Two boards of one host."""
    other = BoardKey("1652222014739", "GPU-3f6a8a0e-0000-4000-8000-000000000004")
    first = BoardPast(record=record(incidents=(incident(30),)))
    second = BoardPast(record=record(other, incidents=(incident(20, key=other),)))
    past = HostPast(boards=(second, first))

    said = replay(past, SETTINGS, NOW.wall)

    assert [one.finding.subject for one in said] == [KEY.uuid, other.uuid]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=5, unique=True),
    st.integers(0, 60),
)
def test_a_replay_sees_only_the_past(days: list[int], cut: int) -> None:
    """What it says by some day is the same, whatever happened after that day."""
    day = NOW.wall - cut * DAY
    incidents = [incident(ago, ErrorKind.XID_48) for ago in sorted(days, reverse=True)]
    began = NOW.wall - 61 * DAY
    whole = _host(*incidents, first_seen=began)
    known = _host(*(one for one in incidents if one.opened_at <= day), first_seen=began)

    said = [
        [(one.finding.code, one.began, one.flag) for one in replay(past, SETTINGS, day)]
        for past in (whole, known)
    ]

    assert said[0] == said[1]
