"""NVML quarantine: GPUs that hung are set apart, asked again alone, and come back when they answer.

Pure state: time is passed in, in monotonic seconds.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from gpuwatch.sources.nvml_settings import RetryPlan
from gpuwatch.sources.probe_stuck import Stuck

_MISSES = 3  # with the others, alone, and alone once more


@dataclass(frozen=True, slots=True, kw_only=True)
class SetApart:
    """One GPU that is not asked with the others.

    `began` is when the first call that did not come back began; `next_retry` when the GPU is asked
    again, infinite while that is under way; `pauses` how many of the later pauses are used up.
    `confirmed`: it missed its deadline alone as well, for long enough (rule gpu-unresponsive).
    """

    pci_address: str
    began: float
    stuck: Stuck
    misses: int = 1
    misses_alone: int = 0
    pauses: int = 0
    next_retry: float = math.inf
    confirmed: bool = False

    def sentence(self, now: float) -> str:
        """Why this GPU is not asked at the moment, for people."""
        if math.isinf(self.next_retry):
            again = "is being asked again"
        else:
            again = f"is asked again in {max(self.next_retry - now, 0.0):.0f} s"
        times = "once" if self.misses == 1 else f"{self.misses} times"
        return f"did not answer {times} ({self.stuck}); it {again}, alone"


class Quarantine:
    """The GPUs set apart, by PCI address."""

    def __init__(self, plan: RetryPlan) -> None:
        self._plan = plan
        self._members: dict[str, SetApart] = {}
        self._recoveries: dict[str, tuple[float, int]] = {}  # when last, and relapses running

    def __contains__(self, pci_address: str) -> bool:
        return pci_address in self._members

    def __iter__(self) -> Iterator[SetApart]:
        return iter(tuple(self._members.values()))

    def missed(
        self, pci_address: str, stuck: Stuck, now: float, *, alone: bool, still_stuck: bool = False
    ) -> SetApart:
        """A GPU missed its deadline, `alone` in a fresh child that asked nothing else.

        `still_stuck` when an earlier child cannot be ended because of it: that is a miss going on.
        """
        known = self._members.get(pci_address)
        if known is None:
            relapses = self._relapses(pci_address, now)
            pause = self._plan.later[min(relapses, len(self._plan.later)) - 1]
            member = SetApart(
                pci_address=pci_address,
                began=now - stuck.seconds,
                stuck=stuck,
                misses_alone=int(alone),
                next_retry=now + (pause if relapses else self._plan.soon),
            )
        else:
            member = replace(
                known,
                stuck=stuck,
                misses=known.misses + 1,
                misses_alone=known.misses_alone + alone,
                next_retry=now + self._plan.soon,
            )
        self._members[pci_address] = member
        if known is not None and known.confirmed:
            self._members[pci_address] = self._paused(member, now)
        elif still_stuck or member.misses >= _MISSES:
            self._confirm(member, now)
        return self._members[pci_address]

    def ripen(self, stuck: Collection[str], now: float) -> tuple[SetApart, ...]:
        """Those confirmed only by time: GPUs of `stuck` hold a child that nothing can end."""
        unsure = [member for member in self if not member.confirmed and member.pci_address in stuck]
        for member in unsure:
            self._confirm(member, now)
        return tuple(
            self._members[member.pci_address]
            for member in unsure
            if self._members[member.pci_address].confirmed
        )

    def _confirm(self, member: SetApart, now: float) -> None:
        if not member.misses_alone or now - member.began < self._plan.confirm:
            return
        member = replace(member, confirmed=True)
        if not math.isinf(member.next_retry):
            member = self._paused(member, now)
        self._members[member.pci_address] = member

    def _paused(self, member: SetApart, now: float) -> SetApart:
        pause = self._plan.later[min(member.pauses, len(self._plan.later) - 1)]
        return replace(member, next_retry=now + pause, pauses=member.pauses + 1)

    def _relapses(self, pci_address: str, now: float) -> int:
        """How often running it recovered and hung again before it had been well for long."""
        at, relapses = self._recoveries.get(pci_address, (-math.inf, 0))
        count = relapses + 1 if now - at < self._plan.relapse else 0
        self._recoveries[pci_address] = (at, count)
        return count

    def due(self, now: float) -> str:
        """The address of the GPU to ask again now, the longest overdue first; "" when none is."""
        overdue = [member for member in self if member.next_retry <= now]
        return min(overdue, key=lambda member: member.next_retry).pci_address if overdue else ""

    def next_due(self) -> float:
        """The monotonic second of the next retry; infinite when there is none to wait for."""
        return min((member.next_retry for member in self), default=math.inf)

    def retrying(self, pci_address: str) -> None:
        """Note that a child of its own asks this GPU now."""
        self._members[pci_address] = replace(self._members[pci_address], next_retry=math.inf)

    def postpone(self, pci_address: str, now: float) -> None:
        """A retry told nothing of the GPU (its child died, the driver was gone): soon again."""
        member = self._members[pci_address]
        self._members[pci_address] = (
            self._paused(member, now)
            if member.confirmed
            else replace(member, next_retry=now + self._plan.soon)
        )

    def recovered(self, pci_address: str, now: float) -> None:
        """It answered, alone: it is asked with the others again."""
        del self._members[pci_address]
        _, relapses = self._recoveries.get(pci_address, (0.0, 0))
        self._recoveries[pci_address] = (now, relapses)

    def clear(self) -> None:
        """Forget everything: the driver was loaded anew, or the GPUs were let go of."""
        self._members.clear()
        self._recoveries.clear()
