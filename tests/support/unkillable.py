"""Unkillable: places where a process goes into state D and SIGKILL does not end it.

The cgroup v1 freezer does that (a frozen task acts on SIGKILL when it is thawed; the v2 freezer
lets it die). Where only cgroup v2 is there, a FUSE file whose read is taken and never answered
does: the kernel waits the read out uninterruptibly once the server has seen it.
"""

import contextlib
import ctypes
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.patience import eventually

_FREEZER = Path("/sys/fs/cgroup/freezer")
_FUSE_DEVICE = Path("/dev/fuse")


class Place(Protocol):
    """A trap for processes. `spec` is what `fake_probe` understands as a way to hang."""

    spec: dict[str, str]

    def let_go(self) -> None:
        """Let everybody out, so that a SIGKILL sent meanwhile takes effect."""
        ...


class Freezer:
    """A frozen cgroup (v1): a process that moves itself into it stops there."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self.spec = {"mode": "write-pid", "path": str(directory / "cgroup.procs")}
        self._set("FROZEN")

    def let_go(self) -> None:
        """Thaw."""
        self._set("THAWED")

    def remove(self) -> None:
        """Thaw and take the cgroup away once it is empty."""
        self.let_go()
        eventually(self._is_removed)

    def _is_removed(self) -> bool:
        """Remove it; refused as long as the kernel still takes leave of a process in it."""
        with contextlib.suppress(OSError):
            self._directory.rmdir()
        return not self._directory.exists()

    def _set(self, state: str) -> None:
        (self._directory / "freezer.state").write_text(state)


class SilentFile:
    """A FUSE file system whose single file takes reads and never answers."""

    _IN = struct.Struct("<IIQQIIII")
    _OUT = struct.Struct("<IiQ")
    _ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
    _BUFFER = 1 << 17

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._device = os.open(_FUSE_DEVICE, os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0"
        if self._libc.mount(b"gpuwatch", bytes(directory), b"fuse", 0, options.encode()):
            os.close(self._device)
            raise OSError(ctypes.get_errno(), "mount")
        self.spec = {"mode": "read", "path": str(directory / "silent")}
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    def let_go(self) -> None:
        """End the connection: every waiting read fails and its process can die."""
        self._libc.umount2(bytes(self._directory), 1 | 2)  # MNT_FORCE | MNT_DETACH
        self._server.join(10)

    def remove(self) -> None:
        """The same; nothing else is left."""
        self.let_go()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # ENODEV: unmounted
            while True:
                request = os.read(self._device, self._BUFFER)
                _, opcode, unique, _, _, _, _, _ = self._IN.unpack_from(request)
                self._answer(opcode, unique)
        os.close(self._device)

    def _answer(self, opcode: int, unique: int) -> None:
        """Answer what opening the file needs; reads (15) never, forgets (2) need none."""
        root = self._ATTR.pack(1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 512, 0)
        leaf = self._ATTR.pack(2, 4096, 8, 0, 0, 0, 0, 0, 0, 0o100444, 1, 0, 0, 0, 512, 0)
        body = {
            1: struct.pack("<QQQQII", 2, 0, 3600, 3600, 0, 0) + leaf,  # LOOKUP
            3: struct.pack("<QII", 3600, 0, 0) + root,  # GETATTR
            14: struct.pack("<QII", 1, 1, 0),  # OPEN, with direct I/O
            26: struct.pack(
                "<IIIIHHIIHHIIIIIII", 7, 31, 0, 0, 0, 0, 4096, 0, 0, 0, *(0,) * 7
            ),  # INIT
        }.get(opcode)
        if opcode in {2, 15}:
            return
        error, body = (0, body) if body is not None else (-38, b"")
        os.write(self._device, self._OUT.pack(self._OUT.size + len(body), error, unique) + body)


@contextmanager
def unkillable(directory: Path, *, by_reading: bool = False) -> Iterator[Place]:
    """A place that this machine allows; skips the test where none is possible.

    `by_reading`: only such a place that a process gets into by reading a file.
    """
    place = (None if by_reading else _freezer()) or _silent_file(directory)
    if place is None:
        need = "/dev/fuse" if by_reading else "cgroup v1 freezer or /dev/fuse"
        text = f"missing: a place SIGKILL does not reach (root with {need})"
        if os.environ.get("GPUWATCH_REQUIRE") == "all":
            pytest.fail(text)
        pytest.skip(text)
    try:
        yield place
    finally:
        place.remove()


def _freezer() -> Freezer | None:
    try:
        return Freezer(_FREEZER / f"gpuwatch-{os.getpid()}-{os.urandom(4).hex()}")
    except OSError:
        return None


def _silent_file(directory: Path) -> SilentFile | None:
    try:
        return SilentFile(directory / "silent-files")
    except OSError:
        return None
