"""Untouched: the probe takes the driver as it finds it and loads no module.

NVML may run the setuid helper nvidia-modprobe; the kernel tells who opens that file, and running it
opens it.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gpuwatch.sources.driver import DriverLoad, driver_load
from tests.support.gpu.host import Host
from tests.support.gpu.survey import ALL
from tests.support.nvml_child import NvmlChild

_IN_OPEN = 0x20
_READ_ALL = 1 << 16


@dataclass(slots=True)
class Openings:
    """Whether a file was opened; `watched` is False where it does not exist."""

    watched: bool
    seen: bool = False
    _descriptor: int = field(default=-1, repr=False)


@contextmanager
def openings_of(path: Path) -> Iterator[Openings]:
    """Notice whether `path` is opened or run while the block runs."""
    openings = Openings(path.exists())
    if not openings.watched:
        yield openings
        return
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    try:
        if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(path), _IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), f"inotify on {path}")
        yield openings
        openings.seen = _said_something(descriptor)
    finally:
        os.close(descriptor)


def _said_something(descriptor: int) -> bool:
    try:
        return bool(os.read(descriptor, _READ_ALL))
    except BlockingIOError:
        return False


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
        after = _references(host)
    return Traces(
        load,
        driver_load(host.sysfs, host.proc),
        (before, during, after),
        openings.watched,
        openings.seen,
    )


def _references(host: Host) -> int | None:
    """How often the module is in use; None where the kernel does not tell."""
    try:
        return int((host.sysfs / "module" / "nvidia" / "refcnt").read_text())
    except OSError:
        return None
