"""Salvage: a corrupt file is set aside and built anew from what can be read of it and of its copy.

Nothing is thrown away: the corrupt file stays beside the new one, and what could not be read is
reported by table, so that a loss is never a silent new start.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gpuwatch.history.connection import connect_reader, connect_writer
from gpuwatch.history.tables import TABLES, Row, Table

COPY_SUFFIX = ".copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvage:
    """What became of a corrupt file.

    `kept` are rows per table read from the corrupt file, `copied` rows that only the copy had,
    `damaged` the tables of the corrupt file that could not be read to the end, `copy_at` when the
    copy was made (Unix seconds), None when there is none to be read.
    """

    aside: str
    kept: tuple[tuple[str, int], ...]
    copied: tuple[tuple[str, int], ...]
    damaged: tuple[str, ...]
    copy_at: float | None

    @property
    def sentence(self) -> str:
        """What to tell people."""
        kept = sum(count for _, count in self.kept)
        copied = sum(count for _, count in self.copied)
        copy = "no copy was found"
        if self.copy_at is not None:
            made = datetime.fromtimestamp(self.copy_at, UTC).isoformat(timespec="seconds")
            copy = f"{copied} came from the copy of {made}"
        damaged = ", ".join(self.damaged) or "none"
        return (
            f"the history was corrupt and was set aside as {self.aside}: {kept} rows were read from"
            f" it, {copy}; tables not read in full: {damaged}"
        )


def rebuild(path: Path) -> Salvage:
    """Set `path` aside and build it anew. Raises OSError or sqlite3.Error when the disk refuses.

    The new file is made under another name and renamed, so that a crash in between starts over.
    """
    made = path.with_name(path.name + ".rebuilding")
    _remove(made)
    copy = path.with_name(path.name + COPY_SUFFIX)
    with closing(connect_writer(made)) as target:
        kept, damaged = _take(path, target)
        copied, unread = _take(copy, target) if copy.exists() else ({}, list(kept))
        target.execute("pragma wal_checkpoint(truncate)").fetchall()
    aside = _set_aside(path)
    made.rename(path)
    return Salvage(
        aside=str(aside),
        kept=tuple(kept.items()),
        copied=tuple(copied.items()),
        damaged=tuple(damaged),
        copy_at=None if len(unread) == len(TABLES) or not copy.exists() else copy.stat().st_mtime,
    )


def _take(source: Path, target: sqlite3.Connection) -> tuple[dict[str, int], list[str]]:
    """Copy what `source` can tell and `target` does not have; rows and damaged tables."""
    try:
        connection = connect_reader(source)
    except sqlite3.Error:
        return {}, [table.name for table in TABLES]
    counts: dict[str, int] = {}
    damaged: list[str] = []
    with closing(connection):
        for table in TABLES:
            before = target.total_changes
            target.execute("begin immediate")
            whole = _take_table(connection, target, table)
            target.execute("commit")
            counts[table.name] = target.total_changes - before
            if not whole:
                damaged.append(table.name)
    return counts, damaged


def _take_table(source: sqlite3.Connection, target: sqlite3.Connection, table: Table) -> bool:
    """Copy one table from its front, and from its back where the front breaks off."""
    insert = table.upsert.split(" on conflict ", maxsplit=1)[0].replace(
        "insert into", "insert or ignore into"
    )
    for order in ("asc", "desc"):
        keys = ", ".join(f"{name} {order}" for name in table.columns[: table.keys])
        whole = True
        for row in _read(source, f"{table.select} order by {keys}"):
            whole = row is not None and _insert(target, insert, row) and whole
        if whole or order == "desc":
            return whole and order == "asc"
    return False


def _insert(target: sqlite3.Connection, statement: str, row: Row) -> bool:
    """Write one row; False for one whose values are rubbish."""
    try:
        target.execute(statement, row)
    except sqlite3.IntegrityError:
        return False
    return True


def _read(source: sqlite3.Connection, statement: str) -> Iterator[Row | None]:
    """Rows up to the end or up to the first bad page, which is told by a closing None."""
    try:
        yield from source.execute(statement)
    except sqlite3.DatabaseError:
        yield None


def _set_aside(path: Path) -> Path:
    """Rename the corrupt file with its -wal and -shm, so that SQLite finds none of them again."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    for number in range(2, 100):
        if not aside.exists():
            break
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
