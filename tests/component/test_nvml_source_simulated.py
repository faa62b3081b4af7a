"""The NVML source with the real NVML child, the real binding and a simulated driver beneath it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gpuwatch.clock import SystemClock
from gpuwatch.domain.events import Event
from gpuwatch.domain.readings import Reading, Sweep
from gpuwatch.sources.base import DeviceHang, DriverCondition, DriverState, Inventory
from gpuwatch.sources.nvml_source import NvmlSource
from simulator.machine import InUseError
from simulator.world import Server
from tests.support.fake_world import QUICK, Listener
from tests.support.patience import eventually
from tests.support.server import MakeServer

POWER = "gpuwatch_gpu_power_watts"
FIELDS = "nvmlDeviceGetFieldValues"
Start = Callable[..., NvmlSource]


@pytest.fixture(name="server")
def _server(make_server: MakeServer) -> Server:
    return make_server()


@pytest.fixture(name="heard")
def _heard() -> Listener:
    return Listener()


@pytest.fixture(name="start")
def _start(server: Server, heard: Listener) -> Iterator[Start]:
    started: list[NvmlSource] = []

    def start(**changes: Any) -> NvmlSource:  # noqa: ANN401 - any field of settings
        settings = replace(
            QUICK,
            sysfs=server.sysfs,
            proc=server.proc,
            environment=server.environment(),
            **changes,
        )
        source = NvmlSource(settings, SystemClock(), log=heard.log)
        source.start(heard)
        started.append(source)
        return source

    yield start
    for source in started:
        source.stop(4.0)


def _addresses(server: Server) -> list[str]:
    return [str(server.get(gpu, "pci")) for gpu in server.gpus()]


def _uuids(heard: Listener) -> list[str]:
    return [device.board.key.uuid for device in heard.all(Inventory)[-1].devices]


def test_eight_simulated_gpus_are_watched(server: Server, heard: Listener, start: Start) -> None:
    """Identity, values in their rows, and the versions of driver and library."""
    server.set_power(3, 333_000)
    source = start()

    assert eventually(lambda: source.state().fresh)

    inventory = heard.all(Inventory)[0]
    ready = heard.all(DriverState)[0]
    assert [device.slot.pci_address for device in inventory.devices] == _addresses(server)
    assert (ready.condition, ready.driver_version) == ("ready", "580.95.05")
    assert inventory.driver_version == "580.95.05"
    fourth = next(s for s in heard.all(Sweep) if s.board == inventory.devices[3].board.key)
    power = fourth.get(POWER)
    assert isinstance(power, Reading)
    assert power.value == 333_000


@pytest.mark.parametrize("mode", ["sleep", "spin"])
def test_one_simulated_call_hangs(server: Server, heard: Listener, start: Start, mode: str) -> None:
    """Seven go on; the eighth is confirmed with its call, and comes back when the call does."""
    source = start()
    assert eventually(lambda: len(heard.swept()) == 8)
    sick = _addresses(server)[3]
    sick_uuid = _uuids(heard)[3]
    everybody = heard.swept()

    server.hang(3, FIELDS, mode)

    assert eventually(lambda: any(hang.confirmed for hang in heard.all(DeviceHang)))
    assert {(hang.pci_address, hang.call) for hang in heard.all(DeviceHang)} == {(sick, FIELDS)}
    heard.forget()
    assert eventually(lambda: heard.swept() == everybody - {sick_uuid})
    server.unhang(3)
    assert eventually(lambda: not source.set_apart())
    heard.forget()
    assert eventually(lambda: heard.swept() == everybody)


def test_a_simulated_gpu_that_cannot_even_be_opened_is_set_apart(
    server: Server, heard: Listener, start: Start
) -> None:
    """A hang before there is a handle is charged to the right GPU; the others start."""
    server.hang(2, "nvmlDeviceGetUUID")
    source = start()

    assert eventually(lambda: len(heard.swept()) == 7)
    assert set(source.set_apart()) == {_addresses(server)[2]}


def test_a_simulated_driver_that_hangs_is_the_driver(
    server: Server, heard: Listener, start: Start
) -> None:
    """A hang of every call is told as the driver's, and its end as well."""
    start(init_deadline=3.0)
    assert eventually(lambda: len(heard.swept()) == 8)
    server.hang(None, "*")
    assert eventually(lambda: heard.all(DriverState)[-1].condition == DriverCondition.HUNG)

    server.unhang(None)

    assert eventually(lambda: heard.all(DriverState)[-1].condition == DriverCondition.READY)


