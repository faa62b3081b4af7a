"""Histories as older releases left them: the rows of a real one under the schema of then."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gpuwatch.history import schema
from gpuwatch.history.migrations import MIGRATIONS
from gpuwatch.history.tables import TABLES

DAYS = 5 * 365
_Row = tuple[int | float | str, ...]


def _boot(day: int) -> _Row:
    return (1000 + day, f"boot-of-day-{day}", 1.5e9 + 86_400.0 * day)


def _change(day: int) -> _Row:
    return (90_000 + day, 1, 1, day, 1000 + day, 60.0)


def _event(day: int) -> _Row:
    what = ("xid", "kernel_log", f"old/{day}", 1, "0000:01:00.0", 31, "", "")
    return (90_000 + day, *what, 1000 + day, 60.0, 0.0, 0.0)


def _verdict(day: int) -> _Row:
    return (90_000 + day, "", "healthy", "no finding holds", 1000 + day, 60.0)


def _audit(day: int) -> _Row:
    deed = ("gpuwatch", "maintenance-began", "maintenance of old", "a test", "", "")
    return (90_000 + day, 1.5e9 + 86_400.0 * day, 1000 + day, 60.0, *deed)


# What five years add, a row a day, in the columns that the first release of the table had.
_YEARS: dict[str, Callable[[int], _Row]] = {
    "boots": _boot,
    "changes": _change,
    "events": _event,
    "verdicts": _verdict,
    "audit": _audit,
}


def as_of(current: Path, old: Path, released: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `old` what a release with the first `released` migrations had written instead.

    It holds every row of `current` for which that release had a table, without the columns that
    came later, and five years beside them.
    """
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.execute("pragma auto_vacuum = incremental")
        connection.execute("pragma journal_mode = wal").fetchall()
        with monkeypatch.context() as before:
            before.setattr(schema, "MIGRATIONS", MIGRATIONS[:released])
            schema.migrate(connection)
        connection.execute("attach ? as now", (str(current),))
        connection.execute("begin")
        for table, columns in columns_of(connection).items():
            names = ", ".join(columns)
            connection.execute(
                f"insert into {table} ({names}) select {names} from now.{table}"  # noqa: S608 - ours
            )
            rows = [_YEARS[table](day) for day in range(DAYS)] if table in _YEARS else []
            for row in rows:
                known = ", ".join(columns[: len(row)])
                marks = ", ".join("?" * len(row))
                connection.execute(f"insert into {table} ({known}) values ({marks})", row)  # noqa: S608 - ours
        connection.execute("commit")


def columns_of(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """The tables of a database that history knows, with their columns."""
    names = [table.name for table in TABLES]
    rows = {name: connection.execute(f"pragma main.table_info({name})") for name in names}
    columns = {name: tuple(row[1] for row in told) for name, told in rows.items()}
    return {name: known for name, known in columns.items() if known}


def dump(path: Path, columns: dict[str, tuple[str, ...]]) -> dict[str, set[_Row]]:
    """Every row of those tables, of those columns alone, by table."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: set(connection.execute(f"select {', '.join(names)} from {table}"))  # noqa: S608 - ours
            for table, names in columns.items()
        }
