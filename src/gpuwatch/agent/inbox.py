"""Inbox: what sources and people send to the agent's one thread."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gpuwatch.domain.readings import Sweep
from gpuwatch.sources.base import Message


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and the source it came from."""

    source: str
    message: Message


@dataclass(slots=True)
class Errand:
    """Work for the agent's thread, asked by another; `result` waits for it."""

    work: Callable[[], Any]
    _done: threading.Event = field(default_factory=threading.Event)
    _value: Any = None
    _error: BaseException | None = None

    def run(self) -> None:
        """Do it, in the agent's thread."""
        try:
            self._value = self.work()
        except Exception as error:  # noqa: BLE001 - handed to the thread that asked
            self._error = error
        finally:
            self._done.set()

    def result(self, within_seconds: float) -> Any:  # noqa: ANN401 - whatever the work returns
        """What the work returned or raised. Raises TimeoutError when the agent is too busy."""
        if not self._done.wait(within_seconds):
            raise TimeoutError(f"the agent did not answer within {within_seconds:g} s")
        if self._error is not None:
            raise self._error
        return self._value


class Inbox:
    """A queue that never blocks the sender and wakes the agent when there is something to do.

    One GPU's answers alone do not: a sweep ends with its source's state, which does, so that a
    sweep of eight GPUs is one turn and one decision. Answers whose sweep does not end, because the
    next GPU hangs, are taken by the next turn.
    """

    def __init__(self) -> None:
        self._items: deque[Delivery | Errand] = deque()
        # Not a lock or an event: a signal handler may put into this queue whatever it interrupts.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def deliver(self, source: str, message: Message) -> None:
        """Put a source's message in (any thread)."""
        self._items.append(Delivery(source, message))
        if not isinstance(message, Sweep):
            self._bell.put(None)

    def ask(self, work: Callable[[], Any]) -> Errand:
        """Put work in (any thread)."""
        errand = Errand(work)
        self._items.append(errand)
        self._bell.put(None)
        return errand

    def wake(self) -> None:
        """Make the agent look up (any thread, also a signal handler)."""
        self._bell.put(None)

    @property
    def rung(self) -> bool:
        """Whether somebody wants the agent to look up."""
        return not self._bell.empty()

    def take(self, within_seconds: float) -> Iterator[Delivery | Errand]:
        """Everything that has arrived, in order; waits until somebody rings or time is up."""
        try:
            self._bell.get(timeout=within_seconds)
            while self.rung:
                self._bell.get_nowait()
        except queue.Empty:
            pass
        for _ in range(len(self._items)):  # no more: what arrives meanwhile is the next turn's
            yield self._items.popleft()
