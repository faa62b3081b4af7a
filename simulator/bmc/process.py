"""Process: ipmi_sim as a process that is started, frozen, killed and found again by its pid."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from simulator.bmc.configuration import Ports

PROGRAM = "ipmi_sim"
PACKAGE = "openipmi"
HEADER = Path("/usr/include/OpenIPMI/lanserv.h")
HEADER_PACKAGE = "libopenipmi-dev"
_HERE = Path(__file__).parent
_LOCAL_LIBRARY = _HERE.parent / "build" / "ipmi_device.so"
_START_SECONDS = 20.0
_PORTS = (20_000, 32_768)
# Get Channel Authentication Capabilities outside of a session: the first thing any client asks.
_ARE_YOU_THERE = bytes.fromhex("0600ff0700000000000000000009" + "2018c88100388e04b5")


class BmcAbsentError(RuntimeError):
    """ipmi_sim is not installed, or did not start."""


def build() -> None:
    """Build both libraries if their sources are newer. Raises BmcAbsentError where it cannot."""
    if not HEADER.exists():
        raise BmcAbsentError(f"missing: {HEADER} (apt-get install {HEADER_PACKAGE})")
    subprocess.run(["make", "--silent", "-C", _HERE], check=True)  # noqa: S607 - any make


def local_environment(ports: Ports, device: Path) -> dict[str, str]:
    """What a program needs to find the BMC in band, as a device at that path."""
    return {
        "LD_PRELOAD": str(_LOCAL_LIBRARY),
        "SIMULATED_IPMI_DEVICE": str(device),
        "SIMULATED_IPMI_PORT": str(ports.local),
    }


def free_ports() -> Ports:
    """Ports of 127.0.0.1 that nobody listens on at this moment.

    Below those that the kernel gives away by itself: a BMC that is dead for a while finds its port
    free when it comes back.
    """
    with contextlib.ExitStack() as held:
        kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_STREAM)
        numbers = [_free_port(held.enter_context(socket.socket(type=kind))) for kind in kinds]
    return Ports(*numbers)


def _free_port(trial: socket.socket) -> int:
    while True:
        port = random.randrange(*_PORTS)
        with contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port


def answers(port: int, seconds: float) -> bool:
    """Whether a BMC answers within so many seconds, without a session."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(seconds)
        try:
            asking.connect(("127.0.0.1", port))
            asking.send(_ARE_YOU_THERE)
            return bool(asking.recv(256))
        except OSError:
            return False


class SimulatorProcess:
    """One ipmi_sim in a directory that holds `lan.conf`, `commands.emu` and its pid."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process that serves this directory, whoever started it; None when there is none."""
        try:
            pid = int((self._directory / "pid").read_text())
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if str(self._directory).encode() in arguments else None

    def start(self, port: int) -> None:
        """Start it, and wait until it answers. Raises BmcAbsentError when it does not."""
        program = shutil.which(PROGRAM)
        if program is None:
            raise BmcAbsentError(f"missing: {PROGRAM} (apt-get install {PACKAGE})")
        build()
        directory = self._directory
        (directory / "persist").mkdir(exist_ok=True)
        with (directory / "output").open("ab") as output:
            self._own = subprocess.Popen(
                [program, "-n", "-c", directory / "lan.conf", "-f", directory / "commands.emu",
                 "-s", directory / "persist"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        (directory / "pid").write_text(str(self._own.pid))
        deadline = time.monotonic() + _START_SECONDS
        while not answers(port, 0.2):
            if self._own.poll() is not None or time.monotonic() > deadline:
                said = (directory / "output").read_text(errors="replace")[-500:]
                self.kill()
                raise BmcAbsentError(f"{PROGRAM} does not answer on UDP port {port}: {said}")
            time.sleep(0.05)

    def forget_records(self) -> bool:
        """Let go of the SDRs that ipmi_sim kept, as it is told them anew. True: it has no SEL."""
        kept = list((self._directory / "persist").rglob("*.*"))
        for path in kept:
            if path.name.startswith("sdr."):
                path.unlink()
        return not any(path.name.startswith("sel.") for path in kept)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal. Raises BmcAbsentError when no process is there."""
        pid = self.pid
        if pid is None:
            raise BmcAbsentError(f"{self._directory}: no {PROGRAM} runs here (start it)")
        os.kill(pid, number)

    def kill(self) -> None:
        """End it at once, if it runs."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._own is not None:
            self._own.wait()
            self._own = None
        while self.pid is not None:
            time.sleep(0.01)
        (self._directory / "pid").unlink(missing_ok=True)
