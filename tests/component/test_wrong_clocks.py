"""A boot whose clock was years wrong hides nothing of afterwards, and tells nothing twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.domain.flags import Flag
from tests.support.driven import DrivenHost, Part
from tests.support.histories import DAY
from tests.support.operators import act

YEARS = 4 * 365 * DAY
TREND = "rising-uncorrectable-trend"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[DrivenHost]:
    """A host of two boards."""
    one = DrivenHost(tmp_path / "state")
    one.slots = {number: Part(number) for number in range(2)}
    (tmp_path / "state").mkdir()
    one.start()
    one.pulse()
    yield one
    one.remove()


def _part(host: DrivenHost) -> Part:
    part = host.slots[0]
    assert part is not None
    return part


def _incident(host: DrivenHost) -> None:
    """An uncorrectable error of the board in slot 0, ten days after whatever was before."""
    host.pulse(5 * DAY)
    host.pulse(5 * DAY)
    _part(host).fail("dram", 1)
    host.pulse()


def _reboot(host: DrivenHost, wrong_by: float) -> None:
    host.stop()
    host.reboot(wrong_by=wrong_by)
    host.start()
    host.pulse()


def _restart(host: DrivenHost) -> None:
    host.stop()
    host.start()
    host.pulse()
    host.pulse()


def _dismiss(host: DrivenHost) -> None:
    """Dismiss the latest flag."""
    assert act(host, _flags(host)[-1], "dismiss") is not None
    host.pulse()


def _flags(host: DrivenHost) -> tuple[Flag, ...]:
    return host.agent.history.flags()


def _latched(host: DrivenHost) -> set[tuple[str, str]]:
    return {(one.code, one.subject) for one in host.agent.history.latched_findings()}


@pytest.mark.parametrize("ahead", [True, False])
def test_a_new_incident_raises_a_dismissed_flag_again_whatever_the_clock_said(
    host: DrivenHost, ahead: bool
) -> None:
    """Dismissed while the clock was ahead, or before a boot in which it is behind."""
    _reboot(host, YEARS if ahead else 0.0)
    _incident(host)
    _incident(host)
    _dismiss(host)
    _reboot(host, -YEARS)
    quiet = len(_flags(host))

    _incident(host)

    assert quiet == 1
    assert [flag.code for flag in _flags(host)] == [TREND, TREND]
    assert _latched(host) == {(TREND, _part(host).key.uuid)}


def test_what_was_dismissed_under_two_clocks_stays_dismissed(host: DrivenHost) -> None:
    """The agent and the host start anew, until a further incident opens."""
    _reboot(host, YEARS)
    _incident(host)
    _incident(host)
    _dismiss(host)
    _reboot(host, -YEARS)
    _incident(host)
    _dismiss(host)

    _restart(host)
    after_a_restart = len(_flags(host))
    _reboot(host, 0.0)
    after_a_boot = len(_flags(host))
    _incident(host)

    assert (after_a_restart, after_a_boot, len(_flags(host))) == (2, 2, 3)


def test_a_flag_raised_under_a_clock_that_was_behind_keeps_its_finding(host: DrivenHost) -> None:
    """By their dates it is older than what was dismissed before; it stands all the same."""
    _incident(host)
    _incident(host)
    _dismiss(host)
    _reboot(host, -YEARS)
    _incident(host)

    _reboot(host, YEARS)

    assert [flag.is_open for flag in _flags(host)] == [False, True]
    assert _latched(host) == {(TREND, _part(host).key.uuid)}
    assert set(host.agent.decisions.judge.latched) == _latched(host)


def _part_returns_under_a_wrong_clock(host: DrivenHost) -> None:
    """It leaves without a flag, and is put back in a boot whose clock is ahead."""
    part = _part(host)
    host.stop()
    host.reboot()
    host.slots[0] = Part(7)
    host.start()
    host.pulse()
    host.stop()
    host.reboot(wrong_by=YEARS)
    host.slots[0] = part
    host.start()
    host.pulse()


@pytest.mark.parametrize("boots", [1, 2])
def test_a_flag_raised_since_a_board_came_back_says_nothing_about_its_return(
    host: DrivenHost, boots: int
) -> None:
    """By the dates it was raised before: the board came back while the clock was ahead."""
    _part_returns_under_a_wrong_clock(host)
    _reboot(host, -YEARS)
    _incident(host)
    _incident(host)
    _dismiss(host)

    for _ in range(boots):
        _reboot(host, 0.0)

    assert [flag.code for flag in _flags(host)] == [TREND]


def test_a_board_that_was_flagged_under_a_wrong_clock_is_told_when_it_is_back(
    host: DrivenHost,
) -> None:
    """By the dates it came back before it was flagged."""
    _reboot(host, YEARS)
    _incident(host)
    _incident(host)
    part = _part(host)
    host.slots[0] = Part(7)
    _reboot(host, -YEARS)
    host.slots[0] = None
    _reboot(host, 0.0)
    host.slots[1] = part

    _reboot(host, 0.0)

    assert "flagged-board-returned" in _found(host, part)


def _found(host: DrivenHost, part: Part) -> set[str]:
    findings = host.agent.decisions.judgement.findings.get(part.key.uuid, ())
    return {finding.code for finding in findings}
