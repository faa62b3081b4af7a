"""The clock watch notices steps of the wall clock and knows when dates can be trusted."""

from dataclasses import dataclass, replace

import pytest

from gpuwatch.agent.clockwatch import ClockWatch
from gpuwatch.domain.moments import Moment

START = Moment(wall=1_800_000_000.0, boottime=5000.0, boot_id="b")


@dataclass
class TurnedClock:
    """A clock that a test turns by hand."""

    moment: Moment = START
    in_sync: bool | None = True

    def now(self) -> Moment:
        """The instant it was turned to."""
        return self.moment

    def synchronized(self) -> bool | None:
        """What it was told to say."""
        return self.in_sync


def _later(seconds: float, *, wall: float | None = None) -> Moment:
    moved = seconds if wall is None else wall
    return replace(START, wall=START.wall + moved, boottime=START.boottime + seconds)


@pytest.mark.parametrize("wall", [3610.0, -3590.0, 31_536_010.0, -31_535_990.0, 12.0])
def test_a_step_is_the_difference_of_the_two_clocks(wall: float) -> None:
    """An hour or a year, forward or back, is seen at the first look and only then."""
    watch = ClockWatch.start(TurnedClock())

    step = watch.look(_later(10, wall=wall))
    again = watch.look(_later(20, wall=wall + 10))

    assert step == pytest.approx(wall - 10)
    assert (again, watch.steps) == (None, 1)


def test_slewing_is_no_step() -> None:
    """NTP slews by less than a second between two looks."""
    watch = ClockWatch.start(TurnedClock())

    assert watch.look(_later(10, wall=10.5)) is None


def test_dates_wait_ten_minutes_after_a_large_step() -> None:
    """An hour's jump unsettles dates until the clock ran evenly for ten minutes."""
    watch = ClockWatch.start(TurnedClock())
    watch.look(_later(10, wall=3700))

    settled = [watch.settled(_later(seconds)) for seconds in (10, 609, 611)]

    assert settled == [False, False, True]


def test_a_small_step_unsettles_nothing() -> None:
    """A correction of a minute leaves dates good enough."""
    watch = ClockWatch.start(TurnedClock())
    watch.look(_later(10, wall=70))

    assert watch.settled(_later(11))


def test_a_hall_without_ntp_waits_an_hour_and_not_for_ever() -> None:
    """An unsynchronised kernel clock delays dates for the first hour only."""
    watch = ClockWatch.start(TurnedClock(in_sync=False))
    watch.look(_later(1))

    assert (watch.settled(_later(3599)), watch.settled(_later(3601))) == (False, True)
