"""Restoring: a backup takes the place of the history, which is kept aside and never destroyed.

Everything is prepared in a folder of its own beside the history. One rename puts it in place, so
that who is killed at any moment leaves the old history or the new one.
"""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.moments import Clock
from gpuwatch.history import backups
from gpuwatch.history.backups import Backup, BackupError, trouble
from gpuwatch.history.connection import check, connect_reader, lock_directory
from gpuwatch.history.health import Degraded
from gpuwatch.history.history import History
from gpuwatch.history.placing import remove, synchronize
from gpuwatch.history.salvage import COPY_SUFFIX
from gpuwatch.history.settings import HistorySettings

STAGE = ".restoring"
_WAL = ("-wal", "-shm")
_MODE = 0o640  # of a history that was not there


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where the history before it is now; None when there was none."""

    backup: Backup
    aside: Path | None


def restore(source: Path, history: Path, clock: Clock, *, actor: str, reason: str) -> Restored:
    """Put the backup `source` in the place of `history`; `actor` goes into its audit log.

    Raises SecondWriterError while an agent runs, BackupError for a backup that must not be put
    back, and then nothing has changed.
    """
    if os.path.islink(history):  # noqa: PTH114 - says no where it cannot be looked at
        raise BackupError(f"{history} is a link", "put the file itself there, or remove the link")
    try:
        lock = lock_directory(history.parent)
    except OSError as error:
        raise trouble(history, error) from error
    stage = history.parent / STAGE
    try:
        _clear(stage)
        stage.mkdir(mode=0o700)
        backup = _prepare(source, stage / history.name, clock, actor, reason)
        _take_over(stage, history)
        aside = _set_aside(history, clock.now().wall)
        (stage / history.name).replace(history)
        synchronize(history.parent)
    except (OSError, sqlite3.Error) as error:
        raise trouble(history, error) from error
    finally:
        with suppress(OSError):
            _clear(stage)
        os.close(lock)
    return Restored(backup, aside)


def _prepare(source: Path, made: Path, clock: Clock, actor: str, reason: str) -> Backup:
    """A history of this program made of `source`, checked, migrated, and with the deed in it."""
    if not backups.is_file(source):
        raise BackupError(f"{source} is no file", "name one that gpuwatch backup wrote")
    _copy(source, made)
    try:
        backup = backups.examine(made)
    except BackupError as refused:
        what = refused.what.replace(str(made), str(source))
        raise BackupError(what, refused.remedy) from refused
    with closing(sqlite3.connect(made)) as connection:
        for name, content in backups.stored_files(connection):
            folder = made.parent / backups.DIAGNOSTICS
            folder.mkdir(mode=0o750, exist_ok=True)
            (folder / name).write_bytes(content)
        backups.unmark(connection)
        connection.commit()
    _write_down(made, clock, actor, reason)
    # One file without companions: nothing beside it could be left behind or come too late.
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("pragma journal_mode = delete").fetchall()
        check(connection)
    synchronize(made)
    return replace(backup, size_bytes=source.stat().st_size)


def _copy(source: Path, made: Path) -> None:
    """Copy the database with what its write-ahead log holds. Raises BackupError for no database."""
    try:
        with closing(connect_reader(source)) as told, closing(sqlite3.connect(made)) as target:
            told.backup(target)
            target.execute("pragma journal_mode = delete").fetchall()
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            what = f"{source} is no backup of gpuwatch, or is damaged: {error}"
            raise BackupError(what, "take another backup") from error
        raise


def _write_down(made: Path, clock: Clock, actor: str, reason: str) -> None:
    """Migrate it, and write into its audit log who put it back."""
    restored = History.open(made, clock, HistorySettings())
    restored.append_audit(
        AuditRecord(
            at=clock.now().wall, actor=actor, action="restore", subject="history", reason=reason
        )
    )
    degraded = set(restored.degraded) - {Degraded.ROWS_UNREAD}
    restored.close()
    if degraded:
        raise BackupError(
            f"{made}: the restored history could not be written: {', '.join(sorted(degraded))}",
            "is there space, and is the folder writable?",
        )


def _take_over(stage: Path, history: Path) -> None:
    """Give what was prepared the owner and rights of what it replaces, diagnostics to their folder.

    A diagnostic is named by what it holds: one that is there already is the same.
    """
    present = history.stat() if history.exists() else None
    owner = present or history.parent.stat()
    if prepared := sorted((stage / backups.DIAGNOSTICS).glob("*")):
        folder = _diagnostics(history.parent / backups.DIAGNOSTICS, owner)
        try:
            for path in prepared:
                _give(path, owner)
                os.rename(path, path.name, dst_dir_fd=folder)
        finally:
            os.close(folder)
    _give(stage / history.name, owner, present.st_mode & 0o777 if present else _MODE)


def _diagnostics(folder: Path, owner: os.stat_result) -> int:
    """The folder of diagnostics, open, made if it is not there. Raises BackupError for a link.

    What lies there is its owner's to run: a link would have root put it anywhere.
    """
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o750)
        _give(folder, owner)
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise BackupError(f"{folder} is no folder", "a link? put a folder there") from error


def _give(path: Path, owner: os.stat_result, mode: int | None = None) -> None:
    """Give a file or folder to its owner, never what a link leads to. Raises OSError.

    The agent's user may exchange names in its folder while root restores.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        if mode is not None:
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _set_aside(history: Path, now: float) -> Path | None:
    """Keep the history as it is under a dated name, and leave nothing of it beside the new one.

    It has both names until the new one takes the first: there is no moment without a history.
    """
    if not history.exists():
        remove(history)
        return None
    _settle(history)
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = history.with_name(f"{history.name}.before-restore-{stamp}")
    for number in range(2, 100):
        if not aside.exists():
            break
        aside = history.with_name(f"{history.name}.before-restore-{stamp}-{number}")
    try:
        aside.hardlink_to(history)
    except OSError:
        shutil.copy2(history, aside)
        synchronize(aside)
    # What SQLite would take for the new file's own, and what salvage would.
    for suffix in (*_WAL, COPY_SUFFIX):
        companion = history.with_name(history.name + suffix)
        if companion.exists():
            companion.replace(aside.with_name(aside.name + suffix))
    synchronize(history.parent)
    return aside


def _settle(history: Path) -> None:
    """Bring the write-ahead log into the file; a damaged one keeps its log beside it."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(history)) as connection:
        connection.execute("pragma journal_mode = delete").fetchall()


def _clear(stage: Path) -> None:
    if stage.exists():
        shutil.rmtree(stage)
