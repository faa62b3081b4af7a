"""Root agent: run in a minimal root by its own Python, to watch the installed agent serve there.

Its words: the folder of the simulated server, and how many GPUs to wait for. It brings up loopback,
starts the agent as its user with what the unit would give it, and prints /metrics once every GPU is
there. Standard library only, and nothing of this repository: the root has none of it.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

_SET_FLAGS, _UP = 0x8914, 0x1  # SIOCSIFFLAGS and IFF_UP of netdevice(7)
_PATIENCE_SECONDS = 60.0
_USER = ("setpriv", "--reuid", "gpuwatch", "--regid", "gpuwatch", "--clear-groups")


def main(server: str, gpus: int) -> int:
    """0 once the agent has served and ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    runtime = Path("/run/gpuwatch")
    runtime.mkdir(exist_ok=True)
    shutil.chown(runtime, "gpuwatch", "gpuwatch")
    settings = (
        f"nvml.sysfs={server}/sys",
        f"nvml.proc={server}/proc",
        f"kernel_log.path={server}/kmsg",
        "nvml.fast=2s",
    )
    options = [word for one in settings for word in ("--set", one)]
    library = {"SIMULATED_SERVER": server, "LD_LIBRARY_PATH": f"{server}/lib"}
    agent = subprocess.Popen([*_USER, "gpuwatch", "run", *options], env=os.environ | library)
    try:
        sys.stdout.write(_metrics(gpus))
    finally:
        agent.terminate()
    return agent.wait(_PATIENCE_SECONDS)


def _metrics(gpus: int) -> str:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    text = ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen("http://127.0.0.1:9853/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            pass
        if text.count("\ngpuwatch_gpu_info{") == gpus:
            return text
        time.sleep(0.1)
    raise SystemExit(f"not {gpus} GPUs within {_PATIENCE_SECONDS:g} s: {text[:400]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
