"""Rights: who of those that the agent starts may read the kernel's log."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_CAP_SYSLOG = 34  # capabilities(7)
_PR_CAP_AMBIENT, _IS_SET, _RAISE, _LOWER = 47, 1, 2, 3  # prctl(2)


@contextmanager
def without_kernel_log() -> Iterator[None]:
    """What this thread starts meanwhile does not inherit CAP_SYSLOG, should the agent hand it down.

    The kernel keeps these sets for each thread, so that no other one notices. A process that is
    root has its rights of that.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handed_down = libc.prctl(_PR_CAP_AMBIENT, _IS_SET, _CAP_SYSLOG, 0, 0) == 1
    if handed_down:
        libc.prctl(_PR_CAP_AMBIENT, _LOWER, _CAP_SYSLOG, 0, 0)
    try:
        yield
    finally:
        if handed_down:
            libc.prctl(_PR_CAP_AMBIENT, _RAISE, _CAP_SYSLOG, 0, 0)
