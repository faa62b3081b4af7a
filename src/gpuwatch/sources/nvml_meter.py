"""NVML meter: what a source counts about itself, as the state that everybody reads."""

import math
from dataclasses import dataclass
from itertools import accumulate

from gpuwatch.domain.snapshot import SourceState

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, math.inf)


@dataclass(slots=True)
class Meter:
    """Counters of one source since it started. Seconds; `last_success` is Unix seconds."""

    name: str
    required: bool
    timeouts: int = 0
    restarts: int = 0
    unkillable: int = 0
    last_success: float | None = None
    _counts: list[int] | None = None
    _sum: float = 0.0

    def swept(self, seconds: float, wall: float) -> None:
        """A sweep of all GPUs is complete."""
        if self._counts is None:
            self._counts = [0] * len(BUCKETS)
        self._counts[next(at for at, bound in enumerate(BUCKETS) if seconds <= bound)] += 1
        self._sum += seconds
        self.last_success = wall

    def state(
        self, *, up: bool, fresh: bool, released: bool, reason: str, problem: str
    ) -> SourceState:
        """Everything together."""
        counts = accumulate(self._counts or [0] * len(BUCKETS))
        return SourceState(
            name=self.name,
            up=up,
            fresh=fresh,
            required=self.required,
            released=released,
            released_reason=reason if released else "",
            last_success=self.last_success,
            problem=problem,
            timeouts=self.timeouts,
            restarts=self.restarts,
            unkillable=self.unkillable,
            durations=tuple(zip(BUCKETS, counts, strict=True)),
            durations_sum=self._sum,
        )
