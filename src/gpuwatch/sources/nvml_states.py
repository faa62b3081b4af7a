"""NVML states: what a refusal of NVML's means for the driver as a whole, in words for people."""

from gpuwatch.sources.base import DriverCondition, DriverState
from gpuwatch.sources.driver import DriverLoad, PciFunction
from gpuwatch.sources.nvml_conversation import Ready, Refused
from gpuwatch.sources.probe_stuck import Stuck

# nvmlReturn_t, https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
_DRIVER_NOT_LOADED, _LIBRARY_NOT_FOUND, _MISMATCH = 9, 12, 18
_CONDITIONS = {
    _DRIVER_NOT_LOADED: DriverCondition.NOT_LOADED,
    _LIBRARY_NOT_FOUND: DriverCondition.LIBRARY_MISSING,
    _MISMATCH: DriverCondition.MISMATCH,
}


def refused(told: Refused, load: DriverLoad) -> DriverState:
    """The driver's state after NVML could not be loaded or initialised, by its error code."""
    # Without a code it is the child's own refusal, and its text says why.
    condition = _CONDITIONS.get(told.code or 0, DriverCondition.FAILED)
    texts = {
        DriverCondition.NOT_LOADED: "NVML finds no driver although the module nvidia is loaded"
        " (is /dev/nvidiactl there and readable?)",
        DriverCondition.LIBRARY_MISSING: "libnvidia-ml.so.1 cannot be loaded"
        f" ({told.text or 'not found'}): install the driver's library package",
        DriverCondition.MISMATCH: f"the driver loaded is {load.version or 'of unknown version'},"
        f" the library is {told.nvml or 'another'}: reboot, or load the new driver",
    }
    failed = told.text
    if told.code is not None:
        failed = f"NVML failed at {told.stage} with code {told.code}: {told.text}"
    return DriverState(
        condition=condition,
        text=texts.get(condition, failed),
        driver_version=load.version,
        library_version=told.nvml,
        driver_load=load.token,
    )


def not_loaded(functions: tuple[PciFunction, ...]) -> DriverState:
    """The driver's state while its module is not loaded."""
    others = sorted({each.driver for each in functions if each.driver and not each.managed})
    if not functions:
        text = "no NVIDIA GPU is on the PCI bus and no NVIDIA driver is loaded"
    else:
        bound = f", bound to {', '.join(others)}" if others else ""
        text = f"{len(functions)} NVIDIA GPUs are on the PCI bus{bound}, but no driver is loaded"
    return DriverState(
        condition=DriverCondition.NOT_LOADED, text=text, pci_functions=waiting(functions)
    )


def waiting(functions: tuple[PciFunction, ...]) -> tuple[str, ...]:
    """The addresses of the GPUs that no other driver holds."""
    return tuple(each.address for each in functions if each.managed or not each.driver)


def ready(told: Ready, load: DriverLoad) -> DriverState:
    """The driver's state once GPUs answer."""
    return DriverState(
        condition=DriverCondition.READY,
        driver_version=load.version or told.driver,
        library_version=told.nvml,
        driver_load=load.token,
    )


def hung(stuck: Stuck, load: DriverLoad) -> DriverState:
    """The driver's state when no GPU answers in a fresh child."""
    return DriverState(
        condition=DriverCondition.HUNG,
        text=f"no GPU answers in a fresh child ({stuck}): reboot the host",
        driver_version=load.version,
        driver_load=load.token,
    )
