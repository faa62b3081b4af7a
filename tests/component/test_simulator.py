"""The simulated driver, met through the real binding in processes of their own."""

import os
from pathlib import Path

import pytest

from simulator.machine import InUseError
from simulator.world import Server
from tests.support.nvml_client import NvmlClient
from tests.support.patience import eventually
from tests.support.server import MakeServer

TOTAL = (1, 0)  # uncorrected, volatile
LOST, NOT_SUPPORTED, NO_PERMISSION, ABSENT = "error 15", "error 3", "error 4", "error 13"


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Eight H100 boards, healthy."""
    return make_server()


def test_boards_say_who_they_are(server: Server) -> None:
    """Identity is the world's: name, serial, UUID, address, and no two boards are alike."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        serials = [client.call("nvmlDeviceGetSerial", f"#{gpu}") for gpu in range(8)]
        uuids = {client.call("nvmlDeviceGetUUID", f"#{gpu}") for gpu in range(8)}
        address = client.call("nvmlDeviceGetPciInfo", "#0")
        name = client.call("nvmlDeviceGetName", "#0")

    assert serials == [server.get(gpu, "serial") for gpu in range(8)]
    assert len(uuids) == 8
    assert (address["busId"], address["pciDeviceId"]) == ("00000000:1B:00.0", 0x233010DE)
    assert name == "NVIDIA H100 80GB HBM3"


def test_a_gpu_is_found_by_uuid_serial_and_address(server: Server) -> None:
    """Each way to a handle leads to the same board; a name nobody has leads nowhere."""
    uuid, serial = str(server.get(5, "uuid")), str(server.get(5, "serial"))

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        found = [
            client.call("nvmlDeviceGetIndex", {"by": way, "name": name})
            for way, name in (
                ("nvmlDeviceGetHandleByUUID", uuid),
                ("nvmlDeviceGetHandleBySerial", serial),
                ("nvmlDeviceGetHandleByPciBusId", "0000:c3:00.0"),
            )
        ]
        nobody = client.call("nvmlDeviceGetHandleByUUID", "GPU-0")

    assert found == [5, 5, 5]
    assert nobody == "error 6"


def test_the_world_may_change_while_a_process_runs(server: Server) -> None:
    """The very next call sees the change."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        before = client.call("nvmlDeviceGetTemperature", "#2", 0)
        server.set(2, "temperature.gpu", 91)
        after = client.call("nvmlDeviceGetTemperature", "#2", 0)
        neighbour = client.call("nvmlDeviceGetTemperature", "#3", 0)

    assert (before, after, neighbour) == (45, 91, 45)


def test_an_uncorrectable_error_is_told_the_same_everywhere(server: Server) -> None:
    """Totals, places, aggregate, fields and the pending remap agree."""
    server.uncorrectable(4, count=2)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        total = client.call("nvmlDeviceGetTotalEccErrors", "#4", *TOTAL)
        dram = client.call("nvmlDeviceGetMemoryErrorCounter", "#4", *TOTAL, 2)
        sram = client.call("nvmlDeviceGetMemoryErrorCounter", "#4", *TOTAL, 7)
        rows = client.call("nvmlDeviceGetRemappedRows", "#4")
        fields = client.fields(4, 3, 4, 5, 6, 142, 143, 144, 145)
        healthy = client.fields(5, 4, 6, 143, 144)

    assert (total, dram, sram) == (2, 2, 0)
    assert rows == [0, 2, 1, 0]
    assert fields == [0, 2, 0, 2, 0, 2, 1, 0]
    assert healthy == [0, 0, 0, 0]


def test_an_sram_error_counts_where_sram_is_counted(server: Server) -> None:
    """SRAM errors mark no rows, and the privileged status names them."""
    server.uncorrectable(1, memory="sram")

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        sram = client.call("nvmlDeviceGetMemoryErrorCounter", "#1", *TOTAL, 7)
        rows = client.call("nvmlDeviceGetRemappedRows", "#1")
        server.privileged("everyone")
        status = client.call(
            "nvmlDeviceGetSramEccErrorStatus", "#1", "&c_nvmlEccSramErrorStatus_v1_t"
        )

    assert (sram, rows) == (1, [0, 0, 0, 0])
    assert (status["volatileUncParity"], status["aggregateUncBucketL2"]) == (1, 1)


def test_a_privileged_call_is_refused(server: Server) -> None:
    """Who may not ask gets NO_PERMISSION, not zeros."""
    server.privileged("nobody")

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        status = client.call(
            "nvmlDeviceGetSramEccErrorStatus", "#1", "&c_nvmlEccSramErrorStatus_v1_t"
        )

    assert status == NO_PERMISSION


def test_an_aggregate_counter_may_lag(server: Server) -> None:
    """With a lag the volatile counter rises first; settling brings the aggregate up."""
    server.uncorrectable(0, lag_aggregate=True)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        lagging = client.fields(0, 4, 6)
        server.settle(0)
        settled = client.fields(0, 4, 6)

    assert (lagging, settled) == ([1, 0], [1, 1])


def test_a_call_may_fail_on_one_gpu(server: Server) -> None:
    """An error code set for one call of one GPU is that call's alone, until it is taken away."""
    server.fail(3, "nvmlDeviceGetPowerUsage", 999)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        failing = client.call("nvmlDeviceGetPowerUsage", "#3")
        other_call = client.call("nvmlDeviceGetTemperature", "#3", 0)
        other_gpu = client.call("nvmlDeviceGetPowerUsage", "#2")
        server.unhang(3)
        mended = client.call("nvmlDeviceGetPowerUsage", "#3")

    assert (failing, other_call, other_gpu, mended) == ("error 999", 45, 318_000, 318_000)


