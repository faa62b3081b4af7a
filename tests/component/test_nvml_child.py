"""The NVML child against a simulated driver library, through the pipe, as the agent uses it."""

import signal
from pathlib import Path

import pytest

from gpuwatch.agent.wiring import nvml_settings
from gpuwatch.config.loading import load
from gpuwatch.domain.signals import Kind
from gpuwatch.sources import wire
from gpuwatch.sources.nvml_signals import TABLE, table_hash
from simulator.world import Server
from tests.support.nvml_child import NvmlChild
from tests.support.patience import eventually
from tests.support.server import MakeServer

LOST = ["lost", 15]
ALL = ("fast", "slow", "rare", "inventory")

# Where the simulated driver finds what each row should read. A column that is swapped shows,
# because the test gives every one of them a number of its own.
_ECC = {
    f"gpuwatch_gpu_ecc_{kind}_{span}_memory_errors_total{{memory={memory!r}}}".replace("'", '"'): (
        f"ecc.{kind}.{span}.{memory}"
    )
    for kind, span in (
        ("corrected", "aggregate"),
        ("uncorrected", "volatile"),
        ("uncorrected", "aggregate"),
    )
    for memory in ("dram", "sram")
}
_READ_FROM = _ECC | {
    "gpuwatch_gpu_rows_remapped_uncorrectable_total": "remap.uncorrectable",
    "gpuwatch_gpu_rows_remapped_correctable_total": "remap.correctable",
    "gpuwatch_gpu_row_remap_pending": "remap.pending",
    "gpuwatch_gpu_row_remap_failed": "remap.failed",
    "gpuwatch_gpu_pcie_replays_total": "pcie.replays",
    "gpuwatch_gpu_temperature_celsius": "temperature.gpu",
    "gpuwatch_gpu_temperature_margin_celsius": "temperature.margin",
    "gpuwatch_gpu_memory_temperature_celsius": "temperature.memory",
    "gpuwatch_gpu_power_watts": "power.milliwatts",
    "gpuwatch_gpu_energy_joules_total": "energy.millijoules",
    "gpuwatch_gpu_utilization_ratio": "utilization.gpu",
    "gpuwatch_gpu_memory_utilization_ratio": "utilization.memory",
    'gpuwatch_gpu_memory_bytes{state="used"}': "memory.used",
    'gpuwatch_gpu_memory_bytes{state="reserved"}': "memory.reserved",
    "gpuwatch_gpu_sm_clock_hertz": "clocks.sm",
    "gpuwatch_gpu_memory_clock_hertz": "clocks.memory",
    "gpuwatch_gpu_power_limit_watts": "power.limit",
    'gpuwatch_gpu_violation_seconds_total{policy="power"}': "violation.0",
    'gpuwatch_gpu_violation_seconds_total{policy="thermal"}': "violation.1",
    'gpuwatch_gpu_violation_seconds_total{policy="board_limit"}': "violation.3",
    'gpuwatch_gpu_violation_seconds_total{policy="reliability"}': "violation.5",
    'gpuwatch_gpu_clocks_event_seconds_total{reason="sw_thermal_slowdown"}': (
        "slowdown.software_thermal"
    ),
    'gpuwatch_gpu_clocks_event_seconds_total{reason="hw_thermal_slowdown"}': (
        "slowdown.hardware_thermal"
    ),
    'gpuwatch_gpu_clocks_event_seconds_total{reason="hw_power_brake_slowdown"}': (
        "slowdown.power_brake"
    ),
    "gpuwatch_gpu_pcie_link_generation": "pcie.generation",
    "gpuwatch_gpu_pcie_link_lanes": "pcie.width",
    "gpuwatch_gpu_pcie_link_recoveries_total": "pcie.l0_to_recovery",
    "gpuwatch_gpu_pcie_correctable_errors_total": "pcie.correctable",
    'gpuwatch_gpu_pcie_uncorrectable_errors_total{severity="non_fatal"}': "pcie.non_fatal",
    'gpuwatch_gpu_pcie_uncorrectable_errors_total{severity="fatal"}': "pcie.fatal",
    'gpuwatch_gpu_pcie_link_errors_total{kind="nak_received"}': "pcie.naks_received",
    'gpuwatch_gpu_pcie_link_errors_total{kind="nak_sent"}': "pcie.naks_sent",
    'gpuwatch_gpu_pcie_link_errors_total{kind="receiver"}': "pcie.receiver_errors",
    'gpuwatch_gpu_pcie_link_errors_total{kind="bad_tlp"}': "pcie.bad_tlp",
    'gpuwatch_gpu_pcie_link_errors_total{kind="bad_dllp"}': "pcie.bad_dllp",
    'gpuwatch_gpu_pcie_link_errors_total{kind="unsupported_request"}': "pcie.unsupported_requests",
    'gpuwatch_gpu_pcie_link_errors_total{kind="lcrc"}': "pcie.lcrc",
    'gpuwatch_gpu_pcie_link_errors_total{kind="lane"}': "pcie.lane_errors",
    'gpuwatch_gpu_row_remap_banks{spare="max"}': "remap.banks.max",
    'gpuwatch_gpu_row_remap_banks{spare="high"}': "remap.banks.high",
    'gpuwatch_gpu_row_remap_banks{spare="partial"}': "remap.banks.partial",
    'gpuwatch_gpu_row_remap_banks{spare="low"}': "remap.banks.low",
    'gpuwatch_gpu_row_remap_banks{spare="none"}': "remap.banks.none",
    "gpuwatch_gpu_ecc_enabled": "ecc_mode.current",
    "gpuwatch_gpu_ecc_enabled_at_next_boot": "ecc_mode.pending",
    "gpuwatch_gpu_sram_threshold_exceeded": "sram.threshold_exceeded",
    'gpuwatch_gpu_sram_uncorrected_aggregate_errors_total{protection="parity"}': (
        "sram.aggregate.parity"
    ),
    'gpuwatch_gpu_sram_uncorrected_aggregate_errors_total{protection="secded"}': (
        "sram.aggregate.secded"
    ),
    **{
        f'gpuwatch_gpu_sram_uncorrected_aggregate_unit_errors_total{{unit="{unit}"}}': (
            f"sram.aggregate.{unit}"
        )
        for unit in ("l2", "sm", "pcie", "mcu", "other")
    },
    "gpuwatch_gpu_fabric_state": "fabric.state",
    "gpuwatch_gpu_uuid": "uuid",
    "gpuwatch_gpu_serial": "serial",
    "gpuwatch_gpu_name": "name",
    "gpuwatch_gpu_part_number": "part_number",
    "gpuwatch_gpu_vbios": "vbios",
    "gpuwatch_gpu_inforom": "inforom.image",
    "gpuwatch_gpu_brand": "brand",
    "gpuwatch_gpu_architecture": "architecture",
    "gpuwatch_gpu_minor_number": "minor_number",
    "gpuwatch_gpu_module_id": "module_id",
    "gpuwatch_gpu_chassis_serial": "platform.chassis_serial",
    "gpuwatch_gpu_slot_number": "platform.slot_number",
    "gpuwatch_gpu_tray_index": "platform.tray_index",
    "gpuwatch_gpu_mig_enabled": "mig.current",
    "gpuwatch_gpu_persistence_enabled": "persistence_mode",
    "gpuwatch_gpu_inforom_valid": "inforom.valid",
}
# The mode of the board decides what it answers at all: these keep what the profile says.
_MODES = (
    "ecc_mode.current",
    "mig.current",
    "inforom.valid",
    "fabric.state",
    "architecture",
    "brand",
)
PROFILES = ("a100-sxm-80gb", "h100-sxm", "b200", "l40s", "t4")


