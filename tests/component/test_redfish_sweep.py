"""The Redfish child's sweep of simulated servers: what of it arrives, at which price."""

import pytest

from gpuwatch.domain.bmc import (
    Chassis,
    ChassisFault,
    Part,
    Quantity,
    RedundancyState,
    SensorHealth,
)
from gpuwatch.domain.readings import Gap, GapReason
from simulator.bmc.certificate import Certificate
from simulator.bmc.redfish import RedfishBmc
from simulator.bmc.redfish_answers import Behaviour
from simulator.bmc.redfish_servers import BASEBOARD, gpu_server, rack_server
from simulator.bmc.redfish_tree import Tree
from tests.support.redfish import Asked, asking, settings_of

SYSTEM = f"Systems/{BASEBOARD}"
REMAPPED = "Oem/Nvidia/RowRemapping/UncorrectableRowRemappingCount"
TOLD_BOTH_WAYS = {"Inlet Temp": 22.5, "CPU1 VRM Temp": 48.0, "FAN6": 9_000.0, "P12V": 12.1}


def _served(tree: Tree, certificate: Certificate, behaviour: Behaviour | None = None) -> RedfishBmc:
    return RedfishBmc(tree, certificate, behaviour)


def _requests(asked: Asked) -> int:
    found = [each["requests"] for each in asked.messages() if each["say"] == "sweep"]
    return int(found[0])


@pytest.mark.parametrize("modern", [True, False])
def test_a_rack_server_tells_its_air_its_fans_and_its_supplies(
    certificate: Certificate, modern: bool
) -> None:
    """In the modern shape of the trees and in the old one."""
    with _served(rack_server(modern=modern), certificate) as bmc, asking(settings_of(bmc)) as asked:
        sweep = asked.sweep()

    values = {sensor.label: sensor.value for sensor in sweep.sensors}
    assert {name: values[name] for name in TOLD_BOTH_WAYS} == TOLD_BOTH_WAYS
    assert [each.name for each in sweep.supplies] == ["PSU1", "PSU2"]
    assert {(each.present, each.failed, each.input_lost) for each in sweep.supplies} == {
        (True, False, False)
    }
    assert {(each.part, each.state) for each in sweep.redundancies} == {
        (Part.PSU, RedundancyState.FULL),
        (Part.FAN, RedundancyState.FULL),
    }
    assert sweep.watts == 812.0
    assert sweep.chassis == Chassis(power_on=True, faults={ChassisFault.INTRUSION: False})
    assert sweep.gaps == {}


def test_a_server_says_who_it_is(certificate: Certificate) -> None:
    """Firmware is the BMC's, the serial the server's."""
    with _served(gpu_server(), certificate) as bmc, asking(settings_of(bmc)) as asked:
        identity = asked.sweep().identity

    assert (identity.manufacturer, identity.product) == ("Example", "R1 Server")
    assert (identity.serial, identity.firmware, identity.bios) == ("SY0001", "1.02.3", "2.1")


@pytest.mark.parametrize("modern", [True, False])
def test_a_supply_without_its_feed_costs_the_redundancy(
    certificate: Certificate, modern: bool
) -> None:
    """It has not failed itself; one of two leaves enough, and none to spare."""
    change: dict[bool, dict[str, object]] = {
        True: {
            "Chassis/1/PowerSubsystem/PowerSupplies/2#/LineInputStatus": "LossOfInput",
            "Chassis/1/PowerSubsystem/PowerSupplies/2#/Status/Health": "Critical",
        },
        False: {
            "Chassis/1/Power#/PowerSupplies/1/LineInputVoltage": 0,
            "Chassis/1/Power#/PowerSupplies/1/Status/Health": "Critical",
        },
    }
    with _served(rack_server(modern=modern), certificate) as bmc, asking(settings_of(bmc)) as asked:
        for place, value in change[modern].items():
            bmc.set(place, value)
        sweep = asked.sweep()

    lost = sweep.supplies[1]
    assert (lost.present, lost.failed, lost.input_lost) == (True, False, True)
    states = {each.part: each.state for each in sweep.redundancies}
    assert states == {Part.PSU: RedundancyState.LOST, Part.FAN: RedundancyState.FULL}


