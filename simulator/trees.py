"""The kernel's trees: a movable /sys and /proc with the simulated server's devices and driver."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_NVIDIA = "0x10de"
_THREE_D_CONTROLLER = "0x030200"
_BRIDGE = "0x068000"  # NVSwitches show as "Bridge"
_ETHERNET = "0x020000"


@dataclass(frozen=True, slots=True)
class PciFunction:
    """One PCI function: its address and the identity that sysfs shows."""

    address: str
    vendor: str
    device: str
    pci_class: str
    driver: str

    @classmethod
    def gpu(cls, address: str, device: int, driver: str) -> "PciFunction":
        """An NVIDIA GPU."""
        return cls(address, _NVIDIA, f"0x{device:04x}", _THREE_D_CONTROLLER, driver)

    @classmethod
    def nvswitch(cls, address: str) -> "PciFunction":
        """An NVSwitch of the Hopper generation (device 22a3)."""
        return cls(address, _NVIDIA, "0x22a3", _BRIDGE, "nvidia-nvswitch")

    @classmethod
    def network(cls, address: str) -> "PciFunction":
        """A network card of another vendor, for readers that must tell vendors apart."""
        return cls(address, "0x15b3", "0x1021", _ETHERNET, "mlx5_core")


class KernelTrees:
    """Writes the parts of /sys and /proc that tell which driver is loaded and what it drives."""

    def __init__(self, directory: Path) -> None:
        self.sysfs = directory / "sys"
        self.proc = directory / "proc"
        self._unloaded = directory / "unloaded"
        self._devices = self.sysfs / "bus/pci/devices"
        self._drivers = self.sysfs / "bus/pci/drivers"

    def create(self) -> None:
        """Make the empty trees."""
        for path in (self._devices, self._drivers, self.sysfs / "module", self.proc / "driver"):
            path.mkdir(parents=True)
        self._unloaded.mkdir()

    def add(self, function: PciFunction) -> None:
        """Plug a PCI function in, or rebind it."""
        path = self._devices / function.address
        path.mkdir(exist_ok=True)
        (path / "vendor").write_text(f"{function.vendor}\n")
        (path / "device").write_text(f"{function.device}\n")
        (path / "class").write_text(f"{function.pci_class}\n")
        self.bind(function.address, function.driver)

    def bind(self, address: str, driver: str) -> None:
        """Give a function to a driver; "" unbinds it."""
        link = self._devices / address / "driver"
        link.unlink(missing_ok=True)
        if driver:
            (self._drivers / driver).mkdir(exist_ok=True)
            link.symlink_to(Path("../../drivers") / driver)

    def remove(self, address: str) -> None:
        """Take a PCI function out of the machine."""
        shutil.rmtree(self._devices / address, ignore_errors=True)

    def load_module(self, version: str, *, open_module: bool) -> None:
        """Load the driver: a new module directory with an inode that no earlier load had."""
        module = self.sysfs / "module/nvidia"
        fresh = self.sysfs / "module/.nvidia.new"
        fresh.mkdir()
        for name, text in (("version", version), ("initstate", "live"), ("refcnt", "0")):
            (fresh / name).write_text(f"{text}\n")
        self.unload_module()
        fresh.rename(module)
        driver = self.proc / "driver/nvidia"
        driver.mkdir(parents=True, exist_ok=True)
        (driver / "version").write_text(_version_text(version, open_module=open_module))

    def unload_module(self) -> None:
        """Unload it. The old directory is kept aside: a freed inode number would come back."""
        module = self.sysfs / "module/nvidia"
        if module.is_dir():
            module.rename(self._unloaded / f"{len(list(self._unloaded.iterdir()))}")
        shutil.rmtree(self.proc / "driver/nvidia", ignore_errors=True)


def _version_text(version: str, *, open_module: bool) -> str:
    """`/proc/driver/nvidia/version` of the open module (Turing on) or of the closed one."""
    machine = os.uname().machine
    module = (
        f"NVIDIA UNIX Open Kernel Module for {machine}  {version}  Release Build  (root@builder)  "
        if open_module
        else f"NVIDIA UNIX {machine} Kernel Module  {version}  "
    )
    return (
        f"NVRM version: {module}Tue Sep 23 10:11:16 UTC 2025\n"
        "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14+deb12u1) \n"
    )
