"""A moment is one instant on every clock."""

from datetime import UTC, datetime

import pytest

from gpuwatch.domain.moments import Moment, redated


def test_a_moment_tells_its_wall_clock_in_utc() -> None:
    """Aware, so that nobody takes it for local time."""
    moment = Moment(wall=1_772_409_600.5, boottime=7.0, boot_id="boot")

    assert moment.utc == datetime(2026, 3, 2, 0, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "boottime", "then"),
    [
        (1060.000004, 67.0, 1000.0),
        (1059.999996, 67.0, 1000.0),
        (4660.000003, 67.0, 4600.0),
    ],
)
def test_an_instant_moves_with_a_step_of_the_clock_and_with_nothing_else(
    wall: float, boottime: float, then: float
) -> None:
    """Clocks that are read one after the other differ by microseconds; a step is an hour here."""
    started = Moment(wall=1000.0, boottime=7.0, boot_id="boot")

    assert redated(started, Moment(wall=wall, boottime=boottime, boot_id="boot")) == then
