"""Starting: the first steps of an agent, each of which may keep it from starting."""

import os

import structlog

from gpuwatch.agent import wiring
from gpuwatch.agent.privilege import problem_of_root
from gpuwatch.agent.web_config import WebConfigWatch
from gpuwatch.config.loading import Loaded
from gpuwatch.domain.moments import Clock
from gpuwatch.exposition.web_file import WebFileError
from gpuwatch.history import History, SecondWriterError

log = structlog.get_logger("gpuwatch.service")

EXIT_UNAVAILABLE = 69  # EX_UNAVAILABLE: another agent runs, or the port is taken
EXIT_CONFIG = 78  # EX_CONFIG: what it was told to run with cannot be


class StartError(Exception):
    """The agent cannot start: what, which, the way out; `status` is that of the process."""

    def __init__(self, text: str, status: int = EXIT_UNAVAILABLE) -> None:
        super().__init__(text)
        self.status = status


def web_config(loaded: Loaded) -> WebConfigWatch:
    """How the port is protected. Raises StartError: without protection nothing is served."""
    if problem := problem_of_root(loaded.settings, os.geteuid()):
        raise StartError(problem, EXIT_CONFIG)
    try:
        return WebConfigWatch(wiring.web_config(loaded.settings))
    except WebFileError as error:
        raise StartError(str(error), EXIT_CONFIG) from error


def open_history(loaded: Loaded, clock: Clock, max_gap_seconds: float | None) -> History:
    """The history of this host. Raises StartError when another agent writes it."""
    path = wiring.places(loaded.settings).history
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.warning("state-directory-missing", path=str(path.parent), error=error.strerror)
    settings = wiring.history_settings(loaded.settings, max_gap_seconds=max_gap_seconds)
    try:
        return History.open(path, clock, settings)
    except SecondWriterError as error:
        raise StartError(str(error)) from error
