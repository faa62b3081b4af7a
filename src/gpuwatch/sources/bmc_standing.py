"""BMC standing: how one BMC's source is doing, counted by its thread and read by everybody."""

import threading
import time

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.nvml_meter import Meter


class Standing:
    """Whether a BMC answers, and what the source counts about itself. Thread-safe.

    A sweep is fresh for `stale_seconds` on the monotonic clock.
    """

    def __init__(self, name: str, *, required: bool, stale_seconds: float) -> None:
        self._stale_seconds = stale_seconds
        self._meter = Meter(name, required)
        self._lock = threading.Lock()
        self._swept_at: float | None = None
        self._trouble: BmcTrouble | None = None
        self._problem = ""

    def swept(self, seconds: float, wall: float) -> None:
        """It told everything, in so many seconds, at Unix second `wall`."""
        with self._lock:
            self._trouble, self._problem = None, ""
            self._meter.swept(seconds, wall)
            self._swept_at = time.monotonic()

    def failed(self, trouble: BmcTrouble, problem: str) -> None:
        """It cannot be asked; `problem` is a sentence with the way out."""
        with self._lock:
            self._trouble, self._problem = trouble, problem
            self._meter.timeouts += trouble is BmcTrouble.TIMED_OUT

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
                problem=self._problem,
            )
