"""The guard lets one failure pass and no lasting one, and never what this process cannot mend."""

from collections.abc import Callable

import pytest

from gpuwatch.agent.guard import CAPTURE, LOOK, MESSAGE, SWEEP, FatalError, Guard
from gpuwatch.history import SecondWriterError


class Seconds:
    """A monotonic clock set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The present second."""
        return self.now


def _fail(error: Exception) -> Callable[[], bool]:
    def work() -> bool:
        raise error

    return work


def _nothing() -> bool:
    return False


def test_a_job_that_fails_is_counted_and_the_loop_goes_on() -> None:
    """The others are not held up; counters exist at 0 from the start."""
    guard = Guard(Seconds())

    changed = guard.run(MESSAGE, _fail(KeyError("x")))

    assert changed
    assert guard.failures == {MESSAGE: 1, LOOK: 0, SWEEP: 0, CAPTURE: 0}
    assert not guard.run(LOOK, _nothing)


def test_a_job_that_only_fails_for_a_minute_ends_the_agent() -> None:
    """An agent that decides nothing any more must not look alive."""
    seconds = Seconds()
    guard = Guard(seconds)
    guard.run(SWEEP, _fail(ValueError("again")))
    seconds.now += 59.0
    guard.run(SWEEP, _fail(ValueError("again")))
    seconds.now += 1.0

    with pytest.raises(FatalError, match=r"sweep has only failed for 60 s.*again"):
        guard.run(SWEEP, _fail(ValueError("again")))


def test_a_success_in_between_starts_the_patience_anew() -> None:
    """Two bad messages an hour apart are no lasting failure."""
    seconds = Seconds()
    guard = Guard(seconds)
    guard.run(MESSAGE, _fail(ValueError("once")))
    guard.run(MESSAGE, _nothing)
    seconds.now += 3600.0

    assert guard.run(MESSAGE, _fail(ValueError("twice")))


@pytest.mark.parametrize("error", [MemoryError(), SecondWriterError("two"), FatalError("dead")])
def test_what_this_process_cannot_mend_ends_it_at_once(error: Exception) -> None:
    """No memory, another writer, a thread that died."""
    with pytest.raises(type(error)):
        Guard(Seconds()).run(LOOK, _fail(error))


def test_a_wish_to_end_is_no_failure() -> None:
    """What is no Exception passes."""

    def leave() -> bool:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        Guard(Seconds()).run(LOOK, leave)


def _fail_at_once() -> None:
    raise KeyError("x")


def _run_out() -> None:
    raise MemoryError


def test_what_the_agent_can_do_without_never_ends_it() -> None:
    """However long it only fails: it is counted, and told."""
    seconds = Seconds()
    guard = Guard(seconds)
    for _ in range(10):
        guard.attempt(CAPTURE, _fail_at_once)
        seconds.now += 60.0

    assert guard.failures[CAPTURE] == 10


def test_memory_that_ran_out_ends_it_whatever_it_was_wanted_for() -> None:
    """Nothing is left to trust."""
    with pytest.raises(MemoryError):
        Guard(Seconds()).attempt(CAPTURE, _run_out)