def test_a_call_may_hang_until_it_is_let_go(server: Server) -> None:
    """A hung call answers only after the hang ends; another process's calls go on meanwhile."""
    server.hang(6, "nvmlDeviceGetRemappedRows")

    with NvmlClient(server) as stuck, NvmlClient(server) as other:
        stuck.call("nvmlInit")
        other.call("nvmlInit")
        stuck.send("nvmlDeviceGetRemappedRows", "#6")
        meanwhile = other.call("nvmlDeviceGetRemappedRows", "#5")
        server.unhang(6)
        answer = stuck.answer()

    assert (meanwhile, answer) == ([0, 0, 0, 0], [0, 0, 0, 0])


def test_a_call_may_hang_in_a_read(server: Server, tmp_path: Path) -> None:
    """In `file` mode the call sits in a read of a path the test provides."""
    pipe = tmp_path / "stuck"
    os.mkfifo(pipe)
    server.hang(0, "nvmlDeviceGetTemperature", "file", path=pipe)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.send("nvmlDeviceGetTemperature", "#0", 0)
        with pipe.open("w") as writer:  # opens once the call is reading
            writer.write("x")
        answer = client.answer()

    assert answer == 45


def test_a_lost_gpu_answers_as_a_real_one_does(server: Server) -> None:
    """Identity comes from the cache, the index and readings fail, a batch fails value by value."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetUUID", "#2")
        server.lose(2)
        uuid = client.call("nvmlDeviceGetUUID", "#2")
        index = client.call("nvmlDeviceGetIndex", "#2")
        power = client.call("nvmlDeviceGetPowerUsage", "#2")
        fields = client.fields(2, 4, 82)
        neighbour = client.fields(3, 4)
        count = client.call("nvmlDeviceGetCount")

    assert uuid == server.get(2, "uuid")
    assert (index, power, fields, neighbour, count) == (LOST, LOST, [LOST, LOST], [0], 8)


def test_a_lost_gpu_gives_no_handle_to_a_fresh_process(server: Server) -> None:
    """It is still counted, and asking for it says lost; restored it answers again."""
    server.lose(2)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        count = client.call("nvmlDeviceGetCount")
        handle = client.call("nvmlDeviceGetPowerUsage", "#2")
        server.restore(2)
        restored = client.call("nvmlDeviceGetPowerUsage", "#2")

    assert (count, handle, restored) == (8, LOST, 318_000)


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


def test_events_reach_who_registered_for_them(server: Server) -> None:
    """An event set gets the Xids of its GPUs after its creation, with the handle it knows."""
    server.xid(1, 13)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceRegisterEvents", "#1", 8, "$set")
        server.xid(0, 31)
        server.xid(1, 79)
        event = client.call("nvmlEventSetWait_v2", "$set", 10_000)
        nothing = client.call("nvmlEventSetWait_v2", "$set", 0)

    assert (event["type"], event["data"], event["handle_kept"]) == (8, 79, "#1")
    assert nothing == "error 10"


def test_a_wait_ends_when_the_event_comes(server: Server) -> None:
    """A waiting thread is woken; every process's set gets the event."""
    with NvmlClient(server) as first, NvmlClient(server) as second:
        for client in (first, second):
            client.call("nvmlInit")
            client.call("nvmlDeviceRegisterEvents", "#4", 2, "$set")
            client.send("nvmlEventSetWait_v2", "$set", 20_000)
        server.uncorrectable(4)
        events = [client.answer()["type"] for client in (first, second)]

    assert events == [2, 2]


