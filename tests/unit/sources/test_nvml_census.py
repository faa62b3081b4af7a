"""Which GPUs there are, and who is asked."""

from typing import Any

from gpuwatch.sources.driver import PciFunction
from gpuwatch.sources.nvml_census import Census
from gpuwatch.sources.nvml_conversation import Found, Ready

ONE, TWO, THREE = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"


def _device(index: int, address: str) -> dict[str, Any]:
    return {"index": index, "pci": address, "uuid": f"GPU-{address}", "serial": f"S{index}"}


def _census(*drivers: str) -> Census:
    census = Census()
    census.saw_functions(
        tuple(PciFunction(f"0000:0{at}:00.0", name) for at, name in enumerate(drivers, 1))
    )
    return census


def test_devices_are_listed_and_asked_by_index() -> None:
    """NVML's order, which need not be the bus's."""
    census = _census("nvidia", "nvidia")
    census.versions = Ready(table="t", driver="580", nvml="13.580", cuda="13000")

    inventory = census.counted(Found((_device(1, ONE), _device(0, TWO)), ()), ())

    assert [device.slot.pci_address for device in inventory.devices] == [TWO, ONE]
    assert census.to_ask(()) == (TWO, ONE)
    assert (inventory.driver_version, inventory.nvml_version) == ("580", "13.580")
    assert inventory.cuda_version == "13000"


def test_a_spared_gpu_keeps_its_place() -> None:
    """It was not asked, so nothing says that it is gone."""
    census = _census("nvidia", "nvidia")
    census.counted(Found((_device(0, ONE), _device(1, TWO)), ()), ())

    inventory = census.counted(Found((_device(0, ONE),), ()), {TWO})

    assert [device.slot.pci_address for device in inventory.devices] == [ONE, TWO]
    assert census.to_ask({TWO}) == (ONE,)


def test_a_spared_gpu_that_left_the_bus_is_gone() -> None:
    """The PCI bus knows better than a memory."""
    census = _census("nvidia", "nvidia")
    census.counted(Found((_device(0, ONE), _device(1, TWO)), ()), ())
    census.saw_functions((PciFunction(ONE, "nvidia"),))

    inventory = census.counted(Found((_device(0, ONE),), ()), {TWO})

    assert [device.slot.pci_address for device in inventory.devices] == [ONE]


def test_a_gpu_nobody_knew_is_not_invented() -> None:
    """One that hung before it told who it is has no identity to keep."""
    census = _census("nvidia", "nvidia")

    inventory = census.counted(Found((_device(0, ONE),), ()), {TWO})

    assert len(inventory.devices) == 1


def test_lost_and_unmanaged_functions_are_told_apart() -> None:
    """Lost: NVIDIA's driver has it and cannot open it. Unmanaged: another driver, or none."""
    census = _census("nvidia", "vfio-pci", "")
    lost = {"index": 0, "pci": ONE, "code": 15}

    inventory = census.counted(Found((), (lost, {"index": 1, "pci": "", "code": 15})), ())

    assert inventory.lost == (ONE,)
    assert inventory.unmanaged == ((TWO, "vfio-pci"), (THREE, ""))
    assert inventory.pci_functions == (ONE, TWO, THREE)


def test_a_lost_gpu_that_has_only_an_index_is_told_by_who_is_missing() -> None:
    """A child that never saw it well cannot know its address; the PCI bus does."""
    census = _census("nvidia", "nvidia", "vfio-pci")
    nameless = {"index": 1, "pci": "", "code": 15}

    inventory = census.counted(Found((_device(0, ONE),), (nameless,)), ())

    assert inventory.lost == (TWO,)


def test_a_gpu_that_may_not_be_opened_is_denied_and_not_lost() -> None:
    """NVML counts those that a container or unit was not given: their boards may be well."""
    census = _census("nvidia", "nvidia")
    named, nameless = {"index": 0, "pci": ONE, "code": 4}, {"index": 1, "pci": "", "code": 4}

    inventory = census.counted(Found((), (named, nameless)), ())

    assert (inventory.lost, inventory.denied) == ((), (ONE, TWO))


def test_where_nobody_can_tell_the_denied_from_the_lost_all_are_lost() -> None:
    """Two indices and two functions: rather a look in vain than none."""
    census = _census("nvidia", "nvidia")
    denied, lost = {"index": 0, "pci": "", "code": 4}, {"index": 1, "pci": "", "code": 15}

    inventory = census.counted(Found((), (lost, denied)), ())

    assert (inventory.lost, inventory.denied) == ((ONE, TWO), ())


def test_functions_without_a_device_are_missing() -> None:
    """NVIDIA's driver has them, NVML does not: worth another inventory before long."""
    census = _census("nvidia", "nvidia", "vfio-pci")

    census.counted(Found((_device(0, ONE),), ()), ())

    assert census.missing == {TWO}
    assert census.lost == frozenset()


def test_nobody_is_named_while_nobody_is_spared() -> None:
    """The driver may know GPUs that sysfs does not show; naming them would leave them out."""
    census = _census("nvidia", "nvidia", "vfio-pci")

    assert census.to_open(()) is None
    assert census.to_open({ONE}) == (TWO,)
    assert census.to_open({ONE, TWO}) == ()


def test_without_sysfs_the_last_inventory_is_what_there_is() -> None:
    """A container may hide the bus."""
    census = Census()
    census.counted(Found((_device(0, ONE), _device(1, TWO)), ()), ())

    assert census.to_open({ONE}) == (TWO,)


def test_a_changed_bus_is_noticed_once() -> None:
    """Another function, or another driver for one."""
    census = _census("nvidia")

    assert not census.saw_functions((PciFunction(ONE, "nvidia"),))
    assert census.saw_functions((PciFunction(ONE, "vfio-pci"),))
    assert not census.saw_functions((PciFunction(ONE, "vfio-pci"),))
