"""NVML children: which child processes run, and whether another one may be started.

`main` asks all GPUs that are well; `alone` asks one GPU that hung, and nothing else. No child is
started while as many as the limit might turn out to be beyond SIGKILL: each of those is one more
task stuck in the driver.
"""

import math
from collections.abc import Callable, Sequence

from gpuwatch.sources.nvml_conversation import Conversation
from gpuwatch.sources.nvml_settings import NvmlSettings
from gpuwatch.sources.probe import Probe, ProbeFailed
from gpuwatch.sources.probe_end import Endings
from gpuwatch.sources.probe_stuck import Stuck

_WELL_SECONDS = 60.0  # a child that lived this long did not die of its start


class Children:
    """The children of one source. Monotonic time is passed in."""

    def __init__(
        self, command: Sequence[str], settings: NvmlSettings, say: Callable[[str], None]
    ) -> None:
        self._command = tuple(command)
        self._settings = settings
        self._say = say
        self._endings = Endings(settings.end_order)
        self._deaths = 0
        self.not_before = -math.inf  # main is not started earlier
        self.main: Conversation | None = None
        self.alone: Conversation | None = None
        self.alone_asks = ""

    @property
    def running(self) -> tuple[Conversation, ...]:
        """The children that are asked."""
        return tuple(each for each in (self.main, self.alone) if each is not None)

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What to listen to."""
        return tuple(each.probe for each in self.running)

    @property
    def abandoned(self) -> int:
        """Children that live on although SIGKILL was sent."""
        return self._endings.abandoned

    @property
    def ending(self) -> int:
        """Children that are on their way out."""
        return self._endings.under_way

    @property
    def full(self) -> bool:
        """Whether as many are abandoned as may be: nothing starts until one of them dies."""
        return self._endings.abandoned >= self._settings.max_unkillable

    @property
    def stuck_on(self) -> frozenset[str]:
        """GPUs in whose calls abandoned children sit."""
        return frozenset(stuck.device for stuck in self._endings.stuck)

    def may_start(self) -> bool:
        """Whether one more child that hangs beyond SIGKILL would still be within the limit."""
        unproven = sum(not each.answers for each in self.running)
        at_risk = self._endings.abandoned + self._endings.under_way + unproven
        return at_risk < self._settings.max_unkillable

    def start_main(self, now: float) -> bool:
        """Start the child for all GPUs; False, and later again, when that fails."""
        self.main = self._start(now)
        if self.main is None:
            self.put_off(now, lived_seconds=0.0)
        return self.main is not None

    def start_alone(self, pci_address: str, now: float) -> bool:
        """Start the child for one GPU; False when that fails."""
        self.alone = self._start(now)
        self.alone_asks = pci_address if self.alone else ""
        return self.alone is not None

    def _start(self, now: float) -> Conversation | None:
        try:
            probe = Probe(
                self._command, log=self._say, environment=self._settings.environment, progress=True
            )
        except ProbeFailed as error:
            self._say(str(error))
            return None
        return Conversation(probe, self._settings, now)

    def put_off(self, now: float, *, lived_seconds: float) -> None:
        """The main child died: the more often running, the later the next one is started."""
        self._deaths = 0 if lived_seconds >= _WELL_SECONDS else self._deaths
        pauses = self._settings.respawn
        self.not_before = now + pauses[min(self._deaths, len(pauses) - 1)]
        self._deaths += 1

    def start_at_once(self) -> None:
        """Nothing stands against starting the main child any more."""
        self._deaths = 0
        self.not_before = -math.inf

    def end_main(self, now: float) -> None:
        """End the child for all GPUs; it takes its time beside everything else."""
        if self.main is not None:
            self._endings.begin(self.main.probe, now)
        self.main = None

    def end_alone(self, now: float) -> None:
        """End the child for one GPU."""
        if self.alone is not None:
            self._endings.begin(self.alone.probe, now)
        self.alone, self.alone_asks = None, ""

    def end_all(self, now: float) -> None:
        """End everything that runs."""
        self.end_main(now)
        self.end_alone(now)

    def advance_endings(self, now: float) -> tuple[Stuck, ...]:
        """Go on ending children; where those sit that were abandoned by this."""
        return self._endings.advance(now)

    def hurry(self, now: float, deadline: float) -> None:
        """End everything by monotonic second `deadline`, or give it up."""
        self.end_all(now)
        self._endings.hurry(now, deadline)

    def due(self, now: float) -> float:
        """The monotonic second at which something is owed by a child."""
        return min(self._endings.due(now), *(each.deadline for each in self.running), math.inf)