@pytest.fixture(name="server")
def _server(make_server: MakeServer) -> Server:
    return _make(make_server)


def _make(
    make_server: MakeServer,
    profile: str = "h100-sxm",
    *,
    options: tuple[str, ...] = (),
    driver: str = "580.95.05",
) -> Server:
    """Three boards, on which everybody may make the privileged calls."""
    server = make_server(profile, 3, options=options, driver=driver)
    server.privileged("everyone")
    return server


def _pci(server: Server, gpu: int) -> str:
    address = server.get(gpu, "pci")
    assert address is not None
    return address


def _number_everything(server: Server) -> None:
    """Give every number of the world that a row reads one of its own, on GPU 0."""
    for number, key in enumerate(sorted(set(_READ_FROM.values()))):
        present = server.get(0, key)
        if present is not None and key not in _MODES and present.replace("+", "").isdigit():
            server.set(0, key, 101 + number)
    server.set(0, "energy.millijoules", 777_001)


def _expected(server: Server, key: str) -> object:
    """What the row should read: the world's value, as a number where it is one."""
    text = server.get(0, _READ_FROM[key])
    if text is None:
        return None
    row = next(row for row in TABLE if row.key == key)
    is_text = row.kind is Kind.TEXT and not text.removeprefix("0x").isdigit()
    is_name = key in {"gpuwatch_gpu_serial", "gpuwatch_gpu_chassis_serial"}
    return text if is_text or is_name else int(text, 0)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_value_is_read_into_its_own_row(make_server: MakeServer, profile: str) -> None:
    """On every kind of board; what a board does not have is unsupported and nothing else."""
    server = _make(make_server, profile)
    _number_everything(server)

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep(*ALL)[_pci(server, 0)]

    expected = {key: _expected(server, key) for key in _READ_FROM}
    assert {key: read[key] for key, value in expected.items() if value is not None} == {
        key: value for key, value in expected.items() if value is not None
    }
    assert {key: read[key][0] for key, value in expected.items() if value is None} == {
        key: "unsupported" for key, value in expected.items() if value is None
    }