def test_a_wait_says_that_a_gpu_was_lost(server: Server) -> None:
    """Its last event comes first, then GPU_IS_LOST."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceRegisterEvents", "#4", 8, "$set")
        server.lose(4)
        event = client.call("nvmlEventSetWait_v2", "$set", 10_000)
        after = client.call("nvmlEventSetWait_v2", "$set", 10_000)

    assert (event["data"], after) == (79, LOST)


def test_an_unsupported_event_type_refuses_the_registration(make_server: MakeServer) -> None:
    """One unknown bit refuses all, as the driver does: ask for the supported ones first."""
    server = make_server("t4", 1)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        supported = client.call("nvmlDeviceGetSupportedEventTypes", "#0")
        refused = client.call("nvmlDeviceRegisterEvents", "#0", 8 | 0x8000, "$set")

    assert (supported, refused) == (0x1B, NOT_SUPPORTED)


@pytest.mark.parametrize(
    ("driver", "values"),
    [
        ("550.163.01", [NOT_SUPPORTED, NOT_SUPPORTED, NOT_SUPPORTED]),
        ("570.172.08", [0, NOT_SUPPORTED, NOT_SUPPORTED]),
        ("575.57.08", [7, 8, NOT_SUPPORTED]),
        ("580.65.06", [7, 8, NOT_SUPPORTED]),
        ("580.95.05", [0, NOT_SUPPORTED, 8]),
        ("615.71.01", [0, NOT_SUPPORTED, 8]),
    ],
)
def test_field_ids_mean_what_the_driver_means(
    make_server: MakeServer, driver: str, values: list[object]
) -> None:
    """251 and 252 are slowdown times only from 575 to before 580.82; 270 is one from there on."""
    server = make_server("b200", 1, driver=driver)
    server.set(0, "slowdown.software_thermal", 7)
    server.set(0, "slowdown.hardware_thermal", 8)
    server.unset(None, "power_smoothing.privilege")

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        fields = client.fields(0, 251, 252, 270)

    assert fields == values


def test_a_recovery_action_has_the_number_of_its_driver(make_server: MakeServer) -> None:
    """A bus reset is 5 under 580 and 6 under 615."""
    older, newer = make_server(driver="580.95.05"), make_server(driver="615.71.01")
    older.recovery_action(0, "bus-reset")
    newer.recovery_action(0, "bus-reset")

    with NvmlClient(older) as first, NvmlClient(newer) as second:
        first.call("nvmlInit")
        second.call("nvmlInit")
        numbers = first.fields(0, 230) + second.fields(0, 230)

    assert numbers == [5, 6]


def test_an_old_driver_lacks_new_symbols(make_server: MakeServer) -> None:
    """A function that its branch does not export is not found; one it has answers."""
    server = make_server(driver="550.163.01")

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        repair = client.call("nvmlDeviceGetRepairStatus", "#0")
        rows = client.call("nvmlDeviceGetRemappedRows", "#0")

    assert (repair, rows) == (ABSENT, [0, 0, 0, 0])


def test_with_mig_rows_cannot_be_read(make_server: MakeServer) -> None:
    """MIG hides remapped rows, as a call and as fields; ECC stays readable."""
    server = make_server("a100-sxm-80gb", 1, options=("mig-on",))

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        mode = client.call("nvmlDeviceGetMigMode", "#0")
        rows = client.call("nvmlDeviceGetRemappedRows", "#0")
        fields = client.fields(0, 142, 145, 4)

    assert (mode, rows) == ([1, 1], NOT_SUPPORTED)
    assert fields == [NOT_SUPPORTED, NOT_SUPPORTED, 0]


def test_without_ecc_there_are_no_counts(make_server: MakeServer) -> None:
    """With ECC off a counter is unsupported, not 0."""
    server = make_server("l40s", 1, options=("ecc-off",))

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        mode = client.call("nvmlDeviceGetEccMode", "#0")
        total = client.call("nvmlDeviceGetTotalEccErrors", "#0", *TOTAL)

    assert (mode, total) == ([0, 0], NOT_SUPPORTED)


def test_a_turing_board_retires_pages(make_server: MakeServer) -> None:
    """Before Ampere an uncorrectable error retires a page, with its time; rows do not exist."""
    server = make_server("t4", 1)
    server.uncorrectable(0)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        pages = client.call("nvmlDeviceGetRetiredPages_v2", "#0", 1)
        single = client.call("nvmlDeviceGetRetiredPages", "#0", 0)
        pending = client.call("nvmlDeviceGetRetiredPagesPendingStatus", "#0")
        rows = client.call("nvmlDeviceGetRemappedRows", "#0")

    assert [abs(page["timestamp"] - server.clock.now().wall) < 60 for page in pages] == [True]
    assert (single, pending, rows) == ([], 1, NOT_SUPPORTED)


def test_platform_texts_are_raw_bytes(make_server: MakeServer) -> None:
    """Bytes of 0x80 and more come through as they are."""
    server = make_server("b200", 2)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        info = client.call("nvmlDeviceGetPlatformInfo", "#1", "&c_nvmlPlatformInfo_v2_t")

    assert info["ibGuid"].startswith("b83fd203009ae411")
    assert (info["chassisSerialNumber"], info["moduleId"]) == ("1820325100017", "\x02")


def test_links_and_fabric_answer(server: Server) -> None:
    """A link that goes down is that link's state alone; the fabric is up."""
    server.set(0, "nvlink.7.state", 0)
    server.set(0, "nvlink.7.replay", 12)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        states = [client.call("nvmlDeviceGetNvLinkState", "#0", link) for link in (6, 7, 18)]
        replays = client.call("nvmlDeviceGetNvLinkErrorCounter", "#0", 7, 0)
        fabric = client.call("nvmlDeviceGetGpuFabricInfoV", "#0", "&c_nvmlGpuFabricInfo_v3_t")

    assert (states, replays) == ([1, 0, NOT_SUPPORTED], 12)
    assert (fabric["state"], fabric["status"]) == (3, 0)


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


