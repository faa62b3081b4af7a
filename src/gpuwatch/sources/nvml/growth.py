"""Growth: whether this process holds much more memory than after its first sweep.

A library that loses a little with every call is nothing for a process that lives for months: a
fresh one does better. The agent's unit bounds the whole of it; elsewhere nobody does. Measured
against the first sweep, because nobody knows what a driver to come needs on a host of many GPUs.
"""

import os
import resource
from collections.abc import Callable

ALLOWED_BYTES = 256 << 20
# The last resort, for what grows within one call. Of writable memory that is not shared, so that
# what a driver maps of its devices, however large, is not counted; not of address space, which
# libraries of NVIDIA's reserve by tens of gigabytes.
MOST_BYTES = 2 << 30
_STATM = "/proc/self/statm"  # proc(5): of seven numbers of pages the sixth are data and stack
_DATA = 5
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def bound() -> None:
    """Have the kernel refuse this process more than `MOST_BYTES`."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = MOST_BYTES if hard == resource.RLIM_INFINITY else min(MOST_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def own_bytes() -> int:
    """The writable memory of this process that is its alone, swapped out or not.

    What the kernel counts for the bound, too. 0 where it does not tell.
    """
    try:
        with open(_STATM, "rb") as file:  # noqa: PTH123 - see __main__.options
            return int(file.read().split()[_DATA]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0


class Growth:
    """Compares `held`, the bytes of this process, with those at the first look."""

    def __init__(self, held: Callable[[], int] = own_bytes) -> None:
        self._held = held
        self._first: int | None = None

    def beyond(self) -> int:
        """By how many bytes it grew, where that is more than it may be; else 0."""
        held = self._held()
        if self._first is None:
            self._first = held
        grown = held - self._first
        return grown if grown > ALLOWED_BYTES else 0