def test_totals_are_the_sums_of_their_memories(server: Server) -> None:
    """The fields of all errors beside the calls by memory."""
    server.set(1, "ecc.uncorrected.volatile.dram", 3)
    server.set(1, "ecc.uncorrected.volatile.sram", 4)
    server.set(1, "ecc.uncorrected.aggregate.dram", 50)
    server.set(1, "ecc.corrected.aggregate.sram", 600)

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep("fast")[_pci(server, 1)]

    assert read["gpuwatch_gpu_ecc_uncorrected_volatile_errors_total"] == 7
    assert read["gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total"] == 50
    assert read["gpuwatch_gpu_ecc_corrected_aggregate_errors_total"] == 600


def test_links_fans_and_banks_become_one_number_each(make_server: MakeServer) -> None:
    """Errors are summed over links, the fastest fan and the worst bank of SRAM count."""
    server = _make(make_server, "b200")
    server.set(0, "nvlink.4.replay", 11)
    server.set(0, "nvlink.9.replay", 31)
    server.set(0, "nvlink.7.state", 0)
    server.set(0, "field.208", 5)
    server.set(0, "fan.count", 2)
    server.set(0, "fan.0.percent", 31)
    server.set(0, "fan.1.percent", 67)
    for number, bank in enumerate(("4 1 0 0", "4 1 0 0", "5 1 0 0")):
        server.set(0, f"sram.unique.{number}", f"{bank} {4096 + number} 1 1")

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep(*ALL)[_pci(server, 0)]

    assert read['gpuwatch_gpu_nvlink_errors_total{kind="replay"}'] == 42
    assert read['gpuwatch_gpu_nvlink_errors_total{kind="receive"}'] == 18 * 5
    assert read["gpuwatch_gpu_nvlink_active_links"] == 17
    assert read["gpuwatch_gpu_fan_speed_ratio"] == 67
    assert read['gpuwatch_gpu_sram_unique_uncorrected_addresses{protection="parity"}'] == 2
    assert read['gpuwatch_gpu_sram_unique_uncorrected_addresses{protection="secded"}'] == 0


