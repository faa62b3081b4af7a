"""NVML census: which GPUs there are, from NVML's answers and the PCI bus, and who is asked."""

from collections.abc import Collection

from gpuwatch.domain.devices import Device  # noqa: TC001 - a name of one module, used as such
from gpuwatch.sources.base import Inventory
from gpuwatch.sources.driver import PciFunction
from gpuwatch.sources.nvml_conversation import Found, Ready
from gpuwatch.sources.nvml_messages import device_of

# NVML counts GPUs that it does not let a user open, too (nvmlDeviceGetCount_v2 and
# nvmlDeviceGetHandleByIndex_v2): https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
_NO_PERMISSION = 4


class Census:
    """The GPUs of this host as the last inventory and the last look at the PCI bus told."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self._ordered: tuple[str, ...] = ()
        self.lost: frozenset[str] = frozenset()
        self.denied: frozenset[str] = frozenset()
        self.functions: tuple[PciFunction, ...] = ()
        self.versions = Ready(table="", driver="", nvml="", cuda="")

    @property
    def managed(self) -> tuple[str, ...]:
        """Addresses that NVML may know, in NVML's order; from the last inventory without sysfs."""
        bound = tuple(each.address for each in self.functions if each.managed)
        return bound or tuple(sorted(self.devices))

    @property
    def missing(self) -> frozenset[str]:
        """Functions that NVIDIA's driver has, but that are no device of the last inventory."""
        return frozenset(each.address for each in self.functions if each.managed) - set(
            self.devices
        )

    def saw_functions(self, functions: tuple[PciFunction, ...]) -> bool:
        """Note what is on the PCI bus; True when that changed."""
        changed = functions != self.functions
        self.functions = functions
        return changed

    def to_open(self, without: Collection[str]) -> tuple[str, ...] | None:
        """The addresses an inventory may touch; None for all, when nobody is to be spared."""
        if not without:
            return None
        return tuple(address for address in self.managed if address not in without)

    def to_ask(self, without: Collection[str]) -> tuple[str, ...]:
        """The addresses a sweep asks, in the order of their indices."""
        if not without:
            return self._ordered
        return tuple(address for address in self._ordered if address not in without)

    def counted(self, found: Found, spared: Collection[str]) -> Inventory:
        """Take in a complete inventory. Raises KeyError or ValueError for one without identity.

        GPUs that were `spared` because they hung keep their place as they were last known, as long
        as the PCI bus has them: not to be asked is not to be gone.
        """
        devices = {device.slot.pci_address: device for device in map(device_of, found.devices)}
        present = {each.address for each in self.functions}
        for address in spared:
            if address in self.devices and (address in present or not present):
                devices.setdefault(address, self.devices[address])
        self.devices = devices
        self._ordered = tuple(
            device.slot.pci_address
            for device in sorted(devices.values(), key=lambda device: device.index)
        )
        unopened = self._unopened(found, spared)
        self.denied = frozenset(at for at, code in unopened.items() if code == _NO_PERMISSION)
        self.lost = frozenset(unopened) - self.denied
        return Inventory(
            devices=tuple(sorted(devices.values(), key=lambda device: device.index)),
            lost=tuple(sorted(self.lost)),
            denied=tuple(sorted(self.denied)),
            unmanaged=tuple(
                (each.address, each.driver) for each in self.functions if not each.managed
            ),
            pci_functions=tuple(each.address for each in self.functions),
            driver_version=self.versions.driver,
            nvml_version=self.versions.nvml,
            cuda_version=self.versions.cuda,
        )

    def _unopened(self, found: Found, spared: Collection[str]) -> dict[str, int]:
        """The addresses of GPUs that NVML lists and does not open, each with its error code.

        A child that never saw one of them well knows its index only. When as many functions are
        without a device, those are they; which is which nobody can tell, so that they are denied
        only when all of them are.
        """
        named = {str(each["pci"]): int(each["code"]) for each in found.lost if each["pci"]}
        nameless = sorted(int(each["code"]) for each in found.lost if not each["pci"])
        candidates = self.missing - named.keys() - set(spared)
        if nameless and len(candidates) == len(nameless):
            named |= dict.fromkeys(candidates, nameless[-1])
        return named
