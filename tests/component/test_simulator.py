"""The simulated driver, met through the real binding in processes of their own: values."""

import re

import pytest

from simulator import boards, profiles
from simulator.world import Server
from tests.support.nvml_client import NvmlClient
from tests.support.server import MakeServer

TOTAL = (1, 0)  # uncorrected, volatile
NOT_SUPPORTED = "error 3"


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


def test_an_aggregate_counter_may_lag(server: Server) -> None:
    """With a lag the volatile counter rises first; settling brings the aggregate up."""
    server.uncorrectable(0, lag_aggregate=True)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        lagging = client.fields(0, 4, 6)
        server.settle(0)
        settled = client.fields(0, 4, 6)

    assert (lagging, settled) == ([1, 0], [1, 1])


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


@pytest.mark.parametrize("profile", profiles.PROFILES)
def test_nothing_lively_swings_below_zero(profile: str) -> None:
    """A small board that draws less than nothing reads as millions of watts."""
    swings = boards.lively(profiles.common_values(profile, ()))

    values = {key: re.split("[~/]", text) for key, text in swings.items()}
    assert {key for key, (mean, height, _) in values.items() if int(mean) <= int(height)} == set()
    assert "power.milliwatts" in values
