"""What a refusal of NVML's means, by code and in words."""

import pytest

from gpuwatch.sources.driver import DriverLoad, PciFunction
from gpuwatch.sources.nvml_conversation import Ready, Refused
from gpuwatch.sources.nvml_states import hung, not_loaded, ready, refused
from gpuwatch.sources.probe_stuck import Stuck

LOAD = DriverLoad("4711", "580.95.05")


@pytest.mark.parametrize(
    ("stage", "code", "condition"),
    [
        ("init", 18, "driver-mismatch"),
        ("init", 9, "driver-not-loaded"),
        ("load", 12, "library-missing"),
        ("init", 15, "failed"),
        ("load", None, "failed"),
    ],
)
def test_a_refusal_is_told_by_its_code(stage: str, code: int | None, condition: str) -> None:
    """Never by its text, which differs between releases."""
    told = Refused(stage=stage, code=code, text="whatever it says", nvml="13.590.48.01")

    state = refused(told, LOAD)

    assert state.condition == condition
    assert (state.driver_version, state.library_version) == ("580.95.05", "13.590.48.01")
    assert state.driver_load == "4711"


def test_a_mismatch_names_both_versions_and_the_way_out() -> None:
    """The operator needs both, and what to do."""
    told = Refused(stage="init", code=18, text="?", nvml="13.590.48.01")

    assert refused(told, LOAD).text == (
        "the driver loaded is 580.95.05, the library is 13.590.48.01: "
        "reboot, or load the new driver"
    )


def test_an_unknown_code_is_shown() -> None:
    """What we have no words for is told as it came."""
    told = Refused(stage="init", code=999, text="Unknown Error", nvml="")

    assert refused(told, LOAD).text == "NVML failed at init with code 999: Unknown Error"


def test_without_a_driver_the_waiting_gpus_are_listed() -> None:
    """Those of another driver do not wait for ours."""
    functions = (
        PciFunction("0000:01:00.0", ""),
        PciFunction("0000:02:00.0", "vfio-pci"),
        PciFunction("0000:03:00.0", "nvidia"),
    )

    state = not_loaded(functions)

    assert state.pci_functions == ("0000:01:00.0", "0000:03:00.0")
    assert state.text == (
        "3 NVIDIA GPUs are on the PCI bus, bound to vfio-pci, but no driver is loaded"
    )


def test_a_host_without_gpus_is_told_as_that() -> None:
    """No GPU and no driver is not a missing driver."""
    state = not_loaded(())

    assert state.pci_functions == ()
    assert state.text == "no NVIDIA GPU is on the PCI bus and no NVIDIA driver is loaded"


def test_ready_carries_the_epoch() -> None:
    """The load's token and the module's version, the library's beside it."""
    state = ready(Ready(table="t", driver="580.95", nvml="13.580", cuda="13000"), LOAD)

    assert (state.condition, state.driver_load) == ("ready", "4711")
    assert (state.driver_version, state.library_version) == ("580.95.05", "13.580")


def test_hung_says_where() -> None:
    """The call and the state of the fresh child."""
    stuck = Stuck(pid=1, state="D", where="", call="nvmlInit", device="", seconds=120)

    assert hung(stuck, LOAD).text == (
        "no GPU answers in a fresh child (stuck for 120 s in state D, in nvmlInit): reboot the host"
    )
