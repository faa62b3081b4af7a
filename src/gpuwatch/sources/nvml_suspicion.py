"""NVML suspicion: is it one GPU that hangs, or the driver? Pure state over the main child's misses.

A hang of one GPU may block the calls to all (driver-wide locks). When a fresh child that spares the
sick GPU misses its deadline before any GPU has answered in it, the driver hangs.
"""

from collections.abc import Sequence

from gpuwatch.sources.probe_stuck import Stuck


class Suspicion:
    """What the misses of the main child, one after the other, say of the driver.

    While the driver is held for hung, each attempt spares the GPUs in whose calls the attempts
    before it stuck: when one of them was to blame after all, the others answer.
    """

    def __init__(self, pauses: Sequence[float]) -> None:
        self._pauses = tuple(pauses)
        self._missed = False
        self._tries = 0
        self._blamed: dict[str, Stuck] = {}

    @property
    def hung(self) -> bool:
        """Whether the driver is held for hung."""
        return self._tries > 0

    @property
    def spared(self) -> frozenset[str]:
        """GPUs that the next attempt leaves alone."""
        return frozenset(self._blamed)

    @property
    def pause(self) -> float:
        """Seconds until the next attempt."""
        return self._pauses[min(self._tries, len(self._pauses)) - 1] if self._tries else 0.0

    def missed(self, pci_address: str, stuck: Stuck, *, silent: bool) -> bool:
        """A main child missed its deadline, `silent` before any GPU answered; is the driver hung?

        `pci_address` is the GPU it sat in, "" when it cannot be told.
        """
        again, self._missed = self._missed, True
        if not (silent and again):
            return False
        self._tries += 1
        if pci_address:
            self._blamed[pci_address] = stuck
        return True

    def spare_nobody(self) -> None:
        """Every GPU was blamed by now: so none of them is to blame."""
        self._blamed.clear()

    def answered(self) -> dict[str, Stuck]:
        """GPUs answer: the driver does not hang. Who is to blame then, with where it was stuck."""
        blamed, self._blamed, self._tries = self._blamed, {}, 0
        return blamed

    def swept(self) -> None:
        """A whole sweep came through: the next miss is a first one."""
        self._missed = False
