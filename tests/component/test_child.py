"""What a child does first, as a process of its own, and which rights the agent hands down to it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.require import require

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


INHERITED = """
import subprocess, sys
from gpuwatch.agent.hook_run import run
from gpuwatch.sources.probe import Probe
look = lambda name: ("/bin/sh", "-c", f"grep CapAmb /proc/self/status > {sys.argv[1]}/{name}")
run(look("hook"), b"{}", 30.0)
probes = [Probe(look("probe"), log=print), Probe(look("kernel-log"), log=print, kernel_log=True)]
subprocess.run(look("later"), check=True)
for probe in probes:
    probe._process.wait()
"""


def test_the_right_to_the_kernel_log_is_handed_down_to_its_reader_alone(tmp_path: Path) -> None:
    """Hooks are the commands of others, and what BMCs and calendars say is from the network."""
    if os.geteuid() != 0:
        pytest.skip("missing: root (only root has rights to hand down)")
    handed = ("--inh-caps", "+syslog", "--ambient-caps", "+syslog")

    subprocess.run(
        [require("setpriv", "util-linux"), *handed, sys.executable, "-c", INHERITED, str(tmp_path)],
        check=True,
        timeout=60,
    )

    assert {path.name: path.read_text().split()[1] for path in tmp_path.iterdir()} == {
        "hook": "0000000000000000",
        "probe": "0000000000000000",
        "kernel-log": "0000000400000000",
        "later": "0000000400000000",
    }
