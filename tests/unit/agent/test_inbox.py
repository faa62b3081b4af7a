"""The inbox gathers what belongs together and runs errands in the agent's thread."""

import pytest

from gpuwatch.agent.inbox import Delivery, Errand, Inbox
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Sweep
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.base import DriverState

READY = DriverState(condition="ready")
STATE = SourceState(name="nvml", up=True, fresh=True)
SWEEP = Sweep(
    board=BoardKey("1652", "GPU-1"),
    at=Moment(wall=1_800_000_000.0, boottime=5000.0, boot_id="b"),
    cadences=frozenset(),
    signals=(),
    values=(),
)


def test_what_arrives_together_is_taken_together() -> None:
    """The messages of one sweep make one turn."""
    inbox = Inbox()
    inbox.deliver("nvml", READY)
    inbox.deliver("kernel_log", READY)
    inbox.wake()

    taken = list(inbox.take(60.0))

    assert taken == [Delivery("nvml", READY), Delivery("kernel_log", READY)]


def test_a_gpus_answers_wait_for_the_end_of_their_sweep() -> None:
    """They do not wake the agent; the source's state does, and brings them along in order."""
    inbox = Inbox()
    inbox.deliver("nvml", SWEEP)
    waiting = inbox.rung
    inbox.deliver("nvml", STATE)

    taken = list(inbox.take(60.0))

    assert (waiting, inbox.rung) == (False, False)
    assert taken == [Delivery("nvml", SWEEP), Delivery("nvml", STATE)]


def test_answers_whose_sweep_does_not_end_are_taken_at_the_next_turn() -> None:
    """The GPU after them hangs: they are news all the same."""
    inbox = Inbox()
    inbox.deliver("nvml", SWEEP)

    assert list(inbox.take(0.0)) == [Delivery("nvml", SWEEP)]


def test_what_arrives_while_a_turn_is_worked_off_is_the_next_turns() -> None:
    """A flood cannot keep the loop in one turn, away from its watchdog."""
    inbox = Inbox()
    inbox.deliver("nvml", READY)

    turn = inbox.take(60.0)
    first = next(turn)
    inbox.deliver("nvml", STATE)

    assert (first, list(turn)) == (Delivery("nvml", READY), [])
    assert list(inbox.take(60.0)) == [Delivery("nvml", STATE)]


def test_a_wake_ends_the_wait() -> None:
    """A signal makes the agent look up at once, long before its time is over."""
    inbox = Inbox()
    inbox.wake()

    assert list(inbox.take(60.0)) == []


def test_an_errand_returns_what_its_work_returned() -> None:
    """The asking thread gets the value, or the error."""
    inbox = Inbox()
    good, bad = inbox.ask(lambda: 42), inbox.ask(lambda: 1 // 0)

    for item in (*inbox.take(1.0), *inbox.take(1.0)):
        assert isinstance(item, Errand)
        item.run()

    assert good.result(1.0) == 42
    with pytest.raises(ZeroDivisionError):
        bad.result(1.0)


def test_an_errand_that_nobody_runs_times_out() -> None:
    """An agent that is stuck does not hold the asker."""
    errand = Inbox().ask(lambda: 42)

    with pytest.raises(TimeoutError, match="did not answer"):
        errand.result(0.0)
