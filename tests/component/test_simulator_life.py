"""The simulated driver, met through the real binding: resets, reloads, boards that change."""

import pytest

from simulator.machine import InUseError
from simulator.world import Server
from tests.support.nvml_client import NvmlClient
from tests.support.server import MakeServer

LOST = "error 15"
ABSENT = "error 13"


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Eight H100 boards, healthy."""
    return make_server()


def test_indices_shift_when_a_gpu_vanishes(server: Server) -> None:
    """A process that starts afterwards counts seven, and index 2 is the board of slot 3."""
    server.lose(2, vanish=True)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        count = client.call("nvmlDeviceGetCount")
        serial = client.call("nvmlDeviceGetSerial", "#2")

    assert (count, serial) == (7, server.get(3, "serial"))
    assert not (server.sysfs / "bus/pci/devices/0000:52:00.0").exists()


def test_a_board_given_to_a_virtual_machine_is_not_enumerated(server: Server) -> None:
    """Bound to vfio-pci it stays in sysfs and leaves NVML."""
    server.vfio(7)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        count = client.call("nvmlDeviceGetCount")

    driver = (server.sysfs / "bus/pci/devices/0000:df:00.0/driver").readlink()
    assert (count, driver.name) == (7, "vfio-pci")


def test_an_old_driver_lacks_new_symbols(make_server: MakeServer) -> None:
    """A function that its branch does not export is not found; one it has answers."""
    server = make_server(driver="550.163.01")

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        repair = client.call("nvmlDeviceGetRepairStatus", "#0")
        rows = client.call("nvmlDeviceGetRemappedRows", "#0")

    assert (repair, rows) == (ABSENT, [0, 0, 0, 0])


def test_a_reset_is_refused_while_a_client_holds_the_gpu(server: Server) -> None:
    """The holder of another GPU is no hindrance; the refusal says what nvidia-smi says."""
    server.uncorrectable(2)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetUUID", "#2")
        server.reset(1)
        with pytest.raises(InUseError, match="In use by another client"):
            server.reset(2)
        client.call("nvmlShutdown")
        server.reset(2)
        client.call("nvmlInit")
        after = client.fields(2, 4, 6, 143, 144)

    assert after == [0, 1, 1, 0]


def test_a_dead_client_holds_nothing(server: Server) -> None:
    """After SIGKILL its lock is gone, whatever file it left."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetUUID", "#2")
        while_alive = server.clients(2)

    assert while_alive == (client.process.pid,)
    assert server.clients(2) == ()


def test_a_reload_starts_a_new_epoch(server: Server) -> None:
    """Volatile counters are 0 and the module directory is another one; the aggregate stays."""
    server.uncorrectable(3)
    before = (server.sysfs / "module/nvidia").stat().st_ino
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        with pytest.raises(InUseError):
            server.reload()

    server.reload()

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        counts = client.fields(3, 4, 6)
    assert counts == [0, 1]
    assert (server.sysfs / "module/nvidia").stat().st_ino != before


def test_inode_numbers_of_module_loads_never_return(server: Server) -> None:
    """The load token is unique over many loads, as kernfs numbers are."""
    seen = set()
    for _ in range(20):
        server.reload()
        seen.add((server.sysfs / "module/nvidia").stat().st_ino)

    assert len(seen) == 20


def test_an_upgrade_needs_a_new_process(server: Server) -> None:
    """Who mapped the old library cannot initialise with the new module; a new process can."""
    with NvmlClient(server) as old:
        old.call("nvmlInit")
        old.call("nvmlShutdown")
        server.reload(driver="590.48.01")
        mismatch = old.call("nvmlInit")
    with NvmlClient(server) as new:
        new.call("nvmlInit")
        version = new.call("nvmlSystemGetDriverVersion")

    assert (mismatch, version) == ("error 18", "590.48.01")
    assert (server.sysfs / "module/nvidia/version").read_text() == "590.48.01\n"
    assert "590.48.01" in (server.proc / "driver/nvidia/version").read_text()


def test_a_newer_library_than_the_module_is_a_mismatch(server: Server) -> None:
    """A package upgrade without a reload fails new processes and spares the running."""
    with NvmlClient(server) as running:
        running.call("nvmlInit")
        server.mismatch("590.48.01")
        goes_on = running.call("nvmlDeviceGetPowerUsage", "#0")
    with NvmlClient(server) as fresh:
        refused = fresh.call("nvmlInit")

    assert (goes_on, refused) == (318_000, "error 18")


def test_without_the_module_there_is_no_driver(server: Server) -> None:
    """Unloaded: initialisation says so, sysfs and procfs show none; loaded again it works."""
    server.unload()
    with NvmlClient(server) as client:
        unloaded = client.call("nvmlInit")
        traces = [
            (server.sysfs / "module/nvidia").exists(),
            (server.proc / "driver/nvidia").exists(),
        ]
        server.load()
        loaded = client.call("nvmlInit")

    assert (unloaded, traces, loaded) == ("error 9", [False, False], None)


def test_without_the_library_there_is_none(server: Server) -> None:
    """The binding finds no library until it is installed."""
    server.uninstall_library()
    with NvmlClient(server) as client:
        missing = client.call("nvmlInit")
        server.install_library()
        present = client.call("nvmlInit")

    assert (missing, present) == ("error 12", None)


def test_a_swapped_board_is_another_board(server: Server) -> None:
    """New serial and UUID, counters at birth, the same slot; the old handle is lost."""
    server.uncorrectable(5)
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetUUID", "#5")
        serial = server.swap(5)
        old_handle = client.call("nvmlDeviceGetPowerUsage", "#5")
    server.reboot()

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        answers = [client.call(f"nvmlDeviceGet{what}", "#5") for what in ("Serial", "MinorNumber")]
        counts = client.fields(5, 4, 6, 143)
    assert (old_handle, answers, counts) == (LOST, [serial, 5], [0, 0, 0])


def test_modes_wait_for_a_reset_where_hardware_does(make_server: MakeServer) -> None:
    """MIG on Ampere, and ECC everywhere, change at the next reset; MIG on Hopper at once."""
    ampere, hopper = make_server("a100-sxm-80gb", 1), make_server("h100-sxm", 1)
    for server in (ampere, hopper):
        server.mig(0, enabled=True)
        server.ecc(0, enabled=False)
    before = [
        (server.get(0, "mig.current"), server.get(0, "ecc_mode.current"))
        for server in (ampere, hopper)
    ]
    ampere.reset(0)

    after = (ampere.get(0, "mig.current"), ampere.get(0, "ecc_mode.current"))

    assert before == [("0", "1"), ("1", "1")]
    assert after == ("1", "0")


def test_a_lost_gpu_needs_more_than_a_reset(server: Server) -> None:
    """Neither reset nor reload brings it back; a reboot does."""
    server.lose(2)
    with pytest.raises(ValueError, match="is lost"):
        server.reset(2)
    server.reload()
    after_reload = server.get(2, "lost")
    server.reboot()

    assert (after_reload, server.get(2, "lost")) == ("yes", None)
