"""Copies: a consistent, checked copy beside the file, made through its own connection."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from gpuwatch.history.connection import check
from gpuwatch.history.placing import synchronize
from gpuwatch.history.salvage import COPY_SUFFIX

_PACE_SECONDS = 60.0
_NIGHTLY_SECONDS = 86_400.0


class Copier:
    """Makes the copy; safe to call from any thread. `failed` is "" or why the last try failed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._copy = path.with_name(path.name + COPY_SUFFIX)
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._tried_at: float | None = None
        self.failed = ""
        self.corrupt = False

    def want(self) -> None:
        """Evidence was written that exists only once."""
        self._wanted.set()

    def due(self) -> bool:
        """Whether a copy should be made now: on new evidence, once a minute; else once a day."""
        since = None if self._tried_at is None else time.monotonic() - self._tried_at
        if since is not None and since < _PACE_SECONDS:
            return False
        return self._wanted.is_set() or since is None or since >= _NIGHTLY_SECONDS

    def make(self) -> bool:
        """Copy the file as of now, check the copy, and put it in the place of the last one.

        False when it failed; the last good copy then stays. A corrupt file is never copied over it.
        """
        with self._lock:
            self._tried_at = time.monotonic()
            self._wanted.clear()
            try:
                self._make()
            except (OSError, sqlite3.Error) as error:
                self._wanted.set()
                self.failed = str(error) or type(error).__name__
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                self.corrupt = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
                return False
            self.failed = ""
            return True

    def _make(self) -> None:
        made = self._copy.with_name(self._copy.name + ".making")
        made.unlink(missing_ok=True)
        address = f"{self._path.resolve().as_uri()}?mode=ro"
        try:
            with (
                closing(sqlite3.connect(address, uri=True)) as source,
                closing(sqlite3.connect(made)) as target,
            ):
                source.backup(target)  # all pages at once: readers do not stop the writer
                # One file that needs no companions, wherever it is carried.
                target.execute("pragma journal_mode = delete").fetchall()
                check(target)
            synchronize(made)
            made.replace(self._copy)
            synchronize(made.parent)
        finally:
            made.unlink(missing_ok=True)