def test_a_fan_speaks_for_its_sensor(certificate: Certificate) -> None:
    """The sensor says OK of a speed that the fan itself is critical for."""
    with _served(rack_server(), certificate) as bmc, asking(settings_of(bmc)) as asked:
        bmc.set("Chassis/1/ThermalSubsystem/Fans/Fan2#/Status/Health", "Critical")
        bmc.set("Chassis/1/ThermalSubsystem/Fans/Fan3#/Status/State", "Absent")
        sensors = {sensor.label: sensor for sensor in asked.sweep().sensors}

    assert sensors["FAN2"].health is SensorHealth.CRITICAL
    assert sensors["FAN3"].value == Gap(GapReason.UNSUPPORTED)
    assert sensors["FAN1"].health is SensorHealth.NOMINAL


@pytest.mark.parametrize("expands", [True, False])
def test_a_gpu_server_tells_of_its_gpus(certificate: Certificate, expands: bool) -> None:
    """By serial and UUID, with what is known of their memory; from reports or one by one."""
    behaviour = Behaviour(expands=expands)
    with (
        _served(gpu_server(), certificate, behaviour) as bmc,
        asking(settings_of(bmc)) as asked,
    ):
        bmc.set(f"{SYSTEM}/Memory/GPU_SXM_3_DRAM_0#/Oem/Nvidia/RowRemappingFailed", True)
        bmc.set(f"{SYSTEM}/Memory/GPU_SXM_3_DRAM_0/MemoryMetrics#/{REMAPPED}", 8)
        sweep = asked.sweep()

    assert len(sweep.gpus) == 8
    third = sweep.gpus[2]
    assert (third.serial, third.uuid) == (
        "1650123000003",
        "GPU-00000000-0000-0000-0000-0000000000c3",
    )
    assert (third.row_remap_failed, third.row_remap_pending) == (True, False)
    assert third.sram_threshold_exceeded is False
    assert third.counts["rows_remapped_uncorrectable"] == 8
    assert (third.temperature_celsius, third.memory_temperature_celsius) == (44.0, 50.0)
    assert third.power_watts == 303.0
    assert sweep.gpus[0].row_remap_failed is False


def test_without_reports_the_gpus_are_asked_themselves(certificate: Certificate) -> None:
    """The same facts, in more requests."""
    tree = gpu_server()
    tree.reports = {}
    with _served(tree, certificate) as bmc, asking(settings_of(bmc)) as asked:
        bmc.set(f"{SYSTEM}/Processors/GPU_SXM_1/ProcessorMetrics#/PCIeErrors/FatalErrorCount", 2)
        gpu = asked.sweep().gpus[0]

    assert (gpu.row_remap_failed, gpu.sram_threshold_exceeded) == (False, False)
    assert gpu.counts["pcie_fatal"] == 2
    assert gpu.counts["dram_uncorrectable"] == 0


def test_a_memory_that_no_gpu_links_to_is_known_by_its_name(certificate: Certificate) -> None:
    """GPU_SXM_1_DRAM_0 is that of GPU_SXM_1, and of no GPU_SXM_11."""
    tree = gpu_server()
    tree.reports = {}
    for number in range(1, 9):
        del tree.resources[f"{SYSTEM}/Processors/GPU_SXM_{number}"]["Links"]["Memory"]
    with _served(tree, certificate) as bmc, asking(settings_of(bmc)) as asked:
        bmc.set(f"{SYSTEM}/Memory/GPU_SXM_1_DRAM_0#/Oem/Nvidia/RowRemappingPending", True)
        gpus = asked.sweep().gpus

    assert [gpu.row_remap_pending for gpu in gpus] == [True, *[False] * 7]


def test_a_value_changes_in_the_next_sweep(certificate: Certificate) -> None:
    """Also where a report stands in for the sensors."""
    sensor = "Chassis/HGX_GPU_SXM_2/Sensors/HGX_GPU_SXM_2_TEMP_0"
    with _served(gpu_server(), certificate) as bmc, asking(settings_of(bmc)) as asked:
        asked.sweep()
        bmc.set(sensor, 91.5)
        bmc.set("Systems/1#/PowerState", "Off")
        sweep = asked.sweep()

    assert sweep.gpus[1].temperature_celsius == 91.5
    assert {each.key: each.value for each in sweep.sensors}[sensor] == 91.5
    assert sweep.chassis.power_on is False


