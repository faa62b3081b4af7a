"""Sources: the protocol every source keeps, and what it hands to the agent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gpuwatch.domain.bmc import BmcFailure, BmcSweep
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.devices import Device
from gpuwatch.domain.events import Event
from gpuwatch.domain.readings import Sweep
from gpuwatch.domain.snapshot import SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHang:
    """A device whose calls missed their deadline, or in whose call the child died twice running.

    `call` names the binding's function, `state` is the child's process state letter ("D" cannot be
    killed, "" or "Z": it died), `where` the kernel function it waits in ("" where not readable),
    `seconds` how long.
    """

    pci_address: str
    call: str
    state: str
    where: str
    seconds: float
    silent_seconds: float
    confirmed: bool  # again in a fresh child that asked only this device


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one inventory found: devices, those without a handle, and functions not NVIDIA's.

    `lost` are PCI addresses the driver lists but cannot open, `denied` those that it does not let
    our user open (NVML_ERROR_NO_PERMISSION), which says nothing of the GPU; `unmanaged` are NVIDIA
    PCI functions bound to another driver (address, driver name, "" when none).
    """

    devices: tuple[Device, ...]
    lost: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    unmanaged: tuple[tuple[str, str], ...] = ()
    pci_functions: tuple[str, ...] = ()
    driver_version: str = ""
    nvml_version: str = ""
    cuda_version: str = ""

    @property
    def taken(self) -> frozenset[str]:
        """Functions that another driver holds. One that no driver holds is not given away."""
        return frozenset(address for address, driver in self.unmanaged if driver)


class DriverCondition:
    """Constants for `DriverState.condition`."""

    READY = "ready"
    NOT_LOADED = "driver-not-loaded"
    LIBRARY_MISSING = "library-missing"
    MISMATCH = "driver-mismatch"
    HUNG = "driver-hung"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverState:
    """Why the driver as a whole can or cannot be asked. `text` is for people.

    `pci_functions` are, while the driver cannot be asked, the addresses of the NVIDIA GPUs on the
    PCI bus that wait for it: those bound to another driver are not among them.
    """

    condition: str
    text: str = ""
    driver_version: str = ""
    library_version: str = ""
    driver_load: str = ""  # token of the module load, see domain.devices.Epoch
    pci_functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPosition:
    """How far the kernel log of one boot was read; every event up to here was delivered before.

    To be stored together with those events, and handed to the source at the next start: then
    nothing is lost and nothing doubled by a kill between the two. `sequence` is the last record's
    number, `usec` its time on the log's clock, `booted_at` when that boot began (Unix seconds).
    The log's clock ran `skew` seconds behind boot time when that was `skew_at` seconds.
    """

    boot_id: str
    sequence: int
    usec: int
    booted_at: float
    skew: float = 0.0
    skew_at: float = 0.0

    def __str__(self) -> str:
        """One word a field, for a store that keeps text; `parse` reads it."""
        seconds = f"{self.booted_at:.3f} {self.skew:.3f} {self.skew_at:.3f}"
        return f"{self.boot_id} {self.sequence} {self.usec} {seconds}"

    @classmethod
    def parse(cls, text: str) -> "LogPosition":
        """What `str` wrote. Raises ValueError for anything else."""
        boot_id, sequence, usec, booted_at, skew, skew_at = text.split()
        return cls(
            boot_id=boot_id,
            sequence=int(sequence),
            usec=int(usec),
            booted_at=float(booted_at),
            skew=float(skew),
            skew_at=float(skew_at),
        )


BmcMessage = BmcSweep | LogBatch | BmcFailure
Message = (
    Sweep | Inventory | Event | DeviceHang | DriverState | SourceState | LogPosition | BmcMessage
)
Deliver = Callable[[str, Message], None]


class Source(Protocol):
    """A thread of its own that asks hardware through a child and delivers domain values.

    `deliver(name, message)` is called from the source's thread and never blocks for long.
    """

    name: str

    def start(self, deliver: Deliver) -> None:
        """Start the thread. Returns at once, also when the hardware is absent."""
        ...

    def stop(self, within_seconds: float) -> None:
        """End thread and child: EOF, SIGTERM, late SIGKILL; never waits longer than told."""
        ...

    def state(self) -> SourceState:
        """How the source is doing at this instant. Cheap and thread-safe."""
        ...
