"""Watching: a thread that exists only while there is something to look at, again and again."""

import threading
from abc import ABC, abstractmethod


class Watching(ABC):
    """What looks at the files or runs the commands of others, which may take their time.

    `name` is the thread's; `every_seconds` pass between two looks, fewer after `_begin`, `_wake`.
    """

    def __init__(self, name: str, every_seconds: float) -> None:
        self._name = name
        self._every_seconds = every_seconds
        self._stopping = False
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether it looks, or there is nothing to look at."""
        return self._thread is None or self._thread.is_alive()

    def stop(self) -> None:
        """End without waiting: what the thread waits for has its own deadline, or none at all."""
        self._stopping = True
        self._woken.set()

    def _begin(self) -> None:
        """Look from now on, and at once: there is something to look at."""
        if self._thread is None and not self._stopping:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._wake()

    def _wake(self) -> None:
        """Look again now."""
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            self._look()
            self._woken.wait(self._every_seconds)

    @abstractmethod
    def _look(self) -> None:
        """Look once, in the thread; `_stopping` says whether to leave off."""
