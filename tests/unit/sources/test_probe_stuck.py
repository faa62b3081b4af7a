"""What is said of a child that does not answer."""

from pathlib import Path

import pytest

from gpuwatch.sources.probe_stuck import Stuck, _state, _where, describe_stuck
from gpuwatch.sources.wire import Progress

SWEEPING = Progress(since_ns=90_000_000_000, device="0000:01:00.0", function="nvmlDeviceGetName")
WAITING = Progress(
    since_ns=60_000_000_000, device="0000:03:00.0", function="nvmlDeviceRegisterEvents"
)


def _process(proc: Path, first: str, second: str) -> None:
    """Process 7 with two threads in these states."""
    for place, state in (("7", first), ("7/task/7", first), ("7/task/8", second)):
        (proc / place).mkdir(parents=True, exist_ok=True)
        (proc / place / "stat").write_text(f"7 (python3) {state} 1 7 7")
        (proc / place / "wchan").write_text(f"waits_in_{state}")


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


@pytest.mark.parametrize("first", ["S", "Z"])
def test_the_thread_that_nothing_ends_is_the_one_that_is_told(first: str, tmp_path: Path) -> None:
    """The first thread waits for its lock, or has ended: the process sits where the second does."""
    _process(tmp_path, first, "D")

    stuck = describe_stuck(
        7, SWEEPING, waiting=WAITING, boottime=100.0, waited_seconds=1.0, proc=tmp_path
    )

    assert str(stuck) == (
        "stuck for 40 s in state D, in nvmlDeviceRegisterEvents, GPU 0000:03:00.0, "
        "kernel function waits_in_D"
    )


def test_a_thread_that_says_no_gpu_leaves_it_to_the_other(tmp_path: Path) -> None:
    """Whose call it is can still be told by the first thread, if that is in one."""
    _process(tmp_path, "S", "D")
    nobodys = Progress(since_ns=1, device="", function="nvmlEventSetFree")

    by_first = describe_stuck(
        7, SWEEPING, waiting=nobodys, boottime=100.0, waited_seconds=1.0, proc=tmp_path
    )
    alone = describe_stuck(
        7, None, waiting=nobodys, boottime=100.0, waited_seconds=1.0, proc=tmp_path
    )

    assert (by_first.state, by_first.device, by_first.seconds) == ("D", "0000:01:00.0", 10.0)
    assert (alone.state, alone.call, alone.device) == ("D", "nvmlEventSetFree", "")


@pytest.mark.parametrize(("first", "second"), [("D", "D"), ("S", "S"), ("T", "S")])
def test_else_it_is_the_first_thread_that_is_told(first: str, second: str, tmp_path: Path) -> None:
    """The second one waits for events all its life, which is nothing to tell."""
    _process(tmp_path, first, second)

    stuck = describe_stuck(
        7, SWEEPING, waiting=WAITING, boottime=100.0, waited_seconds=1.0, proc=tmp_path
    )

    assert (stuck.state, stuck.call, stuck.seconds) == (first, "nvmlDeviceGetName", 10.0)
