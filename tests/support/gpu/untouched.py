"""Untouched: the probe takes the driver as it finds it and loads no module.

NVML may run the setuid helper nvidia-modprobe; the kernel tells who opens that file, and running it
opens it.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.sources.driver import DriverLoad, driver_load
from tests.support.gpu.host import Host
from tests.support.gpu.survey import ALL
from tests.support.nvml_child import NvmlChild
from tests.support.patience import eventually

_IN_OPEN = 0x20
_READ_ALL = 1 << 16


class Openings:
    """Whether a file was opened since; `watched` is False where it does not exist."""

    def __init__(self, path: Path) -> None:
        self.watched = path.exists()
        self._seen = False
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if (
            self.watched
            and libc.inotify_add_watch(self._descriptor, os.fsencode(path), _IN_OPEN) < 0
        ):
            raise OSError(ctypes.get_errno(), f"inotify on {path}")

    def look(self) -> bool:
        """Whether it was opened up to now."""
        with suppress(BlockingIOError):
            self._seen = bool(os.read(self._descriptor, _READ_ALL)) or self._seen
        return self._seen

    def close(self) -> None:
        """Look no more."""
        os.close(self._descriptor)


@contextmanager
def openings_of(path: Path) -> Iterator[Openings]:
    """Notice whether `path` is opened or run while the block runs."""
    openings = Openings(path)
    try:
        yield openings
    finally:
        openings.close()


@dataclass(frozen=True, slots=True)
class Traces:
    """The module before, while and after a child polled; whether its loader was run."""

    load_before: DriverLoad | None
    load_after: DriverLoad | None
    references: tuple[int | None, int | None, int | None]
    loader_watched: bool
    loader_run: bool


def traces(host: Host) -> Traces:
    """Poll everything once and look what that left behind."""
    load, before = driver_load(host.sysfs, host.proc), _references(host)
    with openings_of(host.module_loader) as openings:
        with NvmlChild(host) as child:
            child.inventory()
            child.sweep(*ALL)
            during = _references(host)
        eventually(lambda: _references(host) == before)  # others come and go as well
        return Traces(
            load,
            driver_load(host.sysfs, host.proc),
            (before, during, _references(host)),
            openings.watched,
            openings.look(),
        )


def _references(host: Host) -> int | None:
    """How often the module is in use; None where the kernel does not tell."""
    try:
        return int((host.sysfs / "module" / "nvidia" / "refcnt").read_text())
    except OSError:
        return None
