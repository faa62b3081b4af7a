"""Deadline: nothing that the main thread does against a service outlasts the time it was given.

A socket's time-out bounds the wait for the next byte and not an answer that drips. So a second
thread interrupts the main one by a signal, whose handler raises there: that also ends a read in a
library that would go on waiting. SIGALRM is not used for it, as it is the child's last resort.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

_SIGNAL = signal.SIGUSR1
_AGAIN_SECONDS = 1.0  # a library may have swallowed the first


class Late(TimeoutError):  # noqa: N818 - says what happened
    """The time for something is over. Raised in the main thread, wherever it is."""


class Deadline:
    """Bounds what the main thread does, one thing at a time. To be made there."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._changed = threading.Condition()
        self._main = threading.main_thread().ident
        signal.signal(_SIGNAL, self._interrupt)
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Raise `Late` out of the block when it takes longer."""
        self._set(time.monotonic() + seconds)
        try:
            yield
        finally:
            self._until = None  # at once; the watch need not know

    def _set(self, until: float) -> None:
        with self._changed:
            self._until = until
            self._changed.notify()

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        until = self._until
        if until is not None and time.monotonic() >= until:
            raise Late("it took longer than it may")

    def _watch(self) -> None:
        """Wait for the deadline, in a thread of its own."""
        with self._changed:
            while True:
                until = self._until
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    if self._main is not None:
                        signal.pthread_kill(self._main, _SIGNAL)
                    left = _AGAIN_SECONDS
                self._changed.wait(left)
