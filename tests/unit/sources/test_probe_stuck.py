"""What is said of a child that does not answer."""

import pytest

from gpuwatch.sources.probe_stuck import Stuck, _state, _where


def test_a_stuck_child_is_described_in_a_sentence() -> None:
    """How long, in which state, in which call, on which GPU, and where in the kernel."""
    stuck = Stuck(
        pid=7,
        state="D",
        where="nvidia_ioctl",
        call="nvmlDeviceGetRemappedRows",
        device="0000:03:00.0",
        seconds=94.4,
    )

    assert str(stuck) == (
        "stuck for 94 s in state D, in nvmlDeviceGetRemappedRows, GPU 0000:03:00.0, "
        "kernel function nvidia_ioctl"
    )


def test_what_is_not_known_is_left_out() -> None:
    """A child that said nothing and may not be looked into still gets a true sentence."""
    stuck = Stuck(pid=7, state="S", where="", call="", device="", seconds=10.0)

    assert str(stuck) == "stuck for 10 s in state S"


@pytest.mark.parametrize("state", ["", "Z", "X"])
def test_a_child_that_died_is_not_called_stuck(state: str) -> None:
    """It ended in a call: another thing than to hang there."""
    stuck = Stuck(pid=7, state=state, where="", call="nvmlInit", device="", seconds=0.2)

    assert str(stuck) == "ended after 0 s, in nvmlInit"


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("9019 (sleep) D 9012 9012 3516", "D"),
        ("9019 (a) R (b) S 1 1 1", "S"),
        ("", ""),
    ],
)
def test_the_state_letter_follows_the_command(stat: str, state: str) -> None:
    """A command name with brackets in it does not shift the fields."""
    assert _state(stat) == state


@pytest.mark.parametrize(
    ("wchan", "stack", "where"),
    [
        ("hrtimer_nanosleep", "", "hrtimer_nanosleep"),
        (
            "0",
            "[<0>] os_acquire_rwlock_write+0x27/0x30 [nvidia]\n[<0>] x",
            "os_acquire_rwlock_write",
        ),
        ("0", "", ""),
        ("", "", ""),
    ],
)
def test_the_kernel_function_comes_from_what_is_readable(
    wchan: str, stack: str, where: str
) -> None:
    """The wait channel where it is shown, else the innermost frame, else nothing."""
    assert _where(wchan, stack) == where
