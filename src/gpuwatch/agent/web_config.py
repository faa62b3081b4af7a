"""Web config: how the port is protected at this moment, read again when a file of it changes."""

from datetime import UTC, datetime
from pathlib import Path

import structlog

from gpuwatch.agent.watching import Watching
from gpuwatch.domain.snapshot import WebState
from gpuwatch.exposition.protection import Identity, Protection, identity, protect
from gpuwatch.exposition.web_file import WebFileError

log = structlog.get_logger("gpuwatch.web")

PERIOD_SECONDS = 5.0


class WebConfigWatch(Watching):
    """The file of the settings and those that it names, looked at every few seconds.

    `protection` and `state` are for any thread. A file that is refused changes nothing: what was in
    force stays, and `state` tells it until the file is right again.
    """

    def __init__(self, path: Path | None) -> None:
        """Read it for the first time. Raises WebFileError: nothing is served without it."""
        super().__init__("web-config", PERIOD_SECONDS)
        self._path = path
        self._seen: Identity = ()
        self._problem = ""
        self._doubted = False
        self._forced = False
        self._protection = Protection()
        if path is not None:
            self._seen = identity((path,))
            self._protection = protect(path)
            self._seen = identity(self._protection.files)

    def protection(self) -> Protection:
        """What is in force."""
        return self._protection

    def state(self) -> WebState:
        """What metrics tell of it."""
        failing = bool(self._problem) if self._path is not None else None
        validity = self._protection.validity
        if validity is None:
            return WebState(config_failing=failing)
        return WebState(config_failing=failing, valid_from=validity.begin, valid_until=validity.end)

    def start(self) -> None:
        """Begin to look."""
        if self._path is not None:
            self._begin()

    def look(self) -> None:
        """Read again soon, whether something seems to have changed or not."""
        self._forced = True
        self._wake()

    def read(self) -> None:
        """Read again if a file is another than before, or if that was asked for."""
        forced, self._forced = self._forced, False
        if self._path is None:
            return
        # Looked at before it is read: what changes meanwhile is read once more.
        files = self._protection.files
        seen = identity(files)
        if seen == self._seen and not (forced or self._doubted):
            return
        self._seen = seen
        try:
            taken = protect(self._path)
        except WebFileError as error:
            # Who rotates a pair replaces one file after the other: told when it stays wrong.
            if forced or self._doubted:
                self._refused(str(error))
            self._doubted = True
            return
        if taken.files != files:
            self._seen = identity(taken.files)
        self._problem, self._doubted = "", False
        self._protection = taken
        log.info("web-config-read", **_told(taken))

    def _look(self) -> None:
        self.read()

    def _refused(self, problem: str) -> None:
        """Say once what is wrong; the agent's loop does not wait for it, and nor do clients."""
        if problem != self._problem:
            log.error("web-config-refused", problem=problem, in_force="what was read before")
        self._problem = problem


def _told(protection: Protection) -> dict[str, object]:
    told: dict[str, object] = {
        "tls": protection.tls is not None,
        "basic_auth": protection.users is not None,
    }
    if protection.validity is not None:
        until = datetime.fromtimestamp(protection.validity.end, UTC)
        told["certificate_valid_until"] = until.isoformat()
    return told
