"""Upkeep requests: a backup over the control socket, and tests of the way of alerts."""

import base64
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from gpuwatch import __version__
from gpuwatch.agent import actions
from gpuwatch.agent.core import Agent
from gpuwatch.control.requests import ControlError, ErrorKind, Request
from gpuwatch.control.upkeep_forms import PART_BYTES
from gpuwatch.history import BackupError, Mark
from gpuwatch.history.backups import make

Answer = Mapping[str, object]
ANSWER_SECONDS = 10.0
_KEPT_SECONDS = 600.0  # for a client that does not come for the rest
_SPOOL = ".backup-for-client"


@dataclass(frozen=True, slots=True)
class _Spooled:
    """A backup that waits for its client; it has no name any more, and is gone once closed."""

    token: str
    file: BinaryIO
    size: int
    made_at: float  # monotonic


class UpkeepRequests:
    """Answers to requests of upkeep. `answers` are its methods by the word of the request."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._lock = threading.Lock()
        self._spooled: _Spooled | None = None
        self.answers: dict[str, Callable[[Request, str], Answer]] = {
            "backup": self._backup,
            "backup-part": self._part,
            "alert-test": self._test_alert,
            "alert-test-end": self._end_test,
        }

    def tidy(self) -> None:
        """Give up a backup for which nobody came."""
        with self._lock:
            spooled = self._spooled
            if spooled is not None and time.monotonic() - spooled.made_at > _KEPT_SECONDS:
                self._drop()

    def _backup(self, request: Request, actor: str) -> Answer:
        agent = self._agent
        spool = agent.history.path.with_name(_SPOOL)
        mark = Mark(
            host=agent.identity.hostname, made_at=agent.clock.now().wall, version=__version__
        )
        with self._lock:
            self._drop()
            try:
                make(agent.history.path, spool, mark)
                file = spool.open("rb")
                spool.unlink()
            except BackupError as error:
                raise ControlError(ErrorKind.FAILED, error.what, error.remedy) from error
            size = file.seek(0, 2)
            spooled = _Spooled(secrets.token_hex(8), file, size, time.monotonic())
            self._spooled = spooled
        self._audit(actor, "backup", "history", request.text("to"))
        return {"token": spooled.token, "bytes": size}

    def _part(self, request: Request, _actor: str) -> Answer:
        offset = int(request.number("offset"))
        with self._lock:
            spooled = self._spooled
            if spooled is None or spooled.token != request.text("token"):
                raise ControlError(
                    ErrorKind.NOT_FOUND, "that backup is not here any more", "begin again"
                )
            spooled.file.seek(offset)
            content = spooled.file.read(PART_BYTES)
            if offset + len(content) >= spooled.size:
                self._drop()
        return {"content": base64.b64encode(content).decode()}

    def _drop(self) -> None:
        if self._spooled is not None:
            self._spooled.file.close()
            self._spooled = None

    def _test_alert(self, request: Request, actor: str) -> Answer:
        route, seconds = request.text("route"), request.number("seconds")
        self._ask(lambda: self._agent.alert_tests.begin(route, seconds))
        self._audit(actor, "alert-test", route, f"for {seconds:.0f} s")
        return {"route": route, "until": self._agent.clock.now().wall + seconds}

    def _end_test(self, _request: Request, actor: str) -> Answer:
        ended: tuple[str, ...] = self._ask(self._agent.alert_tests.end)
        if ended:
            self._audit(actor, "alert-test-end", ", ".join(ended), "")
        return {"ended": list(ended)}

    def _audit(self, actor: str, action: str, subject: str, reason: str) -> None:
        self._ask(lambda: actions.audit(self._agent, actor, action, subject, reason))

    def _ask(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work returns
        return self._agent.inbox.ask(work).result(ANSWER_SECONDS)
