"""Backups: one file that holds all that a host remembers, made while it is being written.

A backup is a database like the history itself, with a table more that says what it is and of which
host, a digest of every row, and a table with the diagnostics that were attached to boards.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.history import schema
from gpuwatch.history.connection import check, connect_reader
from gpuwatch.history.health import Degraded, HistoryError, reason_on
from gpuwatch.history.migrations import MIGRATIONS
from gpuwatch.history.placing import placed

FORMAT = "gpuwatch-backup/1"
MARK, FILES = "backup", "backup_files"
DIAGNOSTICS = "diagnostics"  # the folder beside the history
_TABLES = (
    f"create table {MARK} (key text primary key, value text not null) strict",
    f"create table {FILES} (name text primary key, content blob not null) strict",
)
_NAME_ONE, _ANOTHER = "name one that gpuwatch backup wrote", "take another backup"
_TROUBLES = {
    Degraded.DISK_FULL: ("no space is left", "free some, or use another disk"),
    Degraded.READ_ONLY: ("it cannot be written", "use sudo, or another folder"),
    Degraded.BUSY: ("another process holds it", "try again in a moment"),
    Degraded.CORRUPT: ("it is damaged", "see gpuwatch status; there may be an older backup"),
}


class BackupError(HistoryError):
    """A backup that cannot be made, or that must not be put back: what, which, the way out."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(f"{what} ({remedy})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a backup says of itself: whose it is, when it was made (Unix seconds), by which version.

    A bare history file says nothing: `version` is "" then, and the others mean nothing.
    """

    host: str = ""
    made_at: float = 0.0
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a file holds: rows of what matters, and the migrations that it lacks."""

    mark: Mark
    size_bytes: int
    boards: int
    flags: int
    audit: int
    bmcs: int
    diagnostics: int
    missing: tuple[str, ...] = ()


def make(history: Path, target: Path, mark: Mark) -> Backup:
    """Write all that `history` holds at this instant to `target`, which is replaced; what it holds.

    Works while another process writes the history, and stops nobody. Raises BackupError.
    """
    if not is_file(history):
        raise BackupError(f"{history} does not exist", "is agent.state_directory right?")
    try:
        with placed(target) as made:
            _fill(history, made, mark)
            return examine(made)
    except (OSError, sqlite3.Error) as error:
        raise trouble(target, error) from error


def examine(path: Path) -> Backup:
    """What a backup holds, once every page and every row of it is found whole.

    A bare history file, such as one that was set aside, will do as well. Raises BackupError.
    """
    if not is_file(path):
        raise BackupError(f"{path} is no file", _NAME_ONE)
    try:
        with closing(connect_reader(path)) as connection:
            return _examine(path, connection)
    except sqlite3.Error as error:
        if reason_on(path.parent, error) is Degraded.CORRUPT:
            what = f"{path} is no backup of gpuwatch, or is damaged: {error}"
            raise BackupError(what, _ANOTHER) from error
        raise trouble(path, error) from error


def is_file(path: Path) -> bool:
    """Whether it is a file. Raises BackupError where that cannot be seen."""
    try:
        return path.is_file()
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}", "use sudo, or name another") from error


def trouble(path: Path, error: OSError | sqlite3.Error) -> BackupError:
    """What went wrong with the disk under `path`, and the way out."""
    said = getattr(error, "strerror", None) or str(error)
    what, remedy = _TROUBLES.get(reason_on(path.parent, error), (said, "is the folder there?"))
    return BackupError(f"{path}: {what}", remedy)


def stored_files(connection: sqlite3.Connection) -> Iterator[tuple[str, bytes]]:
    """The diagnostics in a backup that are what their names say."""
    if FILES not in _names(connection):
        return
    for name, content in connection.execute(f"select name, content from {FILES}"):  # noqa: S608
        if hashlib.sha256(content).hexdigest() == name:
            yield name, content


def unmark(connection: sqlite3.Connection) -> None:
    """Make a history of a backup."""
    for table in (MARK, FILES):
        connection.execute(f"drop table if exists {table}")


def _fill(history: Path, made: Path, mark: Mark) -> None:
    with closing(connect_reader(history)) as source, closing(sqlite3.connect(made)) as target:
        source.backup(target)  # all pages at once: readers do not stop the writer
        # One file that needs no companions, wherever it is carried.
        target.execute("pragma journal_mode = delete").fetchall()
        check(target)
        unmark(target)
        for statement in _TABLES:
            target.execute(statement)
        target.executemany(f"insert into {FILES} values (?, ?)", _read(history.parent))  # noqa: S608
        told = {
            "format": FORMAT,
            "host": mark.host,
            "made_at": repr(mark.made_at),
            "version": mark.version,
            "digest": _digest(target, mark),
        }
        target.executemany(f"insert into {MARK} values (?, ?)", told.items())  # noqa: S608
        target.commit()


def _read(state: Path) -> Iterator[tuple[str, bytes]]:
    folder = state / DIAGNOSTICS
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_file():
            yield path.name, path.read_bytes()


def _examine(path: Path, connection: sqlite3.Connection) -> Backup:
    if not {migration.name for migration in MIGRATIONS[:1]} <= set(schema.applied(connection)):
        raise BackupError(f"{path} is no backup of gpuwatch", _NAME_ONE)
    check(connection)
    mark = _mark(path, connection)
    if newer := schema.newer(connection):
        by = f"gpuwatch {mark.version}" if mark.version else "a newer gpuwatch"
        raise BackupError(
            f"{path} was written by {by} and has what this one does not know: {newer[0]}",
            "install that version or a newer one, then restore",
        )
    missing = [one.name for one in MIGRATIONS if one.name not in schema.applied(connection)]
    return Backup(
        mark=mark,
        size_bytes=path.stat().st_size,
        **{name: _count(connection, name) for name in ("boards", "flags", "audit", "bmcs")},
        diagnostics=_count(connection, FILES),
        missing=tuple(missing),
    )


def _mark(path: Path, connection: sqlite3.Connection) -> Mark:
    """What the file says of itself. Raises BackupError when a row is not as it was written."""
    if MARK not in _names(connection):
        return Mark()
    told = dict(connection.execute(f"select key, value from {MARK}"))  # noqa: S608
    if told.get("format") != FORMAT:
        raise BackupError(
            f"{path} has the format {told.get('format')}, which is not {FORMAT}",
            "restore it with the gpuwatch that wrote it",
        )
    with suppress(KeyError, ValueError):
        mark = Mark(host=told["host"], made_at=float(told["made_at"]), version=told["version"])
        if told["digest"] == _digest(connection, mark):
            return mark
    raise BackupError(f"{path} is not as it was written", _ANOTHER)


def _digest(connection: sqlite3.Connection, mark: Mark) -> str:
    """A digest of the mark and of every row: SQLite itself does not see a changed value."""
    digest = hashlib.sha256(repr(mark).encode())
    for name in sorted(_names(connection) - {MARK}):
        digest.update(name.encode())
        for row in connection.execute(f'select * from "{name}"'):  # noqa: S608 - names of tables
            digest.update(repr(row).encode())
    return digest.hexdigest()


def _names(connection: sqlite3.Connection) -> set[str]:
    return {
        name for (name,) in connection.execute("select name from sqlite_schema where type='table'")
    }


def _count(connection: sqlite3.Connection, name: str) -> int:
    """How many rows a table has; 0 for one that an older gpuwatch did not have."""
    if name not in _names(connection):
        return 0
    return int(connection.execute(f"select count(*) from {name}").fetchone()[0])  # noqa: S608
