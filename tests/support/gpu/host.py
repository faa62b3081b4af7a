"""Host: where the driver under check is, and in one sentence why there is none.

`python -m tests.support.gpu.host` exits 1 with that sentence, for `make gpu-check`.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gpuwatch.sources.driver import driver_load
from simulator.world import Server
from tests.support.nvml_child import NvmlChild

_NEEDS = "make gpu-check needs an NVIDIA GPU with its driver loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Where to look. The defaults are this machine's own; `server` is a simulated one."""

    sysfs: Path = Path("/sys")
    proc: Path = Path("/proc")
    kernel_log: Path = Path("/dev/kmsg")
    module_loader: Path = Path("/usr/bin/nvidia-modprobe")
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def simulated(cls, server: Server) -> "Host":
        """The host that a simulated server is."""
        return cls(
            sysfs=server.sysfs,
            proc=server.proc,
            kernel_log=server.kmsg,
            module_loader=server.directory / "nvidia-modprobe",
            variables=server.environment(),
        )

    def environment(self) -> dict[str, str]:
        """What a child needs to find the library."""
        return dict(self.variables)


def absence(host: Host) -> str:
    """Why nothing can be checked here; "" when there is a GPU that answers."""
    if driver_load(host.sysfs, host.proc) is None:
        return f"{_NEEDS}: {host.sysfs}/module/nvidia is not there (load the driver first)"
    with NvmlChild(host) as child:
        if child.hello["say"] != "ready":
            stage, text = child.hello["stage"], child.hello["text"]
            return f"{_NEEDS}: NVML could not {stage}: {text}"
        answers = child.inventory()
    if not any(answer["say"] == "device" for answer in answers):
        return f"{_NEEDS}: NVML lists {len(answers)} GPUs and none of them can be opened"
    return ""


def is_root() -> bool:
    """Whether privileged calls are answered, and another user can be tried."""
    return os.geteuid() == 0


if __name__ == "__main__":
    sys.exit(absence(Host()) or 0)