@pytest.mark.parametrize(
    ("tree", "behaviour", "most"),
    [
        (rack_server(), Behaviour(), 11),
        (rack_server(modern=False), Behaviour(expands=False), 7),
        (gpu_server(), Behaviour(), 18),
        (gpu_server(), Behaviour(expands=False), 64),
    ],
    ids=["rack", "rack-old", "gpu", "gpu-without-expansion"],
)
def test_a_sweep_costs_few_requests(
    certificate: Certificate, tree: Tree, behaviour: Behaviour, most: int
) -> None:
    """What hardly changes is not asked every time, what a report tells not singly."""
    with _served(tree, certificate, behaviour) as bmc, asking(settings_of(bmc)) as asked:
        asked.sweep()
        again = _requests(asked)
        asked.clock.sleep(400)
        later = _requests(asked)

    assert again <= most
    assert again < later


def test_a_service_without_expansion_tells_the_same(certificate: Certificate) -> None:
    """Whether it does not offer it, or offers it and does not do it."""
    honest = rack_server()
    del honest.resources[""]["ProtocolFeaturesSupported"]
    told = []
    for tree, behaviour in (
        (rack_server(), Behaviour()),
        (rack_server(), Behaviour(expands=False)),
        (honest, Behaviour()),
    ):
        with _served(tree, certificate, behaviour) as bmc, asking(settings_of(bmc)) as asked:
            sweep = asked.sweep()
            told.append((sweep.sensors, sweep.supplies, sweep.redundancies, sweep.identity))

    assert told[1:] == told[:1] * 2


def test_what_is_rarely_asked_is_asked_with_its_tag(certificate: Certificate) -> None:
    """The service then says that nothing changed, and the row of before stands."""
    behaviour = Behaviour(tags=True)
    with (
        _served(gpu_server(), certificate, behaviour) as bmc,
        asking(settings_of(bmc)) as asked,
    ):
        before = asked.sweep()
        asked.clock.sleep(4_000)
        after = asked.sweep()
        unchanged = [each for each in bmc.requests if each.status == 304]

    assert unchanged
    assert after.gpus == before.gpus


def test_the_clock_of_a_bmc_is_compared_with_ours(certificate: Certificate) -> None:
    """It is two hours ahead."""
    behaviour = Behaviour(clock_ahead_seconds=7_200.0)
    with (
        _served(rack_server(), certificate, behaviour) as bmc,
        asking(settings_of(bmc)) as asked,
    ):
        skew = asked.sweep().clock_skew

    assert skew == pytest.approx(7_200.0, abs=30.0)


@pytest.mark.parametrize(
    ("place", "state"), [("UpdateService", "Updating"), ("Managers/1", "Starting")]
)
def test_a_bmc_that_is_updated_says_so(certificate: Certificate, place: str, state: str) -> None:
    """Its service, or itself by its state."""
    with _served(rack_server(), certificate) as bmc, asking(settings_of(bmc)) as asked:
        quiet = asked.sweep().updating
        bmc.set(f"{place}#/Status/State", state)
        told = asked.sweep().updating

    assert (quiet, told) == (False, True)


def test_a_chassis_that_was_opened_is_told(certificate: Certificate) -> None:
    """And a word that nobody knows is no intrusion."""
    with _served(rack_server(), certificate) as bmc, asking(settings_of(bmc)) as asked:
        bmc.set("Chassis/1#/PhysicalSecurity/IntrusionSensor", "HardwareIntrusion")
        opened = asked.sweep().chassis.faults
        bmc.set("Chassis/1#/PhysicalSecurity/IntrusionSensor", "Sideways")
        asked.clock.sleep(400)
        odd = asked.sweep().chassis.faults

    assert opened == {ChassisFault.INTRUSION: True}
    assert odd == {}


def test_sensors_come_in_our_units(certificate: Certificate) -> None:
    """One of each quantity; what has none keeps its own unit."""
    tree = rack_server()
    tree.collect(
        "Chassis/1/Sensors",
        {
            "Load": {"ReadingType": "Percent", "ReadingUnits": "%", "Reading": 40},
            "Rail": {"ReadingType": "Voltage", "ReadingUnits": "mV", "Reading": 995},
            "Shelf": {"ReadingType": "Power", "ReadingUnits": "kW", "Reading": 1.5},
        },
    )
    with _served(tree, certificate) as bmc, asking(settings_of(bmc)) as asked:
        found = {one.name: (one.quantity, one.value, one.unit) for one in asked.sweep().sensors}

    assert found["Load"] == (Quantity.OTHER, 40.0, "%")
    assert found["Rail"] == (Quantity.VOLTAGE, 0.995, "")
    assert found["Shelf"] == (Quantity.POWER, 1_500.0, "")
