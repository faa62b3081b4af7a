"""Schema: append-only named migrations, each applied once in a transaction and recorded by name."""

import sqlite3
from collections.abc import Iterator

from gpuwatch.history.migrations import MIGRATIONS, Migration

_REGISTER = "create table if not exists migrations (name text primary key) strict"


def applied(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The names of the migrations recorded in a database, none for an empty one."""
    known = connection.execute(
        "select 1 from sqlite_schema where type = 'table' and name = 'migrations'"
    ).fetchone()
    if known is None:
        return ()
    return tuple(name for (name,) in connection.execute("select name from migrations"))


def newer(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The recorded migrations that this program does not know: a newer one wrote the file."""
    mine = {migration.name for migration in MIGRATIONS}
    return tuple(sorted(set(applied(connection)) - mine))


def migrate(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Apply what is missing, each migration in a transaction of its own; the names applied.

    Raises sqlite3.Error when the disk refuses; what was applied before stays recorded.
    """
    missing = tuple(_missing(connection))
    for migration in missing:
        connection.execute("begin immediate")
        try:
            connection.execute(_REGISTER)
            for statement in migration.statements:
                connection.execute(statement)
            connection.execute("insert into migrations (name) values (?)", (migration.name,))
            connection.execute("commit")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("rollback")
            raise
    return tuple(migration.name for migration in missing)


def _missing(connection: sqlite3.Connection) -> Iterator[Migration]:
    done = set(applied(connection))
    return (migration for migration in MIGRATIONS if migration.name not in done)
