"""NVML agenda: what an idle child is asked next: an inventory, what is due, or what is wanted soon.

Pure but for looking at the PCI bus. Monotonic time is passed in.
"""

import math
from collections.abc import Collection

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.base import Inventory
from gpuwatch.sources.driver import pci_functions
from gpuwatch.sources.nvml_cadence import Schedule
from gpuwatch.sources.nvml_census import Census
from gpuwatch.sources.nvml_conversation import Conversation, Found
from gpuwatch.sources.nvml_settings import NvmlSettings

_SWEEPS = frozenset({Cadence.FAST, Cadence.SLOW, Cadence.RARE})
_AFTER_COUNT = frozenset({Cadence.INVENTORY})
# Between two looks at one GPU out of turn: one that reports an error with every kernel that fails
# would be asked without a pause, and everybody else on its driver with it.
SOON_SECONDS = 2.0


class Agenda:
    """The asking side of the main child."""

    def __init__(self, settings: NvmlSettings) -> None:
        self.census = Census()
        self.routine = False  # whether the sweep under way is one of the schedule's
        self.first_count = True  # whether this child has made no inventory yet
        self._settings = settings
        self._schedule = Schedule(settings.periods)
        self._count_due = math.inf
        self._extra: frozenset[Cadence] = frozenset()
        self._spared: frozenset[str] = frozenset()  # by the inventory under way
        self._soon: dict[str, frozenset[Cadence]] = {}
        self._asked_soon: dict[str, float] = {}  # when last

    def due(self) -> float:
        """The monotonic second at which an idle child is to be asked something."""
        soon = min(map(self._soon_at, self._soon), default=math.inf)
        return min(soon, self._count_due, self._schedule.next_due())

    def _soon_at(self, pci_address: str) -> float:
        """From which monotonic second on a GPU may be asked out of turn."""
        return self._asked_soon.get(pci_address, -math.inf) + SOON_SECONDS

    def fresh_child(self, now: float) -> None:
        """A child is ready: it has no inventory yet."""
        self.first_count, self._count_due = True, now

    def count_by(self, when: float) -> None:
        """Make an inventory by monotonic second `when`."""
        self._count_due = min(self._count_due, when)

    def want(self, pci_address: str, cadences: frozenset[Cadence]) -> None:
        """Ask one GPU's rows of `cadences` as soon as the child is free, and not too often."""
        self._soon[pci_address] = self._soon.get(pci_address, frozenset()) | cadences

    def forget_wants(self) -> None:
        """Nothing is wanted soon any more."""
        self._soon.clear()

    def ask(self, talk: Conversation, spared: Collection[str], now: float) -> None:
        """Ask the child what is next, sparing some GPUs; nothing when nothing is due."""
        if now >= self._count_due:
            self._ask_inventory(talk, spared, now)
            return
        addresses = self.census.to_ask(spared)
        cadences = self._schedule.due(now)
        if cadences:
            self._schedule.asked(cadences, now)
            if Cadence.SLOW in cadences and self._look_at_bus():
                self._count_due = now
        if cadences and addresses:
            self.routine = True
            talk.ask_sweep(addresses, cadences | self._extra, now)
            self._extra = frozenset()
        elif address := min(self._soon, key=self._soon_at, default=""):
            self._ask_soon(talk, address, addresses, now)

    def _ask_soon(
        self, talk: Conversation, address: str, addresses: Collection[str], now: float
    ) -> None:
        """Ask the GPU that has waited longest, if its time has come and it may be asked at all."""
        if now < self._soon_at(address):
            return
        wanted = self._soon.pop(address)
        if address in addresses:
            self._asked_soon[address] = now
            self.routine = False
            talk.ask_sweep((address,), wanted, now)

    def _ask_inventory(self, talk: Conversation, spared: Collection[str], now: float) -> None:
        self._look_at_bus()
        self._count_due = now + self._settings.inventory
        self._spared = frozenset(spared)
        expected = [address for address in self.census.managed if address not in spared]
        talk.ask_inventory(self.census.to_open(spared), expected, now)

    def _look_at_bus(self) -> bool:
        return self.census.saw_functions(pci_functions(self._settings.sysfs))

    def counted(self, found: Found, now: float) -> Inventory:
        """Take in an inventory: everything is asked at once in a new child, else of newcomers.

        Raises KeyError or ValueError for an inventory that is not understood.
        """
        known = set(self.census.devices)
        inventory = self.census.counted(found, self._spared)
        self._extra = _AFTER_COUNT
        if self.first_count:
            self.first_count = False
            self._schedule.restart(now)
            return inventory
        for address in self.census.to_ask(self._spared):
            if address not in known:
                self.want(address, _SWEEPS | _AFTER_COUNT)
        return inventory