def test_energy_grows_with_power(server: Server) -> None:
    """The energy counter is power over simulated time, in millijoules, and starts at the load."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        server.advance(3600)
        hour = client.call("nvmlDeviceGetTotalEnergyConsumption", "#0")
        server.set_power(0, 0)
        still = [client.fields(0, 83) for _ in range(2)]

    assert 318_000 * 3600 <= hour < 318_000 * 3720
    assert still[0] == still[1]


def test_an_unmapped_function_stays_within_the_library(server: Server) -> None:
    """What the simulated library does not export is an old driver's missing symbol."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        answer = client.call("nvmlDeviceGetAccountingMode", "#0")

    assert answer == ABSENT


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


def test_a_driver_that_hangs_holds_everybody(server: Server) -> None:
    """A hang of the whole driver blocks every call until it ends."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        server.hang(None, "*")
        client.send("nvmlDeviceGetCount")
        server.unhang(None)
        answer = client.answer()

    assert answer == 8


def test_the_world_may_be_edited_by_hand(server: Server) -> None:
    """A file that an editor replaced is noticed; one that cannot be read changes nothing."""
    path = server.file.path
    edited = path.with_name("edited")

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetTemperature", "#0", 0)
        edited.write_text(path.read_text().replace("temperature.gpu = 45", "temperature.gpu = 77"))
        edited.replace(path)
        noticed = eventually(lambda: client.call("nvmlDeviceGetTemperature", "#0", 0) == 77)
        edited.write_text("half a li")
        edited.replace(path)
        server.file.bump()
        broken = client.call("nvmlDeviceGetTemperature", "#0", 0)

    assert (noticed, broken) == (True, 77)


def test_calls_and_fields_burn_the_cpu_they_are_told_to(server: Server) -> None:
    """Each call and each batched field costs its share of thread CPU time, for benchmarks."""
    server.set_server("burn_call_us", 10_000)
    server.set_server("burn_field_us", 20_000)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetUUID", "#0")
        before = _cpu_seconds(client.process.pid)
        client.call("nvmlDeviceGetPowerUsage", "#0")
        client.fields(0, 3, 4, 5, 6)
        burnt = _cpu_seconds(client.process.pid) - before

    assert burnt >= 0.08


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, counted in ticks: up to 20 ms too little."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_value_may_be_an_error(server: Server) -> None:
    """`error N` in a value's place makes calls and fields return N for it."""
    server.set(0, "temperature.memory", "error 999")
    server.set(0, "power.milliwatts", "error 15")
    server.set(1, "field.230", "error 3")
    server.set(1, "field.94", 12)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        power = client.call("nvmlDeviceGetPowerUsage", "#0")
        fields = client.fields(0, 82, 186, 94) + client.fields(1, 230, 94)

    assert (power, fields) == (LOST, ["error 999", LOST, 0, NOT_SUPPORTED, 12])
