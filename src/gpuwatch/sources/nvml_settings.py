"""NVML settings: cadences, deadlines and limits of the NVML source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.probe_end import EndOrder

_MINUTE = 60.0
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPlan:
    """When a GPU that hung is asked again, alone in a fresh child (seconds).

    Until a hang is confirmed it is asked again after `soon`; a hang is confirmed when it missed
    its deadline alone as well and `confirm` has passed since it first hung. Then each of `later`,
    the last one for ever. A GPU that hangs again within `relapse` of its recovery goes on where
    it was.
    """

    soon: float = 5.0
    confirm: float = 60.0
    later: tuple[float, ...] = (1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 60 * _MINUTE)
    relapse: float = 60 * _MINUTE

    def __post_init__(self) -> None:
        if not self.later or min(*self.later, self.soon) <= 0:
            raise ValueError(f"a GPU that hung is asked again some time later, not {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NvmlSettings:
    """How the GPUs are asked. Everything is in seconds but the counts and paths.

    The `*_deadline` are for one GPU each, but `init_deadline`, which is for all of NVML.
    `respawn` are the pauses before a child that died is started again, the last one for ever.
    `environment` is added to the child's (the folder of another library, for example).
    `look` is how often the driver's load is looked at.
    """

    fast: float = 10.0
    slow: float = 60.0
    rare: float = 300.0
    inventory: float = 3_600.0
    init_deadline: float = 120.0
    inventory_deadline: float = 30.0
    fast_deadline: float = 10.0
    slow_deadline: float = 30.0
    end_order: EndOrder = field(default_factory=EndOrder)
    retry: RetryPlan = field(default_factory=RetryPlan)
    respawn: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
    look: float = 2.0
    max_unkillable: int = 2
    required: bool = True
    sysfs: Path = Path("/sys")
    proc: Path = Path("/proc")
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        if not self.fast <= self.slow <= self.rare <= self.inventory:
            raise ValueError("each cadence is at least as long as the one before it")
        deadlines = (self.fast, self.init_deadline, self.inventory_deadline, self.fast_deadline)
        if min(*deadlines, self.slow_deadline, self.look, *self.respawn) <= 0:
            raise ValueError("every cadence, deadline and pause is longer than 0 s")
        if self.max_unkillable < 1:
            raise ValueError(f"max_unkillable is at least 1, not {self.max_unkillable}")

    @property
    def periods(self) -> tuple[tuple[Cadence, float], ...]:
        """The cadences of sweeps with their periods in seconds, the fastest first."""
        return ((Cadence.FAST, self.fast), (Cadence.SLOW, self.slow), (Cadence.RARE, self.rare))

    def sweep_deadline(self, cadences: frozenset[Cadence]) -> float:
        """How long one GPU may take to answer the rows of `cadences`, in seconds."""
        return self.fast_deadline if cadences <= {Cadence.FAST} else self.slow_deadline

    @property
    def stale_after(self) -> float:
        """The age in seconds beyond which a sweep is no longer fresh: 3 cadences and a deadline.

        The slow one: while one GPU hangs in a sweep with slow rows, the others wait that long.
        """
        return 3 * self.fast + max(self.fast_deadline, self.slow_deadline)
