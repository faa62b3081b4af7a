"""The kernel's own word on the driver, read from trees of files as sysfs and proc have them."""

import os
from pathlib import Path

import pytest

from gpuwatch.sources.driver import (
    DriverLoad,
    PciFunction,
    driver_load,
    library_trace,
    pci_functions,
)
from gpuwatch.sources.nvml_library import FOLDER
from tests.support.fake_world import FakeWorld


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> FakeWorld:
    return FakeWorld(tmp_path, count=2)


def test_a_load_has_a_token_of_its_own(world: FakeWorld) -> None:
    """The same version loaded again is another load."""
    first = driver_load(world.sysfs, world.proc)
    world.load("580.95.05")

    second = driver_load(world.sysfs, world.proc)

    assert first is not None
    assert second is not None
    assert first.version == second.version == "580.95.05"
    assert first.token != second.token


def test_no_module_is_no_load(world: FakeWorld) -> None:
    """Absent, coming or going: there is nobody to ask."""
    home = world.sysfs / "module/nvidia"
    (home / "initstate").write_text("coming\n")
    coming = driver_load(world.sysfs, world.proc)
    world.unload()

    assert coming is None
    assert driver_load(world.sysfs, world.proc) is None


def test_a_module_without_a_version_is_read_from_proc(world: FakeWorld) -> None:
    """Older modules have no version in sysfs; the driver's own line has it."""
    home = world.sysfs / "module/nvidia"
    (home / "version").unlink()
    unknown = driver_load(world.sysfs, world.proc)
    told = world.proc / "driver/nvidia/version"
    told.parent.mkdir(parents=True)
    told.write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
        "GCC version:  gcc version 13.3.0 (Ubuntu 13.3.0-6ubuntu2)\n"
    )

    load = driver_load(world.sysfs, world.proc)

    assert unknown == DriverLoad(str(home.stat().st_ino), "")
    assert load == DriverLoad(str(home.stat().st_ino), "580.95.05")


def test_gpus_are_found_with_their_drivers(world: FakeWorld) -> None:
    """Only NVIDIA's, only GPUs: not their audio functions, bridges or other vendors' cards."""
    world.plug("0000:03:00.0", "vfio-pci")
    world.plug("0000:04:00.0", "")
    for address, vendor, kind in (
        ("0000:01:00.1", "0x10de", "0x040300"),
        ("0000:05:00.0", "0x10de", "0x068000"),
        ("0000:06:00.0", "0x1002", "0x030000"),
    ):
        device = world.sysfs / "bus/pci/devices" / address
        device.mkdir()
        (device / "vendor").write_text(vendor + "\n")
        (device / "class").write_text(kind + "\n")

    found = pci_functions(world.sysfs)

    assert found == (
        PciFunction("0000:01:00.0", "nvidia"),
        PciFunction("0000:02:00.0", "nvidia"),
        PciFunction("0000:03:00.0", "vfio-pci"),
        PciFunction("0000:04:00.0", ""),
    )
    assert [function.managed for function in found] == [True, True, False, False]


def test_a_host_without_trees_has_nothing(tmp_path: Path) -> None:
    """A container without sysfs is told as that, not as an error."""
    assert driver_load(tmp_path, tmp_path) is None
    assert pci_functions(tmp_path) == ()


@pytest.mark.parametrize(("name", "others"), [("LD_LIBRARY_PATH", ":/nonexistent"), (FOLDER, "")])
def test_an_installed_library_leaves_a_trace(tmp_path: Path, name: str, others: str) -> None:
    """A file that appears in the child's own library path is noticed without starting a child."""
    environment = {name: f"{tmp_path}{others}"}
    os.utime(tmp_path, (1, 1))
    before = library_trace(environment)

    (tmp_path / "libnvidia-ml.so.1").touch()

    assert library_trace(environment) != before
    assert library_trace({}) == before[:1]