def test_repairs_of_a_late_driver_are_told(make_server: MakeServer) -> None:
    """What waits for a reset, and what no reset repairs."""
    server = _make(make_server, "b200", driver="590.48.01")
    server.set(0, "repair.tpc_pending", 1)
    server.set(0, "memory_unrepairable", 1)

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep("rare")[_pci(server, 0)]

    assert read['gpuwatch_gpu_repair_pending{part="memory_channel"}'] == 0
    assert read['gpuwatch_gpu_repair_pending{part="tpc"}'] == 1
    assert read["gpuwatch_gpu_memory_unrepairable"] == 1


def test_reasons_and_fabric_problems_are_states(server: Server) -> None:
    """One 0/1 value per state, taken out of the masks."""
    server.set(0, "clocks.event_reasons", "0x44")
    server.set(0, "fabric.health_mask", "0x29")

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep("fast", "slow")[_pci(server, 0)]

    on = {key for key, value in read.items() if "_event{" in key and value == 1}
    assert on == {
        'gpuwatch_gpu_clocks_event{reason="sw_power_cap"}',
        'gpuwatch_gpu_clocks_event{reason="hw_thermal_slowdown"}',
    }
    problems = {key: value for key, value in read.items() if "fabric_problem" in key}
    assert [*problems.values()] == [1, 0, 0, ["unsupported", None], ["unsupported", None]]
    assert read["gpuwatch_gpu_fabric_completed"] == 1
    assert read["gpuwatch_gpu_fabric_succeeded"] == 1


def test_an_unfinished_registration_has_no_success(server: Server) -> None:
    """Its status means nothing yet."""
    server.set(0, "fabric.state", 2)

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep("slow")[_pci(server, 0)]

    assert read["gpuwatch_gpu_fabric_completed"] == 0
    assert read["gpuwatch_gpu_fabric_succeeded"] == ["unsupported", None]


def test_one_failing_call_costs_only_its_rows(server: Server) -> None:
    """Every other row reads what it reads without the failure; other GPUs notice nothing."""
    for gpu in server.gpus():
        server.set(gpu, "energy.millijoules", 777_001 + gpu)  # it would go on by itself
    with NvmlChild(server) as child:
        child.inventory()
        before = child.sweep("slow", "rare")
        server.fail(1, "nvmlDeviceGetRowRemapperHistogram", 999)
        after = child.sweep("slow", "rare")

    changed = {key for key, value in after[_pci(server, 1)].items() if value == ["failed", 999]}
    assert changed == {row.key for row in TABLE if row.name == "gpuwatch_gpu_row_remap_banks"}
    kept = {key: value for key, value in before[_pci(server, 1)].items() if key not in changed}
    assert {key: after[_pci(server, 1)][key] for key in kept} == kept
    assert after[_pci(server, 0)] == before[_pci(server, 0)]


@pytest.mark.parametrize(
    ("code", "gap"), [(4, ["denied", 4]), (10, ["timed_out", 10]), (16, ["failed", 16])]
)
def test_codes_are_told_apart(server: Server, code: int, gap: list[object]) -> None:
    """Denied, timed out, in need of a reset."""
    server.fail(0, "nvmlDeviceGetPowerUsage", code)

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep("fast")[_pci(server, 0)]

    assert read["gpuwatch_gpu_power_watts"] == gap


def test_privileged_rows_are_denied_to_others(server: Server) -> None:
    """Exactly the rows that the table marks."""
    server.privileged("nobody")

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep(*ALL)[_pci(server, 0)]

    denied = {key for key, value in read.items() if value == ["denied", 4]}
    assert denied == {row.key for row in TABLE if row.privileged}


def test_mig_hides_the_signals_that_nvml_refuses(make_server: MakeServer) -> None:
    """Unsupported, not nought: the rules then fall back to the kernel log."""
    server = _make(make_server, "h100-sxm", options=("mig-on",))

    with NvmlChild(server) as child:
        (first, *_) = child.inventory()
        read = child.sweep(*ALL)[_pci(server, 0)]

    assert first["mig"] is True
    assert read["gpuwatch_gpu_mig_enabled"] == 1
    assert read["gpuwatch_gpu_rows_remapped_uncorrectable_total"] == ["unsupported", 3]
    assert read["gpuwatch_gpu_utilization_ratio"] == ["unsupported", 3]
    assert read["gpuwatch_gpu_temperature_celsius"] == 45


