"""Gpu: a device that this child has a handle of, and what its plans depend on."""

import ctypes
from dataclasses import dataclass

import pynvml


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One device. `uuid` is "" until it has said who it is."""

    handle: pynvml.c_nvmlDevice_t
    index: int
    pci: str
    uuid: str = ""
    links: "Count"
    fans: "Count"

    @property
    def address(self) -> int:
        """Where the handle points: the same for every copy of it, also once the GPU is lost."""
        return address_of(self.handle)


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something a device has; `code` is the error that left `number` at 0, or 0."""

    number: int
    code: int = 0


def address_of(handle: pynvml.c_nvmlDevice_t) -> int:
    """A handle's target, by which an event's handle is matched: nothing can be asked of it."""
    return ctypes.addressof(handle.contents)


def pci_address(domain: int, bus: int, device: int) -> str:
    """`0000:01:00.0`: as the kernel writes it, lower case, the domain in at least four digits."""
    return f"{domain:04x}:{bus:02x}:{device:02x}.0"


def driver_version(text: str) -> tuple[int, ...]:
    """(580, 95, 5) of "580.95.05"; () where the text is no version: such a driver is unknown."""
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()
