"""Own cgroups: a place in the kernel's trees of processes for one booted system alone.

Two systems in one place would take each other's services for their own, and end them.
"""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.support.patience import eventually

_MOUNTED = Path("/sys/fs/cgroup")


@contextmanager
def own_cgroups(name: str) -> Iterator[tuple[Path, ...]]:
    """Folders to whose `cgroup.procs` a process writes its pid; removed at the end."""
    made = []
    for tree, place in _places():
        folder = tree / place / name
        with contextlib.suppress(OSError):  # read-only: then the machine has one place for all
            folder.mkdir()
            made.append(folder)
    try:
        yield tuple(made)
    finally:
        for folder in made:
            eventually(partial(_is_removed, folder))


def _places() -> Iterator[tuple[Path, str]]:
    """The trees that systemd keeps its services in, and where this process is in them."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, names, place = line.split(":", 2)
        if names == "name=systemd":
            yield _MOUNTED / "systemd", place.strip("/")
        elif number == "0":
            both = _MOUNTED / "unified"
            yield both if both.exists() else _MOUNTED, place.strip("/")


def _is_removed(folder: Path) -> bool:
    """Remove it with what is in it; refused as long as the kernel takes leave of a process."""
    for below, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(below).rmdir()
    return not folder.exists()