def test_ecc_that_is_off_counts_nothing(make_server: MakeServer) -> None:
    """A counter that cannot count is no zero."""
    server = _make(make_server, "a100-sxm-80gb", options=("ecc-off",))

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep(*ALL)[_pci(server, 0)]

    assert read["gpuwatch_gpu_ecc_enabled"] == 0
    assert read["gpuwatch_gpu_ecc_uncorrected_volatile_errors_total"] == ["unsupported", 3]


def test_an_old_driver_answers_what_it_has(make_server: MakeServer) -> None:
    """Symbols that it lacks are unsupported, and the fields of a later driver are not asked."""
    server = _make(make_server, "a100-sxm-80gb", driver="525.147.05")

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep(*ALL)[_pci(server, 0)]

    assert child.hello["driver"] == "525.147.05"
    assert read["gpuwatch_gpu_temperature_margin_celsius"] == ["unsupported", 13]
    assert read["gpuwatch_gpu_sram_threshold_exceeded"] == ["unsupported", 13]
    assert read["gpuwatch_gpu_recovery_action"] == ["unsupported", 3]
    brake = 'gpuwatch_gpu_clocks_event_seconds_total{reason="hw_power_brake_slowdown"}'
    assert read[brake] == ["unsupported", None]
    assert read["gpuwatch_gpu_temperature_celsius"] == 48
    assert read["gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total"] == 0


@pytest.mark.parametrize("driver", ["575.57.08", "580.65.06", "580.95.05"])
def test_brake_time_is_read_under_every_numbering(make_server: MakeServer, driver: str) -> None:
    """Never power smoothing, which other drivers have under the same numbers."""
    server = _make(make_server, "b200", driver=driver)
    server.set(0, "slowdown.power_brake", 4_711)
    server.set(0, "power_smoothing.ramp_down", 1)

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep("slow")[_pci(server, 0)]

    brake = 'gpuwatch_gpu_clocks_event_seconds_total{reason="hw_power_brake_slowdown"}'
    assert read[brake] == 4_711


@pytest.mark.parametrize("cadences", [("fast",), ("slow",), ("rare",), ("inventory",), ALL])
def test_a_lost_gpu_is_lost_in_every_row_of_every_cadence(
    server: Server, cadences: tuple[str, ...]
) -> None:
    """Also where all its getters would still answer from a cache; the others are unchanged."""
    with NvmlChild(server) as child:
        child.inventory()
        before = child.sweep(*cadences)
        server.lose(1)
        after = child.sweep(*cadences)

    assert set(map(str, after[_pci(server, 1)].values())) == {str(LOST)}
    assert after[_pci(server, 0)].keys() == before[_pci(server, 0)].keys()
    assert LOST not in after[_pci(server, 0)].values()
    assert LOST not in after[_pci(server, 2)].values()


def test_a_lost_gpu_is_named_by_the_next_inventory_and_found_again(server: Server) -> None:
    """Seven go on, one has no handle worth the name, until it is back."""
    with NvmlChild(server) as child:
        child.inventory()
        server.lose(1)
        lost = child.inventory()
        server.restore(1)
        back = child.inventory()

    assert [each["say"] for each in lost] == ["device", "lost-device", "device"]
    assert (lost[1]["index"], lost[1]["pci"], lost[1]["code"]) == (1, _pci(server, 1), 15)
    assert [each["say"] for each in back] == ["device"] * 3


def test_a_child_started_beside_a_lost_gpu_names_its_index(server: Server) -> None:
    """Its address cannot be known without a handle."""
    server.fail(1, "nvmlDeviceGetHandleByIndex_v2", 15)

    with NvmlChild(server) as child:
        found = child.inventory()

    assert [each["say"] for each in found] == ["device", "lost-device", "device"]
    assert (found[1]["index"], found[1]["pci"], found[1]["code"]) == (1, "", 15)


