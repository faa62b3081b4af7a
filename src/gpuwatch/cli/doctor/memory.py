"""Memory: looks at the history, the room on its disk, and the backups."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gpuwatch.cli.doctor.answers import Answer, ok, problem, unknown
from gpuwatch.cli.doctor.scene import Scene
from gpuwatch.domain.snapshot import BackupState
from gpuwatch.history.examining import Examined, examine_file
from gpuwatch.history.health import Degraded, reason_on, remedy_of

_MEBIBYTE = 1 << 20
_LEAST_BYTES = 256 * _MEBIBYTE  # a history of years, its copy beside it, and a backup
_LOOKED_FOR_WITHIN = 900.0  # seconds; the agent looks for them ten minutes after its start
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def look_at_history(scene: Scene) -> Iterator[Answer]:
    """Whether it is written, whole, of this version's schema, and the agent's alone."""
    path = scene.history
    degraded = scene.told["snapshot"]["status"]["degraded"] if scene.told else []
    if degraded:
        remedy = "; ".join(dict.fromkeys(remedy_of(reason) for reason in degraded))
        yield problem(
            "history",
            f"{path}: {', '.join(degraded)}",
            f"{remedy}; gpuwatch runbook history-degraded",
        )
        return
    try:
        if scene.is_alone and _waits(path):
            found = f"{path}: an agent that was killed has left what is not yet in the file"
            yield unknown("history", found, "start the agent, which takes it up; then ask again")
            return
        file = path.stat()
        examined = examine_file(path, written=not scene.is_alone)
    except FileNotFoundError:
        yield _absent(scene, path)
    except PermissionError:
        yield _unread(scene, path)
    except (OSError, sqlite3.Error) as error:
        reason = reason_on(path.parent, error)
        if reason is Degraded.UNAVAILABLE and not scene.is_root:
            yield _unread(scene, path)
        else:
            remedy = f"{remedy_of(reason)}; gpuwatch runbook history-degraded"
            yield problem("history", f"{path}: {reason.value}: {error}", remedy)
    else:
        yield history_answer(scene, file, examined)


def _absent(scene: Scene, path: Path) -> Answer:
    if scene.told is not None:
        return problem(
            "history", f"{path} is gone from under the agent", "gpuwatch runbook history-lost"
        )
    return unknown("history", f"{path} does not exist: no agent has written it", "first the agent")


def _waits(path: Path) -> bool:
    """Whether something stands in the write-ahead log: without it the file may look like damage."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def _unread(scene: Scene, path: Path) -> Answer:
    """That it is not for this user; the agent's own word on it stands all the same."""
    found = f"{path} is not for this user to read"
    if scene.told is not None:
        size = scene.told["snapshot"]["status"]["history_bytes"]
        found = f"the agent writes it ({_size(size)}); {found}"
    return unknown("history", found, "sudo gpuwatch doctor")


def history_answer(scene: Scene, file: os.stat_result, examined: Examined) -> Answer:
    """What a file that was read says."""
    path = scene.history
    found = f"{path}, {_size(file.st_size)}, schema {examined.latest}, whole"
    if examined.newer:
        newer = f"{path} was written by a newer gpuwatch ({examined.newer[-1]})"
        return problem("history", newer, "install that version again, or restore a backup")
    user = scene.agents_user()
    if user is not None and user[0] not in (0, file.st_uid):
        return problem(
            "history",
            f"{found}, but it belongs to uid {file.st_uid}, and the agent is uid {user[0]}",
            f"sudo chown -R gpuwatch: {path.parent}",
        )
    if file.st_mode & _OTHERS:
        mode = f"{file.st_mode & 0o777:o}"
        return problem(
            "history", f"{found}, but others may write it: mode {mode}", f"sudo chmod 640 {path}"
        )
    if examined.missing and scene.told is None:
        return ok("history", f"{found}; the next start brings it to this version's schema")
    return ok("history", found)


def look_at_disk(scene: Scene) -> Iterator[Answer]:
    """The room where history is kept."""
    folder = scene.history.parent
    try:
        disk = os.statvfs(folder)
    except FileNotFoundError:
        found, remedy = f"{folder} does not exist", "start the agent by its unit, which makes it"
        yield problem("disk", found, remedy) if scene.told else unknown("disk", found, remedy)
        return
    except OSError as error:
        yield unknown("disk", f"{folder}: {error.strerror}", "sudo gpuwatch doctor")
        return
    yield disk_answer(folder, disk)


def disk_answer(folder: Path, disk: os.statvfs_result) -> Answer:
    """What the file system says of its room."""
    free, whole = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    found = f"{_size(free)} of {_size(whole)} free at {folder}"
    if disk.f_flag & os.ST_RDONLY:
        return problem(
            "disk", f"{folder} is mounted read-only", "mount -o remount,rw its file system"
        )
    if free < _LEAST_BYTES:
        least = f"free some: {_size(_LEAST_BYTES)} should be left"
        return problem("disk", found, f"{least}; df -h {folder}")
    if disk.f_files and not disk.f_favail:
        return problem("disk", f"no inode is left at {folder}", f"remove files; df -i {folder}")
    return ok("disk", found)


def look_at_backups(scene: Scene) -> Iterator[Answer]:
    """Whether nightly backups are made."""
    if not scene.settings.backups.enabled:
        yield ok("backups", "none are made: backups.enabled is false")
        return
    if scene.told is None:
        nobody = "no agent runs that would make them", "first the agent"
        yield unknown("backups", *(nobody if scene.is_alone else scene.untold))
        return
    told = scene.told
    if told["backups"] is None:
        found = "the agent makes none: it was started with other settings"
        yield problem("backups", found, "sudo systemctl restart gpuwatch")
        return
    yield backups_answer(BackupState(**told["backups"]), told["at"], told["started_at"])


def backups_answer(state: BackupState, now: float, started_at: float) -> Answer:
    """What the agent's word on its nightly backups means."""
    if state.problem:
        return problem("backups", state.problem, "gpuwatch runbook backup-failed")
    last = state.last_success
    found = "none is known yet"
    if last is not None:
        found = f"the newest is of {datetime.fromtimestamp(last, UTC):%Y-%m-%d %H:%M} UTC"
    if state.is_old(now, started_at):
        return problem("backups", found, "gpuwatch runbook backup-old")
    if last is None and now - started_at < _LOOKED_FOR_WITHIN:
        return unknown("backups", found, "ask again a quarter of an hour after the start")
    if last is None:
        found = f"{found}, and none has failed: it is being made, or its folder hangs"
        return unknown("backups", found, "gpuwatch runbook backup-old")
    return ok("backups", found)


def _size(count: int) -> str:
    """Bytes as people say them."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:  # noqa: PLR2004 - what the units are multiples of
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"  # noqa: PLR2004
