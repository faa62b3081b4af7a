"""Calls: every NVML call is announced on the progress page, and none is begun without an agent."""
# ruff: noqa: ANN401 - a call is named by a string, and what it answers has no type

import time
from collections.abc import Callable
from typing import Any

import pynvml

from gpuwatch.sources.wire import ProgressPage

Mark = Callable[[int], None]
_LOOK_AFTER_NS = 1_000_000


class Lane:
    """One thread's way to NVML: its lane of the progress page, and whether it should go on.

    `check` is called when the call before took long, and raises to end the thread's work: asking
    the kernel before every call whether the agent is still there would cost more than most calls.
    """

    def __init__(self, page: ProgressPage, check: Callable[[], None]) -> None:
        self.page = page
        self._check = check
        self._since = 0
        self.marker = page.marker

    def enter(self, mark: Mark) -> None:
        """Announce the call that comes next."""
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if now - self._since > _LOOK_AFTER_NS:
            self._check()
        self._since = now
        mark(now)

    def call(self, device: str, function: str, *arguments: Any) -> Any:
        """One call of the binding by name, announced. Raises NVMLError."""
        self.enter(self.page.marker(device, function))
        try:
            return getattr(pynvml, function)(*arguments)
        finally:
            self.page.leave()

    def leave(self) -> None:
        """No call is under way: what comes may take its time without NVML's fault."""
        self.page.leave()