def test_a_named_inventory_touches_no_other_device(server: Server) -> None:
    """Opening the one that hangs would hang this child as well."""
    server.hang(1, "*")
    wanted = [_pci(server, 2), "0000:ff:00.0", _pci(server, 0)]

    with NvmlChild(server) as child:
        found = child.inventory(wanted)
        swept = child.sweep("fast", devices=wanted)

    assert [(each["say"], each["pci"], each["index"]) for each in found] == [
        ("device", wanted[0], 2),
        ("lost-device", wanted[1], -1),
        ("device", wanted[2], 0),
    ]
    assert [*swept] == wanted
    assert (swept[wanted[1]]["say"], swept[wanted[1]]["code"]) == ("lost-device", 6)


def test_a_board_tells_who_it_is(make_server: MakeServer) -> None:
    """Also in bytes that are no ASCII."""
    server = _make(make_server, "b200")
    server.set(0, "platform.chassis_serial", r"18\xb8203251")
    server.set(0, "platform.slot_number", 200)

    with NvmlChild(server) as child:
        device = child.inventory()[0]

    assert device["uuid"] == server.get(0, "uuid")
    assert device["serial"] == server.get(0, "serial")
    assert device["chassis_serial"] == r"18\xb8203251"
    assert device["slot_number"] == 200
    assert device["tray_index"] == 0
    assert device["attributes"]["architecture"] == "blackwell"
    assert device["attributes"]["inforom_valid"] == "yes"


@pytest.mark.parametrize("profile", ["l40s", "h100-sxm"])
def test_a_place_that_several_boards_would_share_is_none(
    make_server: MakeServer, profile: str
) -> None:
    """Cards have no module; a platform that tells only zeros names no slot."""
    with NvmlChild(_make(make_server, profile)) as child:
        devices = child.inventory()

    modules = [device["module_id"] for device in devices]
    assert modules == ([None] * 3 if profile == "l40s" else [1, 2, 3])
    assert {(device["slot_number"], device["tray_index"]) for device in devices} == {(None, None)}


def test_retired_pages_have_dates(make_server: MakeServer) -> None:
    """Oldest first, whatever the order in which the board lists them; none is no gap."""
    server = _make(make_server, "t4")
    server.set(0, "pages.double.0", "0x3a5b3 1700000300")
    server.set(0, "pages.double.1", "0x3a5b4 1600000300")

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep("inventory")

    first, second = read[_pci(server, 0)], read[_pci(server, 1)]
    assert first["gpuwatch_gpu_pages_retired_double_bit_at"] == "1600000300 1700000300"
    assert second["gpuwatch_gpu_pages_retired_double_bit_at"] == ""
    assert first["gpuwatch_gpu_pages_retired_single_bit_at"] == ""


def test_a_corrupted_inforom_is_a_reading(server: Server) -> None:
    """The validation worked: it found what it looks for."""
    server.set(0, "inforom.valid", 0)

    with NvmlChild(server) as child:
        child.inventory()
        read = child.sweep("inventory")[_pci(server, 0)]

    assert read["gpuwatch_gpu_inforom_valid"] == 0


def test_events_come_with_the_board_they_are_of(server: Server) -> None:
    """Its address, its UUID, the type, the code and the MIG instance."""
    with NvmlChild(server) as child:
        child.inventory()
        registered = [child.next_event("events") for _ in range(3)]
        server.xid(2, 94, instance=5)
        event = child.next_event("event")

    assert [(each["pci"], each["code"]) for each in registered] == [
        (_pci(server, gpu), 0) for gpu in range(3)
    ]
    assert (event["pci"], event["uuid"]) == (_pci(server, 2), server.get(2, "uuid"))
    assert (event["type"], event["data"], event["instance"]) == (8, 94, 5)


