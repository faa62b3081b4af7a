"""Booted: a Debian of its own with a real systemd, in which the units run on a simulated driver.

systemd-nspawn boots it, without a network but loopback; what it writes is thrown away.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from simulator.world import Server
from tests.support.agents import ROOT, eventually
from tests.support.debian_root import archive, unpack
from tests.support.own_cgroup import own_cgroups
from tests.support.releases import OWN, Release
from tests.support.require import miss, require

SIMULATED = Path("/srv/simulated")
_BOOT_SECONDS = 90.0
_PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
# systemd 256 and newer refuse the older kind of cgroups, which this machine may have.
_UNIFIED = {"UNIFIED_CGROUP_HIERARCHY": "1"}
# What stands in the place of a package: the checkout with this machine's libraries.
_LAUNCHER = """#!/bin/sh
exec /usr/bin/python3 -P -m gpuwatch "$@"
"""
_PATHS = "/usr/lib/python3/dist-packages/checkout.pth"


class Booted:
    """A running system. Commands run in it as root."""

    def __init__(
        self,
        root: Path,
        server: Server,
        console: IO[str],
        cgroups: Sequence[Path],
        environment: Mapping[str, str],
    ) -> None:
        nspawn = require("systemd-nspawn", "systemd-container")
        self.server = server
        self._console = console
        command = [nspawn, "--quiet", f"--directory={root}", "--volatile=overlay", "--boot"]
        command += [f"--machine=gpuwatch-{os.getpid()}", "--register=no", "--keep-unit"]
        command += ["--private-network", "--console=pipe", "--capability=CAP_SYSLOG"]
        # Asking, for what a unit may ask; setting the clock takes CAP_SYS_TIME, which it has not.
        command += ["--system-call-filter=adjtimex clock_adjtime"]
        command += ["--bind-ro=/dev/kmsg"] if Path("/dev/kmsg").exists() else []
        command += [
            f"--bind-ro={ROOT / 'src'}:/opt/src",
            f"--bind-ro={ROOT / 'systemd'}:/opt/units",
        ]
        command += [f"--bind-ro={sysconfig.get_path('purelib')}:/opt/site"]
        command += [f"--bind={server.directory}:{SIMULATED}"]
        enter = "".join(f"echo $$ > {folder}/cgroup.procs; " for folder in cgroups)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f'{enter}exec "$@"', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=subprocess.STDOUT,
            env={**_PATH, **environment},
        )
        self._leader = 0

    def wait(self) -> None:
        """Until the system is up. Says why when it does not boot."""

        def is_up() -> bool:
            if self._process.poll() is not None:
                self._console.seek(0)
                miss(f"a system that boots; systemd-nspawn said: {self._console.read()[-800:]}")
            # The first of its children makes the namespaces, and gives way to the system's init.
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
            self._leader = int(next(iter(children.read_text().split()), 0))
            state = self._leader and self.attempt("systemctl", "is-system-running").stdout.strip()
            return state in ("running", "degraded")

        eventually(is_up, "the system is up", _BOOT_SECONDS)

    def attempt(self, *words: str, put: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in the system, with `put` on its standard input."""
        nsenter = require("nsenter", "util-linux")
        return subprocess.run(
            [nsenter, f"--target={self._leader}", "--all", *words],
            input=put,
            stdin=subprocess.DEVNULL if put is None else None,
            capture_output=True,
            text=True,
            check=False,
            env=_PATH,
            timeout=120.0,
        )

    def run(self, *words: str, put: str | None = None) -> str:
        """The same for a command that must succeed: what it printed."""
        done = self.attempt(*words, put=put)
        if done.returncode:
            raise AssertionError(f"{' '.join(words)}: {done.stdout}{done.stderr}{self.journal()}")
        return done.stdout

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """Put a file of root's there, with its folders."""
        self.run("install", "-D", f"--mode={mode}", "/dev/stdin", path, put=text)

    def use(self, source: str) -> None:
        """Have every process that starts from now on take gpuwatch from this folder."""
        self.write(_PATHS, f"{source}\n/opt/site\n")

    def shows(self, name: str, unit: str = "gpuwatch.service") -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def journal(self, unit: str = "gpuwatch.service") -> str:
        """What a unit, and systemd about it, said."""
        words = ("journalctl", "--no-pager", "--quiet", "--output=cat", f"--unit={unit}")
        return self.attempt(*words).stdout

    def get(self, path: str) -> str:
        """A page of the agent; "" while it does not answer."""
        url = f"http://127.0.0.1:9853{path}"
        program = (
            f"import urllib.request as u; print(u.urlopen({url!r}, timeout=10).read().decode())"
        )
        return self.attempt("python3", "-c", program).stdout

    def processes(self) -> dict[int, str]:
        """The service's processes, by their pid in the system, with their command line."""
        user = self.attempt("ps", "-u", "gpuwatch", "-o", "pid=,args=").stdout
        return {int(line.split(None, 1)[0]): line.split(None, 1)[1] for line in user.splitlines()}

    def child(self, module: str) -> int:
        """The pid of the agent's child that runs a module, waiting for it."""

        def look() -> int:
            found = (pid for pid, words in self.processes().items() if f"-m {module}" in words)
            return next(found, 0)

        return eventually(look, f"a child runs {module}")

    def outside(self, pid: int) -> int:
        """The same process's pid in this machine."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = status.read_text().splitlines()
            except OSError:
                continue
            pids = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
            if len(pids) > 1 and pids[-1] == str(pid) and _is_below(int(pids[0]), self._leader):
                return int(pids[0])
        raise AssertionError(f"no process {pid} in the system")

    def close(self) -> None:
        """Power it off."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30.0)


