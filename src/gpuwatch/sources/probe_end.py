"""Probe end: end of input, SIGTERM, late SIGKILL, and letting go of a child that none of it ends.

SIGKILL of an NVML client has frozen GPUs in the field (Xid 119 and 120 after it), so it comes last
and late. A child in uninterruptible sleep survives it: it is abandoned, counted, and reaped when it
dies after all.
"""

import math
import signal
import time
from collections import deque
from dataclasses import dataclass

from gpuwatch.sources.probe import Probe
from gpuwatch.sources.probe_stuck import Stuck

_LOOK_SECONDS = 0.05  # how often a child on its way out is looked at
_LOOK_AGAIN_SECONDS = 2.0  # and one that was abandoned


@dataclass(frozen=True, slots=True)
class EndOrder:
    """How long a child is given after end of input, after SIGTERM and after SIGKILL (seconds)."""

    input_seconds: float = 2.0
    terminate_seconds: float = 10.0
    kill_seconds: float = 1.0

    def __post_init__(self) -> None:
        if min(self.input_seconds, self.terminate_seconds, self.kill_seconds) <= 0:
            raise ValueError(f"every step of ending a child needs time, not {self}")

    @property
    def seconds(self) -> float:
        """How long all of it takes at most."""
        return self.input_seconds + self.terminate_seconds + self.kill_seconds


class Ending:
    """One child on its way out. `advance` does what is due and never blocks."""

    def __init__(self, probe: Probe, now: float, order: EndOrder) -> None:
        self.probe = probe
        self.stuck: Stuck | None = None  # where it sat when it was abandoned
        terminate = now + order.input_seconds
        kill = terminate + order.terminate_seconds
        self._steps: deque[tuple[float, signal.Signals | None]] = deque(
            (
                (terminate, signal.SIGTERM),
                (kill, signal.SIGKILL),
                (kill + order.kill_seconds, None),
            )
        )
        self._began = now
        probe.close_input()

    @property
    def abandoned(self) -> bool:
        """Whether SIGKILL has had its time and the child lives on."""
        return self.stuck is not None

    def hurry(self, now: float, deadline: float) -> None:
        """Have the steps that are left done by monotonic second `deadline`."""
        left = max(deadline - now, 0.0)
        count = len(self._steps)
        self._steps = deque(
            (min(at, now + left * (place + 1) / (count + 1)), number)
            for place, (at, number) in enumerate(self._steps)
        )

    def advance(self, now: float) -> bool:
        """Do what is due at monotonic second `now`; True once the child is gone and reaped."""
        if not self.abandoned:
            self.probe.discard()
        if self.probe.exit_status() is not None:
            self.probe.close()
            return True
        while self._steps and now >= self._steps[0][0]:
            _, number = self._steps.popleft()
            if number is not None:
                self.probe.signal(number)
            else:
                self.stuck = self.probe.describe_stuck(now - self._began)
                self.probe.close()
        return False


class Endings:
    """All children of one source that are on their way out, or were abandoned."""

    def __init__(self, order: EndOrder) -> None:
        self._order = order
        self._endings: list[Ending] = []

    @property
    def under_way(self) -> int:
        """How many are being ended."""
        return sum(not ending.abandoned for ending in self._endings)

    @property
    def abandoned(self) -> int:
        """How many live on although SIGKILL was sent."""
        return sum(ending.abandoned for ending in self._endings)

    @property
    def stuck(self) -> tuple[Stuck, ...]:
        """Where those sat that were abandoned, when they were."""
        return tuple(ending.stuck for ending in self._endings if ending.stuck is not None)

    def begin(self, probe: Probe, now: float) -> None:
        """Start ending a child."""
        self._endings.append(Ending(probe, now, self._order))
        self.advance(now)

    def advance(self, now: float) -> tuple[Stuck, ...]:
        """Do what is due; where the children sit that were given up by this."""
        before = {id(ending) for ending in self._endings if ending.abandoned}
        self._endings = [ending for ending in self._endings if not ending.advance(now)]
        return tuple(
            ending.stuck
            for ending in self._endings
            if ending.stuck is not None and id(ending) not in before
        )

    def hurry(self, now: float, deadline: float) -> None:
        """Have every child ended, or given up, by monotonic second `deadline`."""
        for ending in self._endings:
            ending.hurry(now, deadline)

    def due(self, now: float) -> float:
        """The monotonic second at which `advance` wants to be called again."""
        if self.under_way:
            return now + _LOOK_SECONDS
        return now + _LOOK_AGAIN_SECONDS if self._endings else math.inf


def end(probe: Probe, order: EndOrder = EndOrder()) -> bool:
    """End one child and wait for that, never longer than the order's seconds together.

    False when it had to be abandoned; it is reaped when it dies after all.
    """
    ending = Ending(probe, time.monotonic(), order)
    while not ending.abandoned:
        if ending.advance(time.monotonic()):
            return True
        time.sleep(_LOOK_SECONDS / 5)
    return False