def test_events_go_on_beside_a_lost_gpu(server: Server) -> None:
    """The set is made anew without it; its last words are still charged to it."""
    with NvmlChild(server) as child:
        child.inventory()
        for _ in range(3):
            child.next_event("events")
        server.lose(1)
        fallen = child.next_event("event")
        refused = child.next_event("events")
        server.xid(0, 63)
        event = child.next_event("event")

    assert (fallen["pci"], fallen["data"]) == (_pci(server, 1), 79)
    assert (refused["pci"], refused["code"]) == (_pci(server, 1), 15)
    assert (event["pci"], event["data"]) == (_pci(server, 0), 63)


def test_a_board_without_events_is_said_to_have_none(make_server: MakeServer) -> None:
    """The kernel log is then the only witness."""
    server = _make(make_server)
    server.set(0, "event_types", "error 3")

    with NvmlChild(server) as child:
        child.inventory()
        first = child.next_event("events")

    assert (first["pci"], first["types"], first["code"]) == (_pci(server, 0), 0, 3)


def test_the_page_names_the_call_that_is_stuck(server: Server) -> None:
    """And the event thread's wait beside it."""
    with NvmlChild(server) as child:
        child.inventory()
        server.hang(1, "nvmlDeviceGetPowerUsage")
        child.send("sweep", None, "fast")
        first = child.receive_answer()
        page = child.page
        stuck = eventually(lambda: (now := page.read()) and now.function.endswith("PowerUsage"))
        now = page.read()
        waiting = eventually(lambda: page.read(wire.WAITING))
        server.unhang(1)
        rest = child.answers()

    assert first["pci"] == _pci(server, 0)
    assert stuck
    assert now is not None
    assert now.device == _pci(server, 1)
    assert waiting
    assert [each["pci"] for each in rest] == [_pci(server, 1), _pci(server, 2)]


def test_at_the_end_of_input_it_finishes_the_call_and_lets_go_of_the_driver(server: Server) -> None:
    """It exits with 0, and nothing holds the GPUs any more."""
    with NvmlChild(server) as child:
        child.inventory()
        held = server.clients()
        child.probe.close_input()
        status = child.exit_status()

    assert held == (child.probe.pid,)
    assert status == 0
    assert server.clients() == ()


def test_the_end_of_input_ends_a_slow_sweep_after_the_call_at_hand(server: Server) -> None:
    """A sweep of many slow calls is not finished first: its calls would take an hour."""
    with NvmlChild(server) as child:
        child.inventory()
        for gpu in range(3):
            server.delay(gpu, "*", 2.0)
        child.send("sweep", None, *ALL)
        eventually(child.page.read)
        child.probe.close_input()
        status = child.exit_status(30.0)

    assert status == 0


def test_sigterm_ends_it_as_soon_as_the_call_returns(server: Server) -> None:
    """Not within the call: an interrupted client has frozen GPUs."""
    with NvmlChild(server) as child:
        child.inventory()
        server.hang(1, "nvmlDeviceGetPowerUsage")
        child.send("sweep", None, "fast")
        page = child.page
        eventually(lambda: (now := page.read()) and now.function.endswith("PowerUsage"))
        child.probe.signal(signal.SIGTERM)
        alive = child.exit_status(0.3)
        server.unhang(1)
        status = child.exit_status()

    assert alive is None
    assert status == 0


def test_sigterm_ends_an_idle_child_at_once(server: Server) -> None:
    """It waits for a question then, not for the driver."""
    with NvmlChild(server) as child:
        child.inventory()
        child.probe.signal(signal.SIGTERM)
        status = child.exit_status()

    assert status == 0


def test_an_agent_that_reads_no_more_ends_it_quietly(server: Server) -> None:
    """The pipe is closed in the middle of an answer."""
    with NvmlChild(server) as child:
        child.inventory()
        child.close_output()
        child.send("sweep", None, "fast")
        status = child.exit_status()

    assert status == 0
    assert child.logged == []


def test_without_the_module_nvml_is_not_even_loaded(server: Server) -> None:
    """Initialising could load the module that somebody has just unloaded."""
    server.unload()
    server.uninstall_library()

    with NvmlChild(server) as child:
        hello, status = child.hello, child.exit_status()

    assert hello == {
        "say": "failed",
        "stage": "load",
        "code": None,
        "text": "the nvidia module is not loaded",
        "nvml": "",
    }
    assert status == 1


