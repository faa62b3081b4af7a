"""Connection: how the store's file is opened, for writing by one process and for reading."""

import fcntl
import os
import sqlite3
from pathlib import Path

from gpuwatch.history import schema
from gpuwatch.history.health import SecondWriterError

# Nobody else writes; whoever holds the file open for a repair must not hold the agent's one thread.
_BUSY_MILLISECONDS = 1000
_JOURNAL_BYTES = 4 << 20  # what a checkpointed write-ahead log is cut back to


class NewerSchemaError(Exception):
    """A newer program has written this file; it may only be read."""


def lock_directory(directory: Path) -> int:
    """Take the one writer's lock on `directory`; the descriptor holds it until closed.

    The directory itself is locked, so that a full or read-only disk can still say who writes, and
    because closing any descriptor of the database file would drop SQLite's own locks on it.
    Raises SecondWriterError when another process has it, OSError when there is no directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SecondWriterError(
            f"history: another gpuwatch writes {directory} (stop it, or set another directory)"
        ) from error
    return descriptor


def connect_writer(path: Path) -> sqlite3.Connection:
    """The writing connection, checked and migrated.

    Raises sqlite3.Error (sick disk, corrupt file) and NewerSchemaError.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"pragma busy_timeout = {_BUSY_MILLISECONDS}")
        if not connection.execute("pragma page_count").fetchone()[0]:
            # Before the first table and before WAL, or it is silently lost; later it would write.
            connection.execute("pragma auto_vacuum = incremental")
        check(connection)
        if schema.newer(connection):
            raise NewerSchemaError  # noqa: TRY301 - the file is closed below either way
        connection.execute("pragma journal_mode = wal").fetchall()
        connection.execute(f"pragma journal_size_limit = {_JOURNAL_BYTES}").fetchall()
        connection.execute("pragma synchronous = full")
        schema.migrate(connection)
        # A file that may only be read opens without complaint; asking for the lock tells.
        connection.execute("begin immediate")
        connection.execute("rollback")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that never writes. Raises sqlite3.Error.

    Without a -shm file a read-only directory refuses WAL; the file is then whole and is read as
    unchanging, or the -wal beside it is out of reach and the file alone must do.
    """
    address = path.resolve().as_uri()
    try:
        connection = _probe(f"{address}?mode=ro")
    except sqlite3.OperationalError:
        connection = _probe(f"{address}?mode=ro&immutable=1")
    connection.execute(f"pragma busy_timeout = {_BUSY_MILLISECONDS}")
    return connection


def check(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError (SQLITE_CORRUPT) unless the file is consistent."""
    verdict = connection.execute("pragma quick_check(1)").fetchone()[0]
    if verdict != "ok":
        error = sqlite3.DatabaseError(f"quick_check: {verdict}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _probe(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("select count(*) from sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
