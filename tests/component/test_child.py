"""What a child does first, as a process of its own: it dies before the agent and leaves no dump."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import ctypes, resource
from gpuwatch.sources.child import die_first, keep_memory_to_itself
die_first()
print(open("/proc/self/oom_score_adj").read().strip())
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE
print(keep_memory_to_itself())
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
print(resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_a_child_raises_its_own_score_and_cannot_be_dumped() -> None:
    """The kernel ends it first when memory runs out, and writes nothing of it anywhere."""
    own = int(Path("/proc/self/oom_score_adj").read_text())

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.split("\n")[:5] == [str(min(own + 400, 1000)), "1", "True", "0", "(0, 0)"]
