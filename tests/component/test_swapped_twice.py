"""A board that came in is replaced in its turn: its flag says who is to be accepted now."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.domain.flag_life import ACCEPTANCE_FAILED
from gpuwatch.domain.flags import Flag, FlagState
from tests.support.driven import DrivenHost, Part
from tests.support.histories import DAY


@pytest.fixture
def host(tmp_path: Path) -> Iterator[DrivenHost]:
    """A host of three boards, of which board 0 has a row that cannot be remapped."""
    one = DrivenHost(tmp_path / "state")
    one.slots = {number: Part(number) for number in range(3)}
    (tmp_path / "state").mkdir()
    one.start()
    one.pulse()
    one.slots[0] = _broken(one.slots[0])
    one.pulse()
    yield one
    one.remove()


def _broken(part: Part | None) -> Part:
    assert part is not None
    part.failed = 1
    return part


def _swap(host: DrivenHost, slot: int, part: Part) -> None:
    host.stop()
    host.reboot()
    host.slots[slot] = part
    host.start()
    host.pulse()


def _fall(host: DrivenHost, part: Part) -> None:
    part.fallen = True
    host.log_line(host.slot_of(part), 79)
    host.deliver_log()
    host.pulse()


def _flags(host: DrivenHost) -> list[Flag]:
    return list(host.agent.history.flags())


def test_a_flag_names_the_last_board_that_came_in(host: DrivenHost) -> None:
    """Also when that one is refused at once: here the flagged board itself, put back."""
    broken = host.slots[0]
    assert broken is not None
    _swap(host, 0, Part(7))
    waiting = _flags(host)[0]

    _swap(host, 0, broken)
    refused = _flags(host)[0]

    assert (waiting.state, waiting.successor) == (FlagState.VERIFYING, Part(7).key)
    assert (refused.state, refused.successor) == (FlagState.CLOSED, broken.key)


def test_a_flagged_board_that_is_put_back_can_be_taken_up(host: DrivenHost) -> None:
    """It pages again, and there is a flag to acknowledge."""
    broken = host.slots[0]
    assert broken is not None
    _swap(host, 0, Part(7))

    _swap(host, 0, broken)
    standing = [flag.code for flag in _flags(host) if flag.is_open]

    assert sorted(standing) == [ACCEPTANCE_FAILED, "row-remap-failed"]


def test_a_board_that_came_back_keeps_what_latched_since_whatever_earlier_clocks_said(
    host: DrivenHost,
) -> None:
    """It fell off the bus, left, was put back while the clock was years ahead, and fell again."""
    years = 4 * 365 * DAY
    left = host.slots[2]
    assert left is not None
    _fall(host, left)
    _swap(host, 2, Part(7))
    host.stop()
    host.reboot(wrong_by=years)
    host.start()
    _swap(host, 2, left)
    host.stop()
    host.reboot(wrong_by=-years)
    host.start()
    host.pulse()
    _fall(host, left)
    before = set(host.agent.decisions.judge.latched)

    host.stop()
    host.reboot()
    host.start()
    after = set(host.agent.decisions.judge.latched)

    assert ("off-the-bus-again", left.key.uuid) in before
    assert after == before


def test_a_clock_that_is_put_right_leaves_the_flags_of_before_where_they_are(
    host: DrivenHost,
) -> None:
    """The host boots with a dead clock, years behind, and learns the time from its network."""
    years = 4 * 365 * DAY
    before = [(flag.raised_at, flag.evidence_at, flag.due_at) for flag in _flags(host)]
    host.stop()
    host.reboot(wrong_by=-years)
    host.start()
    host.pulse()

    host.clock.step(years)
    host.pulse()
    after = [(flag.raised_at, flag.evidence_at, flag.due_at) for flag in _flags(host)]

    assert after == before
