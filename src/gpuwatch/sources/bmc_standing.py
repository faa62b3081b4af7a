"""BMC standing: how one BMC's source is doing, counted by its thread and read by everybody."""

import threading
import time
from collections.abc import Callable

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.nvml_meter import Meter


class Standing:
    """Whether a BMC answers, and what the source counts about itself. Thread-safe.

    A sweep is fresh for `stale_seconds` on the monotonic clock. `log` gets a sentence when the BMC
    begins to answer or ceases to, and when the reason changes: not at each attempt.
    """

    def __init__(
        self, name: str, *, required: bool, stale_seconds: float, log: Callable[[str], None]
    ) -> None:
        self._name = name
        self._stale_seconds = stale_seconds
        self._log = log
        self._meter = Meter(name, required)
        self._lock = threading.Lock()
        self._swept_at: float | None = None
        self._trouble: BmcTrouble | None = None
        self._problem = ""

    def swept(self, seconds: float, wall: float) -> None:
        """It told everything, in so many seconds, at Unix second `wall`."""
        with self._lock:
            again, self._trouble, self._problem = self._trouble is not None, None, ""
            self._meter.swept(seconds, wall)
            self._swept_at = time.monotonic()
        if again:
            self._log(f"{self._name}: it answers again")

    def failed(self, trouble: BmcTrouble, problem: str) -> None:
        """It cannot be asked; `problem` is a sentence with the way out."""
        with self._lock:
            news = (trouble, problem) != (self._trouble, self._problem)
            self._trouble, self._problem = trouble, problem
            self._meter.timeouts += trouble is BmcTrouble.TIMED_OUT
        if news:
            self._log(f"{self._name}: {problem}")

    def restarted(self) -> None:
        """A fresh child takes the place of another."""
        with self._lock:
            self._meter.restarts += 1

    def abandoned(self, count: int) -> None:
        """So many children live on although SIGKILL was sent."""
        with self._lock:
            self._meter.unkillable = count

    def state(self) -> SourceState:
        """Everything together."""
        with self._lock:
            swept_at = self._swept_at
            young = swept_at is not None and time.monotonic() - swept_at <= self._stale_seconds
            return self._meter.state(
                up=swept_at is not None and self._trouble is None,
                fresh=young,
                released=False,
                reason="",
                problem=self._problem and f"{self._name}: {self._problem}",
            )
