"""NVML gate: is there a driver to ask at all? Looked at without NVML, and told when it changes."""

import os
from collections.abc import Callable
from dataclasses import replace

from gpuwatch.sources.base import DriverCondition, DriverState, Message
from gpuwatch.sources.driver import DriverLoad, driver_load, library_trace, pci_functions
from gpuwatch.sources.nvml_conversation import Ready, Refused
from gpuwatch.sources.nvml_log import Log
from gpuwatch.sources.nvml_settings import NvmlSettings
from gpuwatch.sources.nvml_states import hung, not_loaded, ready, refused, waiting
from gpuwatch.sources.probe_stuck import Stuck


class Gate:
    """The driver's load as the kernel shows it, and the driver's state as it was told last."""

    def __init__(
        self, settings: NvmlSettings, deliver: Callable[[Message], None], log: Log
    ) -> None:
        self._settings = settings
        self._deliver = deliver
        self._log = log
        self._looked = False
        self._trace: tuple[int, ...] = ()
        self.load: DriverLoad | None = None
        self.library_changed = False
        self.due = 0.0
        self.state = DriverState(condition="", text="nothing was asked yet")

    @property
    def ready(self) -> bool:
        """Whether GPUs answer under this load."""
        return self.state.condition == DriverCondition.READY

    def look(self, now: float, *, at_once: bool) -> bool:
        """Look at the driver's load, `at_once` or when it is due; True when it changed.

        A library stays mapped in a child after its shutdown, so that another load or version needs
        another child. Without a child it is looked at before one is started: NVML's initialisation
        may load a module that somebody has just unloaded.
        """
        self.library_changed = False
        if now < self.due and not at_once:
            return False
        self.due = now + self._settings.look
        trace = library_trace(os.environ | dict(self._settings.environment))
        self.library_changed, self._trace = self._looked and trace != self._trace, trace
        load = driver_load(self._settings.sysfs, self._settings.proc)
        if self._looked and load == self.load:
            return False
        if self._looked:
            self._log("driver-changed", before=_text(self.load), after=_text(load))
        self._looked, self.load = True, load
        if load is None:
            self._tell(not_loaded(pci_functions(self._settings.sysfs)))
        return True

    def refused(self, told: Refused) -> None:
        """NVML could not be loaded or initialised."""
        if self.load is not None:
            self._tell(self._with_functions(refused(told, self.load)))

    def hung(self, stuck: Stuck) -> None:
        """No GPU answers."""
        if self.load is not None:
            self._tell(self._with_functions(hung(stuck, self.load)))

    def answered(self, told: Ready) -> None:
        """GPUs answer."""
        if self.load is not None:
            self._tell(ready(told, self.load))

    def _with_functions(self, state: DriverState) -> DriverState:
        """The same state with the GPUs that wait for the driver to answer."""
        return replace(state, pci_functions=waiting(pci_functions(self._settings.sysfs)))

    def _tell(self, state: DriverState) -> None:
        if state != self.state:
            self.state = state
            self._deliver(state)


def _text(load: DriverLoad | None) -> str:
    return load.version if load else "not loaded"
