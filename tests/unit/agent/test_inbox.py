"""The inbox gathers what belongs together and runs errands in the agent's thread."""

import pytest

from gpuwatch.agent.inbox import Delivery, Errand, Inbox
from gpuwatch.sources.base import DriverState

READY = DriverState(condition="ready")


def test_what_arrives_together_is_taken_together() -> None:
    """The messages of one sweep make one turn."""
    inbox = Inbox()
    inbox.deliver("nvml", READY)
    inbox.deliver("kernel_log", READY)
    inbox.wake()

    taken = list(inbox.take(60.0, 60.0))

    assert taken == [Delivery("nvml", READY), Delivery("kernel_log", READY)]


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
