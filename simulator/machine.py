"""The simulated machine: its files, its values, its clock and its kernel log; no faults yet."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator import messages
from simulator.clock import WarpedClock
from simulator.kernel_log import Feeder, KernelLog, record
from simulator.trees import KernelTrees
from simulator.worldfile import World, WorldFile

LIBRARY = Path(__file__).parent / "build/libnvidia-ml.so.1"
_SERVED = threading.Lock()


class InUseError(RuntimeError):
    """The driver refuses because a client holds the device. The text is what nvidia-smi says."""


class Machine:
    """One simulated server in one directory; any number of processes may hold it open."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.trees = KernelTrees(directory)
        self.sysfs, self.proc = self.trees.sysfs, self.trees.proc
        self.log = KernelLog(directory)
        self.kmsg = self.log.fifo
        self.clock = WarpedClock(directory / "clock")
        self.file = WorldFile(directory)
        self._clients = directory / "clients"
        self._library = directory / "lib/libnvidia-ml.so.1"
        self._feeder: Feeder | None = None

    def environment(self) -> dict[str, str]:
        """What to add to a child's environment so that the binding loads the simulated driver."""
        return {
            "SIMULATED_SERVER": str(self.directory),
            "LD_LIBRARY_PATH": str(self._library.parent),
        }

    # -- changing the world --

    @contextmanager
    def change(self) -> Iterator[World]:
        """A transaction: everything in it is seen at once, or not at all when it raises."""
        with self.file.locked():
            world = self.file.read()
            yield world
            self._flush_kernel_log(world)
            self.file.replace(world)

    def _flush_kernel_log(self, world: World) -> None:
        first = int(world.server["kmsg_sequence"])
        boottime = self.clock.now().boottime
        self.log.append(
            [
                record(priority=priority, sequence=first + number, boottime=boottime, text=text)
                for number, (priority, text) in enumerate(world.kernel)
            ]
        )
        world.server["kmsg_sequence"] = str(first + len(world.kernel))
        world.kernel.clear()

    def get(self, gpu: int, key: str) -> str | None:
        """A value of the GPU in this slot as the file has it; None where it has none."""
        return self.file.read().text(gpu, key)

    def set(self, gpu: int | None, key: str, value: object) -> None:
        """Set any value of one GPU, or of every GPU (None), whether boards have it or not.

        A value may be `error N` (the call returns N), `BASE+RATE@SINCE` (grows by RATE a second
        from boot time SINCE on) or `MEAN~HEIGHT/PERIOD` (a triangle wave).
        """
        with self.change() as world:
            section = world.every if gpu is None else world.gpus[gpu]
            section[key] = str(value)

    def unset(self, gpu: int | None, key: str) -> None:
        """Take a value away: the GPU falls back to what every GPU has, or has it no more."""
        with self.change() as world:
            (world.every if gpu is None else world.gpus[gpu]).pop(key, None)

    def set_server(self, key: str, value: object) -> None:
        """Set a value of [server], such as `burn_call_us` or `privileged`."""
        with self.change() as world:
            world.server[key] = str(value)

    def gpus(self) -> tuple[int, ...]:
        """The slots that were ever filled."""
        return tuple(sorted(self.file.read().gpus))

    # -- time --

    def run_at(self, rate: float) -> None:
        """Let simulated time run this many times as fast as real time."""
        with self.file.locked():
            self.clock.run_at(rate)
            self.file.bump()

    def advance(self, seconds: float) -> None:
        """Jump ahead in wall and boot time together."""
        with self.file.locked():
            self.clock.advance(seconds)
            self.file.bump()

    def step_wall(self, seconds: float) -> None:
        """Step the wall clock alone."""
        with self.file.locked():
            self.clock.step_wall(seconds)
            self.file.bump()

    # -- the kernel log --

    def kernel_message(self, text: str, *, priority: int = messages.WARNING) -> None:
        """Print one line to the kernel log."""
        with self.change() as world:
            world.kernel.append((priority, text))

    def lose_records(self, count: int) -> None:
        """Let sequence numbers jump, as when a reader was too slow for the ring."""
        with self.change() as world:
            world.server["kmsg_sequence"] = str(int(world.server["kmsg_sequence"]) + count)

    def serve(self, *, attend: bool = False) -> None:
        """Start feeding the FIFO from this process. One process at a time should."""
        with _SERVED:
            if self._feeder is None:
                self._feeder = Feeder(self.log, attend=attend)
                self._feeder.start()

    def close(self) -> None:
        """Stop feeding the FIFO. The world stays."""
        with _SERVED:
            if self._feeder is not None:
                self._feeder.stop()
                self._feeder = None

    # -- the library and who uses it --

    def install_library(self) -> None:
        """Put the library where `environment` points."""
        if not LIBRARY.exists():
            raise FileNotFoundError(f"missing: {LIBRARY} (make simulator/build/{LIBRARY.name})")
        self._library.parent.mkdir(exist_ok=True)
        if not self._library.is_symlink():
            self._library.symlink_to(LIBRARY)

    def uninstall_library(self) -> None:
        """Take it away: processes started from now on find no NVML."""
        self._library.unlink(missing_ok=True)

    def clients(self, gpu: int | None = None) -> tuple[int, ...]:
        """The processes that hold a GPU (None: the driver), by pid; the dead do not count."""
        what = "driver" if gpu is None else str(gpu)
        return tuple(
            sorted(
                int(path.name.split(".")[0])
                for path in self._clients.glob(f"*.{what}")
                if _held(path)
            )
        )


def _held(path: Path) -> bool:
    """Whether a process holds the lock. The kernel dropped it when the process ended: then tidy."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)