def _is_below(pid: int, leader: int) -> bool:
    """Whether two processes are in one pid namespace."""
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink() == Path(f"/proc/{leader}/ns/pid").readlink()
    except OSError:
        return False


def _open_for_everybody(server: Server) -> None:
    """The simulated driver's files, as open as /dev/nvidia0; its library without a link."""
    library = server.directory / "lib/libnvidia-ml.so.1"
    target = library.resolve()
    library.unlink()
    shutil.copy(target, library)
    for path in (server.directory, *server.directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o666)


def settings(server: Server) -> Mapping[str, str]:
    """The environment that leads an agent in the system to the simulated driver."""

    def inside(path: Path) -> str:
        return str(SIMULATED / path.relative_to(server.directory))

    return {
        "SIMULATED_SERVER": str(SIMULATED),
        "GPUWATCH_NVML__LIBRARY_PATH": str(SIMULATED / "lib"),
        "GPUWATCH_NVML__SYSFS": inside(server.sysfs),
        "GPUWATCH_NVML__PROC": inside(server.proc),
        "GPUWATCH_NVML__FAST": "2s",
        "GPUWATCH_NVML__SLOW": "2s",
        "GPUWATCH_NVML__RARE": "2s",
        "GPUWATCH_LOG__FORMAT": "json",
    }


@contextmanager
def booted(server: Server) -> Iterator[Booted]:
    """A system in which the units are installed as docs/systemd.md says, and not yet started."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not (_unpacked() / "usr/bin" / version).exists():
        miss(f"{version} in Debian, whose libraries for it the tests run with")
    with bare(server) as system:
        _install(system)
        yield system


@contextmanager
def bare(server: Server, release: Release = OWN) -> Iterator[Booted]:
    """A system in which nothing of gpuwatch is installed."""
    root = _unpacked(release)
    _open_for_everybody(server)
    name = f"gpuwatch-test-{os.getpid()}"
    with own_cgroups(name) as cgroups, tempfile.TemporaryFile("w+") as console:
        system = Booted(root, server, console, cgroups, {} if release == OWN else _UNIFIED)
        try:
            system.wait()
            yield system
        finally:
            system.close()


def _unpacked(release: Release = OWN) -> Path:
    """The system's files, which nobody changes: what a boot writes is in a layer of its own."""
    packed = archive(release)
    root = packed.with_suffix("")
    with (packed.parent / "unpacking").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may want it, too
        if not root.exists():
            with tempfile.TemporaryDirectory(dir=packed.parent, prefix="unpacking-") as folder:
                unpack(Path(folder) / "root", release).rename(root)
    return root


def _install(system: Booted) -> None:
    system.use("/opt/src")
    system.write("/usr/bin/gpuwatch", _LAUNCHER, "755")
    units = ("gpuwatch.service", "gpuwatch-sram.service", "gpuwatch-sram.timer")
    for source, place in (
        *((unit, f"/etc/systemd/system/{unit}") for unit in units),
        ("gpuwatch.sysusers", "/etc/sysusers.d/gpuwatch.conf"),
    ):
        system.run("install", "-D", "--mode=644", f"/opt/units/{source}", place)
    system.run("systemd-sysusers")
    lines = [f"{name}={value}" for name, value in settings(system.server).items()]
    system.write("/etc/default/gpuwatch", "\n".join(["ARGS=--set host.rack=r7", *lines]) + "\n")
    system.run("install", "-d", "--mode=700", "/etc/gpuwatch/secrets")
    # A test cannot wait for a minute.
    times = "WatchdogSec=4s\nTimeoutAbortSec=3s\nRestartSec=1s\nTimeoutStopSec=7s\n"
    # Programs register with the simulated driver by a file.
    times += f"ReadWritePaths={SIMULATED}\n"
    system.write("/etc/systemd/system/gpuwatch.service.d/test.conf", f"[Service]\n{times}")
    paths = f"[Service]\nReadWritePaths={SIMULATED}\n"
    system.write("/etc/systemd/system/gpuwatch-sram.service.d/test.conf", paths)
    system.run("systemctl", "daemon-reload")
