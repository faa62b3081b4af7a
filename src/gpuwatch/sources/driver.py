"""Driver: what the kernel tells of NVIDIA's driver and its PCI functions, without asking either.

Only files are read that the kernel answers from memory of its own. Not read, because they reach
into the device or wait for the driver's locks and can block for ever on a sick GPU: a function's
`config`, `current_link_*`, `power_state` and `resource*` in sysfs, and everything under
`/proc/driver/nvidia/gpus`. Nothing here loads a module, as NVML's own initialisation may.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.sources.nvml_library import FOLDER

_NVIDIA = "0x10de"
_DISPLAY_CLASSES = ("0x0300", "0x0302")  # VGA and 3D controllers: GPUs, not their audio or switches
_VERSION = re.compile(r"\b(\d+\.\d+(?:\.\d+)*)\b")
_OURS = "nvidia"
_LOADER_CACHE = "/etc/ld.so.cache"


@dataclass(frozen=True, slots=True)
class DriverLoad:
    """One load of the module: a token that no other load has, and the version loaded."""

    token: str
    version: str


@dataclass(frozen=True, slots=True, order=True)
class PciFunction:
    """A GPU as the PCI bus knows it; `driver` is "" when none is bound."""

    address: str
    driver: str

    @property
    def managed(self) -> bool:
        """Whether NVIDIA's driver has it, and so NVML may know it."""
        return self.driver == _OURS


def driver_load(sysfs: Path, proc: Path) -> DriverLoad | None:
    """The load of the module `nvidia` at present; None while it is not loaded or not yet live.

    The token is the inode of its directory: kernfs gives each new directory a new number.
    """
    home = sysfs / "module" / _OURS
    try:
        token = str(home.stat().st_ino)
    except OSError:
        return None
    if _read(home / "initstate") not in {"", "live"}:  # "coming" and "going" are no driver to ask
        return None
    version = _read(home / "version")
    if not version:
        found = _VERSION.search(_read(proc / "driver" / "nvidia" / "version"))
        version = found.group(1) if found else ""
    return DriverLoad(token, version)


def library_trace(environment: Mapping[str, str]) -> tuple[int, ...]:
    """Something that changes when a library is installed or replaced where the loader looks.

    The loader's cache, which every package manager writes anew, and the folders in LD_LIBRARY_PATH
    and of the settings in the child's `environment`: a few calls of stat, so that a missing
    library is noticed without starting a child every few seconds.
    """
    folders = environment.get("LD_LIBRARY_PATH", "").split(":")
    places = (_LOADER_CACHE, *folders, environment.get(FOLDER, ""))
    return tuple(_changed(Path(place)) for place in places if place)


def pci_functions(sysfs: Path) -> tuple[PciFunction, ...]:
    """Every NVIDIA GPU on the PCI bus, by address, with the driver it is bound to."""
    try:
        devices = tuple((sysfs / "bus" / "pci" / "devices").iterdir())
    except OSError:
        return ()
    return tuple(sorted(PciFunction(path.name, _driver(path)) for path in devices if _is_gpu(path)))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is_gpu(device: Path) -> bool:
    return _read(device / "vendor") == _NVIDIA and _read(device / "class").startswith(
        _DISPLAY_CLASSES
    )


def _driver(device: Path) -> str:
    try:
        return (device / "driver").readlink().name
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
