"""Child: what a probe child does first, so that it never outlives the agent that asked for it."""

import ctypes
import signal

_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent() -> bool:
    """Have the kernel send SIGTERM when the agent's thread that started this child ends.

    End of input says the same to a child that reads it; this reaches one that sits in a call which
    a signal can interrupt. SIGTERM, because SIGKILL of an NVML client has frozen GPUs (Xid 119).
    False where the kernel refuses; an agent that died before this call is told by end of input.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM.value, 0, 0, 0) == 0)
