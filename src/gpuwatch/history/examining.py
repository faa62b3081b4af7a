"""Examining: whether the history file is whole and of which schema, without writing a byte."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.history import schema
from gpuwatch.history.connection import check, connect_reader
from gpuwatch.history.migrations import MIGRATIONS

_BUSY_MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the file says: its migrations, those that it lacks, those that only a newer one knows.

    `latest` is the name of the last one applied, "" for an empty file.
    """

    applied: int
    latest: str
    missing: tuple[str, ...]
    newer: tuple[str, ...]


def examine_file(path: Path, *, written: bool) -> Examined:
    """Look through every page of the file. Raises sqlite3.Error, SQLITE_CORRUPT for damage.

    While nobody has it `written`, it is read as unchanging: SQLite would otherwise make files
    beside it, which its owner could then not open. What waits in a write-ahead log that a killed
    writer left is not looked at.
    """
    with closing(connect_reader(path) if written else _unchanging(path)) as connection:
        check(connection)
        applied = schema.applied(connection)
        known = [migration.name for migration in MIGRATIONS]
        return Examined(
            applied=len(applied),
            latest=next((name for name in reversed(known) if name in applied), ""),
            missing=tuple(name for name in known if name not in applied),
            newer=schema.newer(connection),
        )


def _unchanging(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    connection.execute(f"pragma busy_timeout = {_BUSY_MILLISECONDS}")
    return connection
