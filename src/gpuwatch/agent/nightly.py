"""Nightly: a backup a day, made by the agent itself, of which the latest few are kept."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from gpuwatch import __version__
from gpuwatch.domain.snapshot import BackupState
from gpuwatch.history import BackupError, Mark
from gpuwatch.history.backups import make

log = structlog.get_logger("gpuwatch.backups")

_STAMP = "%Y%m%dT%H%M%SZ"
_DAY = timedelta(days=1)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(slots=True, kw_only=True)
class NightlyBackups:
    """Makes them into `folder` (None: none are made) from the minute that this host has in `hour`.

    `look` is called every few minutes, from one thread at a time: what a host that was down has
    missed, or what failed, is made up for. `state` is for any thread, None where none are made.
    """

    history: Path
    folder: Path | None
    hour: int
    keep: int
    host: str
    wall: Callable[[], float]
    state: BackupState | None = field(init=False)

    def __post_init__(self) -> None:
        self.state = None if self.folder is None else BackupState()

    def look(self) -> None:
        """Make one if it is due."""
        if self.folder is None:
            return
        now = datetime.fromtimestamp(self.wall(), UTC)
        latest = self._latest(now)
        if latest is None or latest < self._due_since(now):
            self._make(self.folder, now)

    def _latest(self, now: datetime) -> datetime | None:
        """When the newest was made, by its name; one from the future is not believed."""
        if self.state is not None and self.state.last_success is not None:
            known = datetime.fromtimestamp(self.state.last_success, UTC)
            if known <= now + _DAY:
                return known
        made = [at for at, _ in self._kept() if at <= now + _DAY]
        latest = max(made, default=None)
        if latest is not None:
            self.state = BackupState(latest.timestamp())
        return latest

    def _due_since(self, now: datetime) -> datetime:
        """The latest instant at which one was due. Hosts are spread over the hour by their name."""
        minute = zlib.crc32(self.host.encode()) % 60
        today = now.replace(hour=self.hour, minute=minute, second=0, microsecond=0)
        return today if today <= now else today - _DAY

    def _make(self, folder: Path, now: datetime) -> None:
        before = self.state or BackupState()
        path = folder / f"{self._prefix}{now.strftime(_STAMP)}.db"
        mark = Mark(host=self.host, made_at=now.timestamp(), version=__version__)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = make(self.history, path, mark)
        except (BackupError, OSError) as error:
            if before.problem != str(error):
                log.error("backup-failed", path=str(path), error=str(error))  # noqa: TRY400
            self.state = BackupState(
                before.last_success,
                problem=str(error),
                failing_since=before.failing_since or now.timestamp(),
            )
            return
        self.state = BackupState(now.timestamp())
        log.info("backup-made", path=str(path), bytes=made.size_bytes, boards=made.boards)
        self._remove_old(path)

    def _remove_old(self, made: Path) -> None:
        """Remove all but the latest; never the one that was just made, whatever the clock said."""
        others = sorted(pair for pair in self._kept() if pair[1] != made)
        for _, path in others[: max(len(others) - self.keep + 1, 0)]:
            try:
                path.unlink()
            except OSError as error:
                log.warning("backup-not-removed", path=str(path), error=error.strerror)

    def _kept(self) -> list[tuple[datetime, Path]]:
        """The backups of this host in the folder, with when they were made by their names."""
        if self.folder is None:
            return []
        ours = re.compile(re.escape(self._prefix) + r"(\d{8}T\d{6}Z)\.db")
        try:
            names = [(ours.fullmatch(path.name), path) for path in self.folder.iterdir()]
        except OSError:
            return []
        return [
            (datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC), path)
            for match, path in names
            if match
        ]

    @property
    def _prefix(self) -> str:
        return f"gpuwatch-{_UNSAFE.sub('_', self.host)}-"
