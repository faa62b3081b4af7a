"""The kernel log: a FIFO that stands for /dev/kmsg, and the ring of records behind it.

Records are appended to a file, which is the ring. A feeder thread gives every reader that opens the
FIFO the whole ring first and then what comes, one record a read, as /dev/kmsg does (printk's record
format: https://docs.kernel.org/admin-guide/abi-testing.html, /dev/kmsg).
"""

import ctypes
import fcntl
import os
import select
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

RECORD_BYTES = 2048  # what one record may take; the kernel's own limit is about 1,000
_PIPE_BYTES = 1 << 20  # a packet takes a page: room for 256 records that nobody has read yet
_READ_ALL = 1 << 16
_PRINTABLE = frozenset(range(0x20, 0x7F)) - {ord("\\")}

_IN_MODIFY, _IN_CLOSE, _IN_OPEN = 0x2, 0x8 | 0x10, 0x20
_NOTICE = struct.Struct("iIII")


def record(*, priority: int, sequence: int, boottime: float, text: str) -> bytes:
    r"""One record as a read of /dev/kmsg returns it. A text of several lines is refused.

    Bytes that do not print are written as the kernel writes them, as \xNN.
    """
    if "\n" in text:
        raise ValueError(f"a kernel-log record is one line, not {text!r}")
    escaped = "".join(
        chr(byte) if byte in _PRINTABLE else f"\\x{byte:02x}" for byte in text.encode()
    )
    line = f"{priority},{sequence},{int(boottime * 1e6)},-;{escaped}\n".encode()
    if len(line) > RECORD_BYTES:
        raise ValueError(f"a kernel-log record of {len(line)} bytes (limit {RECORD_BYTES})")
    return line


class KernelLog:
    """The ring on disk and the FIFO in front of it."""

    def __init__(self, directory: Path) -> None:
        self.fifo = directory / "kmsg"
        self.ring = directory / "kmsg.log"

    def create(self) -> None:
        """Make the FIFO and an empty ring."""
        os.mkfifo(self.fifo)
        self.ring.touch()

    def append(self, records: list[bytes]) -> None:
        """Add records to the ring. The caller holds the world's lock."""
        with self.ring.open("ab") as ring:
            ring.write(b"".join(records))

    def clear(self) -> None:
        """A boot: the ring starts anew."""
        self.ring.write_bytes(b"")

    def records(self) -> list[str]:
        """Everything in the ring."""
        return self.ring.read_text().splitlines()


class Feeder(threading.Thread):
    """Carries the ring to whoever opens the FIFO.

    `attend` starts with the replay: a reader may be waiting already. One reader at a time, as a
    FIFO has no way to give each reader everything.
    """

    def __init__(self, log: KernelLog, *, attend: bool = False) -> None:
        super().__init__(name="simulated-kmsg", daemon=True)
        self._log = log
        self._readers = 0
        self._position: int | None = 0 if attend else None  # in the ring; None: nobody reads
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._pipe = os.open(log.fifo, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(self._pipe, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK | os.O_DIRECT)
        with suppress(PermissionError):  # the user has used up what pipes may take: a small one
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._watch = _inotify()
        self._fifo_watch = _add_watch(self._watch, log.fifo, _IN_OPEN | _IN_CLOSE)
        _add_watch(self._watch, log.ring, _IN_MODIFY)

    def stop(self) -> None:
        """End the thread and give its descriptors back."""
        os.write(self._wake_write, b"x")
        self.join()
        for descriptor in (self._wake_read, self._wake_write, self._pipe, self._watch):
            os.close(descriptor)

    def run(self) -> None:
        """Wait for a reader, for records, or for room in the pipe."""
        blocked = False
        while True:
            poller = select.poll()
            poller.register(self._wake_read, select.POLLIN)
            poller.register(self._watch, select.POLLIN)
            if blocked:
                poller.register(self._pipe, select.POLLOUT)
            ready = {descriptor for descriptor, _ in poller.poll()}
            if self._wake_read in ready:
                return
            self._notice()
            blocked = self._feed()

    def _notice(self) -> None:
        """Follow readers coming and going."""
        for watch, mask in _notices(self._watch):
            if watch != self._fifo_watch:
                continue
            if mask & _IN_OPEN:
                self._readers += 1
                self._drain()
                self._position = 0
            elif mask & _IN_CLOSE:
                self._readers = max(0, self._readers - 1)
                if not self._readers:
                    self._drain()
                    self._position = None

    def _drain(self) -> None:
        """Throw away what the last reader left: the ring has it still."""
        try:
            while os.read(self._pipe, _READ_ALL):
                pass
        except BlockingIOError:
            pass

    def _feed(self) -> bool:
        """Write what the reader has not had. True when the pipe is full."""
        if self._position is None:
            return False
        with self._log.ring.open("rb") as ring:
            if self._position > os.fstat(ring.fileno()).st_size:
                self._position = 0  # a boot: the ring was emptied
            ring.seek(self._position)
            for line in ring:
                if not line.endswith(b"\n"):
                    break
                try:
                    os.write(self._pipe, line)
                except BlockingIOError:
                    return True
                self._position += len(line)
        return False


def _inotify() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1 (raise fs.inotify.max_user_instances?)")
    return int(descriptor)


def _add_watch(descriptor: int, path: Path, mask: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_add_watch(descriptor, os.fsencode(path), mask)
    if watch < 0:
        raise OSError(ctypes.get_errno(), f"inotify_add_watch {path}")
    return int(watch)


def _notices(descriptor: int) -> Iterator[tuple[int, int]]:
    """(watch, mask) of everything that happened; nothing when nothing did."""
    try:
        data = os.read(descriptor, _READ_ALL)
    except BlockingIOError:
        return
    position = 0
    while position < len(data):
        watch, mask, _cookie, length = _NOTICE.unpack_from(data, position)
        position += _NOTICE.size + length
        yield watch, mask