def test_a_simulated_gpu_falls_off_the_bus(server: Server, heard: Listener, start: Start) -> None:
    """Lost, with its Xid as an event; the others unchanged; back after it was restored."""
    start()
    assert eventually(lambda: len(heard.swept()) == 8)
    lost = _addresses(server)[5]
    server.lose(5)

    assert eventually(lambda: heard.all(Inventory)[-1].lost == (lost,))
    assert len(heard.all(Inventory)[-1].devices) == 7
    assert eventually(lambda: heard.all(Event))
    assert {(event.code, event.pci_address) for event in heard.all(Event)} == {(79, lost)}
    server.restore(5)
    assert eventually(lambda: len(heard.all(Inventory)[-1].devices) == 8)


def test_a_simulated_driver_is_upgraded_while_released(
    server: Server, heard: Listener, start: Start
) -> None:
    """Refused while we hold it, done while we do not; then another epoch of another version."""
    source = start()
    assert eventually(lambda: len(heard.swept()) == 8)
    with pytest.raises(InUseError):
        server.reload(driver="590.48.01")
    source.release("upgrade", SystemClock().now().wall + 600)
    assert source.wait_released(30.0)

    server.reload(driver="590.48.01")
    source.resume()

    assert eventually(lambda: heard.all(DriverState)[-1].driver_version == "590.48.01")
    assert heard.all(DriverState)[-1].condition == DriverCondition.READY
    assert heard.all(DriverState)[-1].driver_load != heard.all(DriverState)[0].driver_load


def test_a_simulated_library_does_not_fit_the_module(
    server: Server, heard: Listener, start: Start
) -> None:
    """Told with both versions until the new module is loaded."""
    server.mismatch("590.48.01")
    start()
    assert eventually(lambda: heard.all(DriverState))
    mismatch = heard.all(DriverState)[0]

    server.reload()

    assert mismatch.condition == DriverCondition.MISMATCH
    assert mismatch.driver_version == "580.95.05"
    assert "590.48.01" in mismatch.library_version
    assert eventually(lambda: heard.all(DriverState)[-1].condition == DriverCondition.READY)


def test_a_simulated_library_is_installed_later(
    server: Server, heard: Listener, start: Start
) -> None:
    """A driver without its library is told; the library is found as soon as it is there."""
    server.uninstall_library()
    start(respawn=(600.0,))
    assert eventually(lambda: heard.all(DriverState))
    missing = heard.all(DriverState)[0]

    server.install_library()

    assert missing.condition == DriverCondition.LIBRARY_MISSING
    assert eventually(lambda: heard.all(DriverState)[-1].condition == DriverCondition.READY)


def test_a_simulated_gpu_is_handed_to_a_virtual_machine(
    server: Server, heard: Listener, start: Start
) -> None:
    """Bound to vfio-pci it is not managed, and back when it is given back."""
    start()
    assert eventually(lambda: len(heard.swept()) == 8)
    address = _addresses(server)[6]
    server.vfio(6)

    assert eventually(lambda: heard.all(Inventory)[-1].unmanaged == ((address, "vfio-pci"),))
    assert len(heard.all(Inventory)[-1].devices) == 7
    server.take_back(6)
    assert eventually(lambda: len(heard.all(Inventory)[-1].devices) == 8)
