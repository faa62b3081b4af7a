"""The warped clock: simulated time that runs, jumps and is stepped."""

from pathlib import Path

import pytest

from simulator.clock import Setting, WarpedClock
from tests.support.patience import eventually


@pytest.fixture
def clock(tmp_path: Path) -> WarpedClock:
    """A clock that starts as the machine's own."""
    warped = WarpedClock(tmp_path / "clock")
    warped.set(Setting.real())
    return warped


def test_it_starts_as_the_machines_own_time(clock: WarpedClock) -> None:
    """Unwarped it tells real wall and boot time and the real boot id."""
    real = Setting.real()
    now = clock.now()

    assert abs(now.wall - real.wall) < 30
    assert abs(now.boottime - real.boottime) < 30
    assert now.boot_id == real.boot_id


def test_advancing_moves_both_clocks(clock: WarpedClock) -> None:
    """Twelve days pass at once on the wall and since boot."""
    before = clock.now()
    clock.advance(12 * 86_400)
    after = clock.now()

    assert after.wall - before.wall == pytest.approx(12 * 86_400, abs=30)
    assert after.boottime - before.boottime == pytest.approx(12 * 86_400, abs=30)


@pytest.mark.parametrize("step", [3600.0, -3600.0, 31_557_600.0, -31_557_600.0])
def test_a_step_moves_the_wall_alone(clock: WarpedClock, step: float) -> None:
    """The wall clock is set by an hour or a year; boot time takes no notice."""
    before = clock.now()
    clock.step_wall(step)
    after = clock.now()

    assert after.wall - before.wall == pytest.approx(step, abs=30)
    assert 0 <= after.boottime - before.boottime < 30


def test_a_rate_makes_time_run(clock: WarpedClock) -> None:
    """At a million-fold rate a day passes in a tenth of a second."""
    before = clock.now()
    clock.run_at(1e6)

    assert eventually(lambda: clock.now().wall - before.wall > 86_400)
    assert clock.now().boottime - before.boottime > 86_400


def test_a_standing_clock_stands(clock: WarpedClock) -> None:
    """At rate 0 two looks tell the same time."""
    clock.run_at(0)

    assert clock.now() == clock.now()


def test_a_reboot_starts_boot_time_anew(clock: WarpedClock) -> None:
    """Another boot id, boot time near 0, the wall clock goes on."""
    before = clock.now()
    clock.reboot()
    after = clock.now()

    assert after.boot_id != before.boot_id
    assert after.boottime < 30
    assert after.wall >= before.wall


def test_it_says_what_ntp_would_say(clock: WarpedClock) -> None:
    """Synchronised until told otherwise."""
    at_first = clock.synchronized()
    clock.set_synchronized(synchronized=False)

    assert (at_first, clock.synchronized()) == (True, False)


def test_time_does_not_run_backwards(clock: WarpedClock) -> None:
    """A negative rate or advance is refused: boot time never goes back."""
    with pytest.raises(ValueError, match="cannot run backwards"):
        clock.run_at(-1)
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)
