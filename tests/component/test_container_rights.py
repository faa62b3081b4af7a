"""What the privileged container leaves the agent, as the kernel says it of a process so started."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.require import require

MANIFEST = Path(__file__).parents[2] / "packaging" / "container" / "daemonset-kernel-log.yaml"
CAP_SYSLOG = 1 << 34  # capabilities(7)


def test_the_agent_in_a_privileged_container_is_left_the_kernel_log_and_nothing_else() -> None:
    """Another user, one capability, and no way to gain more."""
    if os.geteuid() != 0:
        pytest.skip("missing: root (only root has rights to give away)")
    (container,) = yaml.safe_load(MANIFEST.read_text())["spec"]["template"]["spec"]["containers"]
    words = shlex.split(container["command"][-1].split("exec ")[1].replace("\\\n", " "))
    started = [
        require("setpriv", "util-linux"),
        *words[1 : words.index("/opt/gpuwatch/bin/gpuwatch")],
    ]

    done = subprocess.run(
        [*started, "cat", "/proc/self/status"], capture_output=True, text=True, check=True
    )

    told = dict(re.findall(r"^(\w+):\s+(\S+)", done.stdout, re.MULTILINE))
    sets = {int(told[f"Cap{name}"], 16) for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
    assert (told["Uid"], told["Gid"], told["NoNewPrivs"]) == ("9853", "9853", "1")
    assert sets == {CAP_SYSLOG}
