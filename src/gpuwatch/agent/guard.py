"""Guard: the agent's one blanket catch, around each job of its loop.

A job that fails is counted and logged, and the loop goes on: one message that nobody foresaw must
not end the watch over all GPUs. A job that keeps failing ends the agent: a loop that decides
nothing any more and still feeds its watchdog would show old verdicts as if they were new.
"""

import time
from collections.abc import Callable, Mapping
from typing import ParamSpec

import structlog

from gpuwatch.history import SecondWriterError

log = structlog.get_logger("gpuwatch.agent")

MESSAGE, LOOK, SWEEP, CAPTURE = "message", "look", "sweep", "capture"
JOBS = (MESSAGE, LOOK, SWEEP, CAPTURE)
PATIENCE_SECONDS = 60.0
_Arguments = ParamSpec("_Arguments")


class FatalError(Exception):
    """The agent cannot do its work in this process; another may be able to."""


# Memory that ran out leaves nothing to trust; two writers would each judge on half of the truth.
_FATAL = (FatalError, MemoryError, SecondWriterError)


class Guard:
    """Runs jobs by name. For one thread; `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counts = dict.fromkeys(JOBS, 0)
        self._failing_since: dict[str, float] = {}

    @property
    def failures(self) -> Mapping[str, int]:
        """How often each job has failed since the agent started."""
        return dict(self._counts)

    def run(
        self,
        job: str,
        work: Callable[_Arguments, bool],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> bool:
        """What `work` returns, or True when it failed: something changed, if only the count.

        Raises FatalError when the job has done nothing but fail for a minute, and what no further
        turn can mend.
        """
        try:
            changed = work(*arguments, **named)
        except _FATAL:
            raise
        except Exception as error:  # noqa: BLE001 - the one blanket catch: see the module
            self._failed(job, error)
            return True
        self._failing_since.pop(job, None)
        return changed

    def attempt(
        self,
        job: str,
        work: Callable[_Arguments, None],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> None:
        """Do what the agent can do without: a failure is counted and told, however often it fails.

        Raises what no further turn can mend.
        """
        try:
            work(*arguments, **named)
        except _FATAL:
            raise
        except Exception as error:  # noqa: BLE001 - the same catch
            self._count(job, error)

    def _count(self, job: str, error: Exception) -> None:
        self._counts[job] += 1
        log.error(
            "job-failed", job=job, error=repr(error), exc_info=error, limit_by=("job", "error")
        )

    def _failed(self, job: str, error: Exception) -> None:
        now = self._monotonic()
        self._count(job, error)
        if now - self._failing_since.setdefault(job, now) >= PATIENCE_SECONDS:
            raise FatalError(
                f"agent: {job} has only failed for {PATIENCE_SECONDS:g} s, the last time with "
                f"{error!r} (it is started anew; please report it)"
            ) from error
