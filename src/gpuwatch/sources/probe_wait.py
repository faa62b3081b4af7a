"""Probe wait: sleep until a child says something, another thread calls, or time is up."""

import contextlib
import math
import os
import select
import time
from collections.abc import Iterable
from typing import Protocol

_LONGEST_SLEEP_SECONDS = 3_600.0


class Pollable(Protocol):
    """What can be waited for."""

    @property
    def descriptors(self) -> frozenset[int]:
        """What to poll for reading."""
        ...

    @property
    def ready(self) -> bool:
        """Whether there is something already read."""
        ...


class Wake:
    """Ends a `wait` from another thread."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def set(self) -> None:
        """End the present or the next `wait`. Thread-safe."""
        os.eventfd_write(self.descriptor, 1)

    def clear(self) -> None:
        """Forget what was set."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)

    def close(self) -> None:
        """Give the descriptor back; nobody may call `set` after."""
        os.close(self.descriptor)


def wait(watched: Iterable[Pollable], until: float, wake: Wake | None = None) -> bool:
    """Sleep until something is to be read, `wake` is set or monotonic second `until` has come.

    True when `wake` was set (it is cleared by that).
    """
    probes = tuple(watched)
    poller = select.poll()
    for descriptor in {each for probe in probes for each in probe.descriptors}:
        poller.register(descriptor, select.POLLIN)
    if wake is not None:
        poller.register(wake.descriptor, select.POLLIN)
    seconds = min(max(until - time.monotonic(), 0.0), _LONGEST_SLEEP_SECONDS)
    if any(probe.ready for probe in probes):
        seconds = 0.0
    # Rounded up: a time-out rounded down to 0 ms would spin through the last millisecond.
    found = poller.poll(math.ceil(seconds * 1_000))
    if wake is None or all(descriptor != wake.descriptor for descriptor, _ in found):
        return False
    wake.clear()
    return True
