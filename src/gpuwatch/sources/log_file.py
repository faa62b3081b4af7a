"""Log file: records out of /dev/kmsg, a FIFO or a recorded log, without ever blocking."""

import errno
import os
import stat
from enum import StrEnum
from pathlib import Path

_RECORD_BYTES = (
    1 << 14
)  # the kernel refuses (EINVAL) a buffer smaller than the record; 8 KiB is its
# own limit: https://www.kernel.org/doc/Documentation/ABI/testing/dev-kmsg
_CHUNK_BYTES = 1 << 16
_UNENDED_BYTES = 1 << 16


class LogKind(StrEnum):
    """What is read. Only the kernel's own log and a recorded one can be read again from the start.

    A FIFO gives every record once.
    """

    KMSG = "kmsg"
    FIFO = "fifo"
    FILE = "file"


class LogFile:
    """An open log. Raises OSError when it cannot be opened or read."""

    def __init__(self, path: str) -> None:
        status = Path(path).stat()
        self.path = path
        self.kind = _kind(status.st_mode)
        # A FIFO that is open for both is not at its end when its writer leaves: no spinning on it.
        access = os.O_RDWR if self.kind is LogKind.FIFO else os.O_RDONLY
        self.descriptor = os.open(path, access | os.O_NONBLOCK | os.O_CLOEXEC)
        opened = os.fstat(self.descriptor)
        self._inode = (opened.st_dev, opened.st_ino)
        self._rest = b""
        self.pollable = self.kind is not LogKind.FILE
        self.overwritten = False

    def read(self, limit: int) -> tuple[list[str], bool]:
        """At most about `limit` records, and whether there are no more at present.

        `overwritten` is set when the kernel says that records were overwritten unread.
        """
        if self.kind is LogKind.KMSG:
            return self._read_records(limit)
        return self._read_lines()

    def replaced(self) -> bool:
        """Whether the path now names something else than what is open, or nothing."""
        try:
            status = Path(self.path).stat()
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != self._inode

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)

    def _read_records(self, limit: int) -> tuple[list[str], bool]:
        records: list[str] = []
        while len(records) < limit:
            try:
                data = os.read(self.descriptor, _RECORD_BYTES)
            except BlockingIOError:
                return records, True
            except OSError as error:
                if error.errno != errno.EPIPE:
                    raise
                self.overwritten = True
                continue
            if not data:
                self.pollable = False  # a device without records, like /dev/null
                return records, True
            records.append(data.decode(errors="replace"))
        return records, False

    def _read_lines(self) -> tuple[list[str], bool]:
        try:
            chunk = os.read(self.descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return [], True
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[:_UNENDED_BYTES]
        # Continuation lines are kept with their record where both came in one chunk, as a writer
        # of whole records makes it; nothing that is asked of them is needed otherwise.
        records: list[str] = []
        for line in lines:
            text = line.decode(errors="replace")
            if not text.startswith(" "):
                records.append(text)
            elif records:
                records[-1] += "\n" + text
        return records, not chunk


def _kind(mode: int) -> LogKind:
    if stat.S_ISFIFO(mode):
        return LogKind.FIFO
    return LogKind.KMSG if stat.S_ISCHR(mode) else LogKind.FILE
