"""A moment is one instant on every clock."""

from datetime import UTC, datetime

from gpuwatch.domain.moments import Moment


def test_a_moment_tells_its_wall_clock_in_utc() -> None:
    """Aware, so that nobody takes it for local time."""
    moment = Moment(wall=1_772_409_600.5, boottime=7.0, boot_id="boot")

    assert moment.utc == datetime(2026, 3, 2, 0, 0, 0, 500_000, tzinfo=UTC)
