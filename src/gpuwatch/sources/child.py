"""Child: what a probe child does first: it ends with its agent, dies before it, leaves no dump."""

import contextlib
import ctypes
import resource
import signal
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4  # prctl(2)
_SCORE = Path("/proc/self/oom_score_adj")  # proc(5): from -1000 to 1000
_HIGHEST_SCORE, _CHILDS_PART = 1000, 400


def end_with_parent() -> bool:
    """Have the kernel send SIGTERM when the agent's thread that started this child ends.

    End of input says the same to a child that reads it; this reaches one that sits in a call which
    a signal can interrupt. SIGTERM, because SIGKILL of an NVML client has frozen GPUs (Xid 119).
    False where the kernel refuses; an agent that died before this call is told by end of input.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM.value, 0, 0, 0) == 0)


def die_first() -> None:
    """Have the kernel end this child before the agent when memory runs out.

    The agent starts another child; nobody starts the agent's memory again. Raising one's own score
    needs no right; where /proc cannot be written it stays as it is.
    """
    with contextlib.suppress(OSError, ValueError):
        score = int(_SCORE.read_text()) + _CHILDS_PART
        _SCORE.write_text(str(min(score, _HIGHEST_SCORE)))


def keep_memory_to_itself() -> bool:
    """Leave no core dump, which would hold passwords, and let nobody but root read this memory.

    The limit is for dumps into files; a kernel that pipes dumps to a program asks whether a process
    is dumpable at all. False where the kernel refuses.
    """
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
