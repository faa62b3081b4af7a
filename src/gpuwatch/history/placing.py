"""Placing: a file that is whole or not there, made under a temporary name beside the one meant."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".making"
_COMPANIONS = ("", "-journal", "-wal", "-shm")


@contextmanager
def placed(target: Path) -> Iterator[Path]:
    """A file to fill, mode 0600, which takes the place of `target` once it is filled and safe.

    Nothing is left when filling it fails; what a killed process left is taken away by the next.
    Raises OSError.
    """
    _take_away_left_behind(target)
    descriptor, name = tempfile.mkstemp(_SUFFIX, _prefix(target), target.parent)
    made = Path(name)
    try:
        # Says that its maker lives. A file server without locks: nobody takes anything away there.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield made
        synchronize(made)
        made.replace(target)
        synchronize(target.parent)
    finally:
        os.close(descriptor)
        remove(made)


def remove(path: Path) -> None:
    """Take a database away, with what SQLite keeps beside it."""
    for suffix in _COMPANIONS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def synchronize(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prefix(target: Path) -> str:
    return f".{target.name}."


def _take_away_left_behind(target: Path) -> None:
    """What was being made when its maker was killed: nobody holds its lock."""
    with contextlib.suppress(OSError):
        for path in target.parent.iterdir():
            if path.name.startswith(_prefix(target)) and path.name.endswith(_SUFFIX):
                _take_away_unless_locked(path)


def _take_away_unless_locked(path: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(path)
        finally:
            os.close(descriptor)
