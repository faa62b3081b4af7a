"""Health: how the store's disk is doing, as a closed set of reasons translated from SQLite's codes.

HistoryError
    SecondWriterError    another process holds the history
"""

import errno
import os
import sqlite3
from enum import StrEnum
from pathlib import Path


class HistoryError(Exception):
    """History cannot be opened, for a reason that no waiting will mend."""


class SecondWriterError(HistoryError):
    """Another process writes this history: two writers would each judge on half of the truth."""


class Degraded(StrEnum):
    """Why history is not written, or not whole, at present. The values are product words."""

    DISK_FULL = "disk-full"
    READ_ONLY = "read-only"
    IO_ERROR = "io-error"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    NEWER_SCHEMA = "newer-schema"
    CORRUPT = "corrupt"
    CORRUPT_REBUILT = "corrupt-rebuilt"
    ROWS_DROPPED = "rows-dropped"
    ROWS_UNREAD = "rows-unread"
    COPY_FAILED = "copy-failed"


_IN_MEMORY = "new history waits in memory and is written by itself once "
_REMEDIES = {
    Degraded.DISK_FULL: f"{_IN_MEMORY}there is space: free some",
    Degraded.READ_ONLY: f"{_IN_MEMORY}the file and its folder are writable for the agent's user",
    Degraded.IO_ERROR: f"{_IN_MEMORY}the disk works: see the kernel log",
    Degraded.UNAVAILABLE: f"{_IN_MEMORY}the folder exists and is writable for the agent's user",
    Degraded.BUSY: f"{_IN_MEMORY}the other process lets go of the file",
    Degraded.NEWER_SCHEMA: "a newer gpuwatch wrote it: install that one again",
    Degraded.CORRUPT: "it is set aside and rebuilt from what can be saved",
    Degraded.CORRUPT_REBUILT: "it was rebuilt: gpuwatch history tells what is left",
    Degraded.ROWS_DROPPED: "rows were dropped: too many waited, or a value cannot be kept",
    Degraded.ROWS_UNREAD: "rows are not understood: did a newer gpuwatch write them?",
    Degraded.COPY_FAILED: "the history is written; only its copy beside it is not",
}


def remedy_of(reason: str) -> str:
    """What becomes of history meanwhile, and what a person can do, for a value of `Degraded`."""
    return _REMEDIES[Degraded(reason)]


# https://www.sqlite.org/rescode.html; the low byte of an extended code is its primary code.
_REASONS = {
    sqlite3.SQLITE_FULL: Degraded.DISK_FULL,
    sqlite3.SQLITE_READONLY: Degraded.READ_ONLY,
    sqlite3.SQLITE_PERM: Degraded.READ_ONLY,
    sqlite3.SQLITE_IOERR: Degraded.IO_ERROR,
    sqlite3.SQLITE_CANTOPEN: Degraded.UNAVAILABLE,
    sqlite3.SQLITE_AUTH: Degraded.UNAVAILABLE,
    sqlite3.SQLITE_BUSY: Degraded.BUSY,
    sqlite3.SQLITE_LOCKED: Degraded.BUSY,
    sqlite3.SQLITE_CORRUPT: Degraded.CORRUPT,
    sqlite3.SQLITE_NOTADB: Degraded.CORRUPT,
}


_DISK = {
    errno.EROFS: Degraded.READ_ONLY,
    errno.EACCES: Degraded.READ_ONLY,
    errno.EPERM: Degraded.READ_ONLY,
    errno.ENOSPC: Degraded.DISK_FULL,
    errno.EIO: Degraded.IO_ERROR,
}


def reason(error: sqlite3.Error) -> Degraded:
    """What a failed statement says about the disk; `io-error` for what SQLite does not name."""
    code = getattr(error, "sqlite_errorcode", None)
    return _REASONS.get(code & 0xFF, Degraded.IO_ERROR) if code else Degraded.IO_ERROR


def reason_on(directory: Path, error: OSError | sqlite3.Error) -> Degraded:
    """The reason by code, or by the state of the file system where the code does not tell."""
    if isinstance(error, OSError):
        return _DISK.get(error.errno or 0, Degraded.UNAVAILABLE)
    found = reason(error)
    if found not in (Degraded.IO_ERROR, Degraded.UNAVAILABLE):
        return found
    try:
        disk = os.statvfs(directory)
    except OSError:
        return found
    if disk.f_flag & os.ST_RDONLY:
        return Degraded.READ_ONLY
    return found if disk.f_bavail else Degraded.DISK_FULL
