"""Store: one SQLite file with one writer; what a sick disk refuses waits in memory, bounded."""

import contextlib
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gpuwatch.history import salvage
from gpuwatch.history.connection import (
    NewerSchemaError,
    connect_reader,
    connect_writer,
    lock_directory,
)
from gpuwatch.history.health import Degraded, HistoryError, reason, reason_on
from gpuwatch.history.tables import Row, Table
from gpuwatch.history.waiting import Waiting

# What a row with a value that SQLite cannot keep raises; the disk is well then.
_BAD_ROW = (ValueError, OverflowError, sqlite3.IntegrityError, sqlite3.DataError)

# Problems after which the same connection may never work again.
_REOPEN = frozenset({Degraded.READ_ONLY, Degraded.IO_ERROR, Degraded.UNAVAILABLE, Degraded.CORRUPT})


class Store:
    """The writer's side of the file.

    Rows are put, then committed together: what one `commit` finds waiting is one transaction.
    """

    def __init__(self, path: Path, *, max_waiting: int, retry_seconds: float) -> None:
        self.path = path
        self.dropped: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.salvaged: salvage.Salvage | None = None
        self._waiting = Waiting(max_waiting)
        self._retry_seconds = retry_seconds
        self._connection: sqlite3.Connection | None = None
        self._writing = False
        self._problem: Degraded | None = None
        self._retry_at = 0.0
        self._lock: int | None = None
        self._inode = 0
        self._synchronous = "full"

    @classmethod
    def reading(cls, path: Path) -> "Store":
        """A store that is only read. Raises HistoryError when it cannot be."""
        store = cls(path, max_waiting=1, retry_seconds=0.0)
        try:
            store._connection = connect_reader(path)
        except sqlite3.Error as error:
            raise HistoryError(f"history: cannot read {path}: {error}") from error
        return store

    def open(self) -> bool:
        """Open for writing, else for reading; whether what the file holds can be read now.

        True also for a file that is new. Raises SecondWriterError; a sick disk only degrades.
        """
        if self._open_writer():
            return True
        if not self.path.exists():
            return False
        try:
            self._connection = connect_reader(self.path)
        except sqlite3.Error:
            return False
        return True

    @property
    def degraded(self) -> tuple[Degraded, ...]:
        """Why nothing can be written, or what is not whole; empty when all is well."""
        told = (
            (Degraded.CORRUPT_REBUILT, self.salvaged),
            (Degraded.ROWS_DROPPED, self.dropped),
            (Degraded.ROWS_UNREAD, self.unread),
        )
        problem = (self._problem,) if self._problem else ()
        return (*problem, *(reason for reason, holds in told if holds))

    @property
    def writable(self) -> bool:
        """Whether the last attempt to write went well."""
        return self._writing and self._problem is None

    @property
    def waiting(self) -> int:
        """How many rows wait in memory."""
        return len(self._waiting)

    def put(self, table: Table, values: Row) -> None:
        """Add one row to the next transaction, in the order of the table's columns."""
        self._waiting.put(table, values)

    def drop(self, table: Table, key: Row) -> None:
        """Delete one row in the next transaction."""
        self._waiting.drop(table, key)

    def forget(self) -> None:
        """Drop what waits."""
        self._waiting.clear()

    def commit(self, *, durable: bool = True) -> bool:
        """Write what waits in one transaction; False when it goes on waiting.

        `durable` rows survive a power cut (synchronous=FULL); others may lose the last seconds
        then, and nothing in a crash of this process.
        """
        if not self._waiting:
            return True
        if not self._ready():
            self.dropped.update(self._waiting.trim())
            return False
        assert self._connection is not None  # noqa: S101 - _ready said so
        try:
            self._synchronize("full" if durable else "normal")
            self._connection.execute("begin immediate")
            bad = self._write_waiting(self._connection)
            self._connection.execute("commit")
        except sqlite3.Error as error:
            self._failed(error)
            return False
        self._waiting.clear()
        self._problem = None
        self.dropped.update(bad)
        return True

    def _write_waiting(self, connection: sqlite3.Connection) -> list[str]:
        """Write what waits; the tables of rows given up, which would hold up the rest for ever."""
        bad: list[str] = []
        for table, key, values in self._waiting:
            statement, row = (table.delete, key) if values is None else (table.upsert, values)
            try:
                connection.execute(statement, row)
            except _BAD_ROW:
                bad.append(table.name)
        return bad

    def rows(self, table: Table, tail: str = "", parameters: Row = ()) -> list[tuple[Any, ...]]:
        """Rows as the file holds them (not those that wait), none when it cannot be read."""
        if self._connection is None:
            return []
        try:
            return self._connection.execute(f"{table.select} {tail}", parameters).fetchall()
        except sqlite3.Error as error:
            self._failed(error)
            return []

    def waiting_rows(self, table: Table) -> list[Row]:
        """Rows of `table` that wait to be written."""
        return self._waiting.of(table)

    def every_row(self, table: Table, tail: str = "", parameters: Row = ()) -> list[Any]:
        """What the file holds and what waits for it, each row once and by its key.

        `tail` narrows only what is read of the file.
        """
        found = (*self.rows(table, tail, parameters), *self.waiting_rows(table))
        rows = {row[: table.keys]: row for row in found}
        return [rows[key] for key in sorted(rows)]

    def execute(self, statements: Iterable[tuple[str, Row]]) -> int:
        """Run housekeeping in one transaction; rows touched, 0 when the disk is sick."""
        if not self.writable or self._connection is None:
            return 0
        touched = 0
        try:
            self._synchronize("normal")
            self._connection.execute("begin immediate")
            for statement, parameters in statements:
                touched += self._connection.execute(statement, parameters).rowcount
            self._connection.execute("commit")
        except sqlite3.Error as error:
            self._failed(error)
            return 0
        return touched

    def shrink(self, pages: int) -> None:
        """Give up to `pages` free pages back to the disk."""
        if not self.writable or self._connection is None:
            return
        try:
            # executescript, since execute would free a single page
            self._connection.executescript(f"pragma incremental_vacuum({pages})")
        except sqlite3.Error as error:
            self._failed(error)

    def suspect(self) -> None:
        """Take the file for corrupt: the next `revive` checks it and rebuilds what is lost."""
        self._problem = Degraded.CORRUPT

    def revive(self) -> bool:
        """Open the file again if it is not being written; whether it was opened anew.

        Cheap while all is well, and tried no more often than every `retry_seconds` while not.
        """
        if not self._needs_reopening() or time.monotonic() < self._retry_at:
            return False
        self._disconnect()
        if self._open_writer():
            return True
        self._retry_at = time.monotonic() + self._retry_seconds
        return False

    def retry_now(self) -> None:
        """Let the next commit try, even if the last one failed a moment ago."""
        self._retry_at = 0.0

    @property
    def size_bytes(self) -> int:
        """What the file and its write-ahead log take on disk."""
        return _size(str(self.path)) + _size(f"{self.path}-wal")

    def close(self) -> None:
        """Close the file and give the lock back; what waits is lost."""
        self._disconnect()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open_writer(self) -> bool:
        try:
            if self._lock is None:
                self._lock = lock_directory(self.path.parent)
            self._connection = self._connect()
        except NewerSchemaError:
            self._problem = Degraded.NEWER_SCHEMA
        except (OSError, sqlite3.Error) as error:
            self._problem = reason_on(self.path.parent, error)
        else:
            self._problem = None
            self._synchronous = "full"
            self._inode = self.path.stat().st_ino
        self._writing = self._problem is None
        return self._writing

    def _connect(self) -> sqlite3.Connection:
        try:
            return connect_writer(self.path)
        except sqlite3.DatabaseError as error:
            if reason(error) is not Degraded.CORRUPT:
                raise
        self.salvaged = salvage.rebuild(self.path)
        return connect_writer(self.path)

    def _needs_reopening(self) -> bool:
        if self._problem is Degraded.NEWER_SCHEMA:
            return False
        return not self._writing or self._problem in _REOPEN or self._vanished()

    def _vanished(self) -> bool:
        """Whether somebody removed or replaced the file under us: writes would go nowhere."""
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    def _ready(self) -> bool:
        if not self._writing:
            return False
        return self._problem is None or time.monotonic() >= self._retry_at

    def _failed(self, error: sqlite3.Error) -> None:
        self._problem = reason_on(self.path.parent, error)
        self._retry_at = time.monotonic() + self._retry_seconds
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("rollback")
        self.dropped.update(self._waiting.trim())

    def _synchronize(self, mode: str) -> None:
        if mode != self._synchronous and self._connection is not None:
            self._connection.execute(f"pragma synchronous = {mode}")
            self._synchronous = mode

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        self._writing = False


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - at every sweep, a third of pathlib's time
    except OSError:
        return 0