def test_a_missing_library_is_told(server: Server) -> None:
    """The module is there and the package is not."""
    server.uninstall_library()

    with NvmlChild(server) as child:
        hello, status = child.hello, child.exit_status()

    assert (hello["say"], hello["stage"], hello["code"]) == ("failed", "load", 12)
    assert status == 1


class Mounted:
    """A server whose library lies in the root of another distribution, as the settings name it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.sysfs = server.sysfs

    def environment(self) -> dict[str, str]:
        """What the agent tells its child of that folder."""
        ours = self._server.environment()
        folder = ours.pop("LD_LIBRARY_PATH")
        (Path(folder) / "libc.so.6").write_text("of another release than our Python")
        settings = load(environment={}, options=(f"nvml.library_path={folder}",)).settings
        return ours | dict(nvml_settings(settings).environment)


def test_a_library_is_taken_from_a_folder_with_a_foreign_c_library(server: Server) -> None:
    """In a container the driver's files are those of the host, whichever distribution that is."""
    with NvmlChild(Mounted(server)) as child:
        assert child.hello["say"] == "ready"


def test_a_library_of_another_release_is_told_with_its_version(server: Server) -> None:
    """The package was upgraded and the module was not loaded again."""
    server.mismatch("590.48.01")

    with NvmlChild(server) as child:
        hello = child.hello

    assert (hello["stage"], hello["code"]) == ("init", 18)
    assert hello["nvml"].endswith("590.48.01")


def test_a_driver_that_goes_away_under_it_is_told(server: Server) -> None:
    """Forced out while we held it: the whole driver no longer answers."""
    with NvmlChild(server) as child:
        child.inventory()
        server.unload(force=True)
        child.send("inventory")
        told = child.receive_answer()
        status = child.exit_status()

    assert (told["say"], told["stage"], told["code"]) == ("failed", "init", 9)
    assert status == 1


def test_a_child_with_another_table_refuses_to_answer(server: Server) -> None:
    """The package was upgraded under a running agent: its rows are not ours."""
    with NvmlChild(server, table="00000000") as child:
        hello, status = child.hello, child.exit_status()

    assert (hello["say"], hello["stage"]) == ("failed", "load")
    assert table_hash() in hello["text"]
    assert status == 1


def test_a_child_that_grows_with_every_sweep_makes_way_for_a_fresh_one(server: Server) -> None:
    """A library that loses memory is nothing for months: it answers, gives NVML back and ends."""
    with NvmlChild(server) as child:
        child.inventory()
        first = child.sweep("fast")
        server.grow(0, "nvmlDeviceGetTemperature", 300)
        last = child.sweep("fast")
        status = child.exit_status()
        child.probe.close()

    assert status == 3
    assert last.keys() == first.keys()
    assert any("a fresh child does better" in line for line in child.logged)


def test_a_child_that_grows_within_one_call_is_ended_by_the_kernel(server: Server) -> None:
    """Also outside the unit, where nobody else bounds it: the host keeps its memory."""
    server.grow(0, "nvmlDeviceGetTemperature", 16 << 10)

    with NvmlChild(server) as child:
        child.inventory()
        child.send("sweep", None, "fast")
        status = child.exit_status()

    assert status == -signal.SIGABRT


def test_a_question_that_nobody_can_ask_ends_it(server: Server) -> None:
    """An agent of another version: better no answer than a wrong one."""
    with NvmlChild(server) as child:
        child.probe.send({"ask": "reset", "id": 1, "devices": None})
        status = child.exit_status()

    assert status == 2


def test_no_device_at_all_is_an_answer(make_server: MakeServer) -> None:
    """All have fallen off the bus: NVML is there, and its list is empty."""
    server = _make(make_server)
    for gpu in range(3):
        server.lose(gpu, vanish=True)

    with NvmlChild(server) as child:
        found = child.inventory()

    assert child.hello["say"] == "ready"
    assert found == []
