"""Doctor requests: what the agent alone can tell of itself, for `gpuwatch doctor`.

No file and no hardware is asked for it: it is told also while the loop, a disk or a driver hangs.
"""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypedDict

from gpuwatch import __version__
from gpuwatch.agent.core import Agent
from gpuwatch.agent.wiring import VOCABULARY
from gpuwatch.config.loading import Loaded
from gpuwatch.control.requests import Request
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.documents import snapshot_document
from gpuwatch.exposition.metrics import MetricsRenderer
from gpuwatch.exposition.scrapes import Scrapes
from gpuwatch.exposition.shapes import SnapshotShape
from gpuwatch.exposition.web import WebServer

Answer = Mapping[str, object]


class DriverShape(TypedDict):
    """The driver as a whole; `condition` is one of `sources.base.DriverCondition`."""

    condition: str
    text: str
    driver_version: str
    library_version: str


class DoctorShape(TypedDict):
    """What the request `doctor` answers. Instants are Unix seconds, `heartbeat_seconds` an age.

    `listening` are the ports of the listening sockets, `scrapes` the latest of each client, the
    most recent first; `metrics` is "" unless it was asked for.
    """

    version: str
    python: str
    pid: int
    uid: int
    groups: list[int]
    started_at: float
    at: float
    heartbeat_seconds: float
    listening: list[int]
    driver: DriverShape | None
    scrapes: list[dict[str, Any]]
    web: dict[str, Any]
    backups: dict[str, Any] | None
    failures: dict[str, int]
    history: str
    files: list[str]
    settings: list[dict[str, str]]
    snapshot: SnapshotShape
    metrics: str


class DoctorRequests:
    """Answers to what a doctor asks. `answers` are its methods by the word of the request."""

    def __init__(
        self,
        agent: Agent,
        loaded: Callable[[], Loaded],
        web: WebServer,
        scrapes: Scrapes,
    ) -> None:
        self._agent = agent
        self._loaded = loaded
        self._web = web
        self._scrapes = scrapes
        self._renderer = MetricsRenderer(VOCABULARY)
        self.answers: dict[str, Callable[[Request, str], Answer]] = {"doctor": self._doctor}

    def _doctor(self, request: Request, _actor: str) -> Answer:
        agent, loaded, snapshot = self._agent, self._loaded(), self._agent.snapshot
        told: DoctorShape = {
            "version": __version__,
            "python": platform.python_version(),
            "pid": os.getpid(),
            "uid": os.geteuid(),
            "groups": sorted({os.getegid(), *os.getgroups()}),
            "started_at": snapshot.started_at,
            "at": agent.clock.now().wall,
            "heartbeat_seconds": agent.heartbeat_age(),
            "listening": list(self._web.ports),
            "driver": self._driver(),
            "scrapes": [asdict(one) for one in self._scrapes.latest()],
            **of_snapshot(snapshot),
            "history": str(agent.history.path),
            "files": [str(path) for path in loaded.layers.files],
            "settings": [asdict(one) for one in loaded.effective()],
            "metrics": self._metrics(snapshot) if request.flag("metrics") else "",
        }
        return dict(told)

    def _driver(self) -> DriverShape | None:
        driver = self._agent.memory.driver
        if driver is None:
            return None
        return {
            "condition": driver.condition,
            "text": driver.text,
            "driver_version": driver.driver_version,
            "library_version": driver.library_version,
        }

    def _metrics(self, snapshot: Snapshot) -> str:
        return self._renderer.text(snapshot).decode()


class OfSnapshot(TypedDict):
    """What of the answer is the snapshot's."""

    web: dict[str, Any]
    backups: dict[str, Any] | None
    failures: dict[str, int]
    snapshot: SnapshotShape


def of_snapshot(snapshot: Snapshot) -> OfSnapshot:
    """What the answer takes from a snapshot."""
    return {
        "web": asdict(snapshot.web),
        "backups": None if snapshot.backups is None else asdict(snapshot.backups),
        "failures": dict(snapshot.failures),
        "snapshot": snapshot_document(snapshot),
    }
