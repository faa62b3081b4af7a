"""Inbox: what sources and people send to the agent's one thread."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

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
    """A queue that never blocks the sender and wakes the agent."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Delivery | Errand | None] = queue.SimpleQueue()

    def deliver(self, source: str, message: Message) -> None:
        """Put a source's message in (any thread)."""
        self._queue.put(Delivery(source, message))

    def ask(self, work: Callable[[], Any]) -> Errand:
        """Put work in (any thread)."""
        errand = Errand(work)
        self._queue.put(errand)
        return errand

    def wake(self) -> None:
        """Make the agent look up (any thread, also a signal handler)."""
        self._queue.put(None)

    def take(
        self, within_seconds: float, gather_seconds: float = 0.0
    ) -> Iterator[Delivery | Errand]:
        """What arrived: waits for the first, then gathers what comes within `gather_seconds`.

        A sweep arrives as one message a GPU; gathering them makes one decision of one sweep.
        """
        deadline = time.monotonic() + within_seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                item = self._queue.get(timeout=left)
            except queue.Empty:
                return
            if item is None:
                return
            yield item
            deadline = min(deadline, time.monotonic() + gather_seconds)
