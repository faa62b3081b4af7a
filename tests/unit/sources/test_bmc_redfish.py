"""What the Redfish child says, as values of the domain."""

from typing import Any

import pytest

from gpuwatch.domain.bmc import (
    BmcGpu,
    BmcSweep,
    Part,
    PowerSupply,
    Quantity,
    RedundancyState,
    Sensor,
    SensorHealth,
)
from gpuwatch.domain.bmc_logs import LogEntry, LogSeverity, LogTopic
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.bmc_redfish import translate
from gpuwatch.sources.bmc_redfish_gpus import gpus_of
from gpuwatch.sources.bmc_redfish_logs import entry_of
from gpuwatch.sources.bmc_redfish_sensors import sensors_of
from gpuwatch.sources.bmc_redfish_supplies import redundancies_of, supplies_of

Row = dict[str, Any]
MOMENT = Moment(wall=1_700_000_000.0, boottime=100.0, boot_id="boot")
UUID = "12345678-1234-1234-1234-1234567890ab"


def _sensor(**more: object) -> Row:
    return {
        "at": "Chassis/1/Sensors/One",
        "name": "One",
        "kind": "Temperature",
        "unit": "Cel",
        "context": "",
        "value": 30.0,
        "state": "Enabled",
        "health": "OK",
        **more,
    }


def _read(**more: object) -> Sensor:
    (sensor,) = sensors_of([_sensor(**more)], [])
    return sensor


def _supply(**more: object) -> Row:
    row = {"at": "P/1", "name": "PSU1", "state": "Enabled", "health": "OK"}
    return {**row, "line": "", "volts": None, **more}


def _fed(**more: object) -> PowerSupply:
    (supply,) = supplies_of([_supply(**more)])
    return supply


def _gpu(**more: object) -> Row:
    return {
        "at": "Systems/H/Processors/GPU_1",
        "id": "GPU_1",
        "system": "H",
        "serial": "165",
        "uuid": UUID,
        "part_number": "",
        "firmware": "",
        "state": "Enabled",
        "health": "OK",
        "chassis": "Chassis/GPU_1",
        "temperature": None,
        "temperature_from": "",
        "power": None,
        "power_from": "",
        "read_elsewhere": False,
        "metrics": {},
        "memories": [{}],
        **more,
    }


def _told(*rows: Row, sensors: tuple[Sensor, ...] = ()) -> tuple[BmcGpu, ...]:
    return gpus_of(rows or [_gpu()], sensors)


def _entry(**more: object) -> LogEntry:
    row: Row = {"record": "1", "written": 1.7e9, "severity": "OK", "message": "", "message_id": ""}
    row |= {"arguments": [], "type": "Event", "code": "", "sensor_type": "", "origin": ""}
    return entry_of("L", row | more)


@pytest.mark.parametrize(
    ("row", "quantity", "value", "unit"),
    [
        ({}, Quantity.TEMPERATURE, 30.0, ""),
        ({"kind": ""}, Quantity.TEMPERATURE, 30.0, ""),
        ({"unit": ""}, Quantity.TEMPERATURE, 30.0, ""),
        ({"kind": "Rotational", "unit": "RPM"}, Quantity.FAN_SPEED, 30.0, ""),
        ({"kind": "Percent", "unit": "%", "context": "Fan"}, Quantity.FAN_DUTY, 0.3, ""),
        ({"kind": "Percent", "unit": "%"}, Quantity.OTHER, 30.0, "%"),
        ({"kind": "EnergyJoules", "unit": "J"}, Quantity.OTHER, 30.0, "J"),
        ({"kind": "Voltage", "unit": "mV"}, Quantity.VOLTAGE, 0.03, ""),
        ({"kind": "Power", "unit": "Cel"}, Quantity.OTHER, 30.0, "Cel"),
        ({"kind": "", "unit": ""}, Quantity.OTHER, 30.0, ""),
    ],
)
def test_a_sensor_measures_in_our_unit(
    row: Row, quantity: Quantity, value: float, unit: str
) -> None:
    """By its unit, and by its kind where it has none; what contradicts itself keeps its own."""
    sensor = _read(**row)

    assert (sensor.quantity, sensor.value, sensor.unit) == (quantity, value, unit)


@pytest.mark.parametrize(
    ("context", "name", "part", "number"),
    [
        ("Intake", "Ambient", Part.INLET, None),
        ("SystemBoard", "System Board Inlet Temp", Part.INLET, None),
        ("SystemBoard", "X 7", Part.BOARD, None),
        ("CPU", "CPU 2 Temp", Part.CPU, 2),
        ("Memory", "HGX GPU SXM 3 DRAM 0 Temp 0", Part.GPU, 3),
        ("GPU", "HGX GPU SXM 3 TEMP 0", Part.GPU, 3),
        ("ASIC", "HGX NVSwitch 2 TEMP 0", Part.NVSWITCH, 2),
        ("", "FAN4", Part.FAN, 4),
        ("Fan", "Blower", Part.FAN, None),
        ("Nonsense", "Nonsense", Part.OTHER, None),
    ],
)
def test_a_sensor_is_about_a_part(context: str, name: str, part: Part, number: int | None) -> None:
    """By where it sits; a vague place yields to its name, and a GPU's memory is the GPU's."""
    sensor = _read(context=context, name=name, kind="", unit="")

    assert (sensor.part, sensor.number) == (part, number)


@pytest.mark.parametrize(
    ("row", "gap", "health"),
    [
        ({"value": None}, GapReason.UNSUPPORTED, None),
        ({"value": None, "health": "Critical"}, GapReason.UNSUPPORTED, SensorHealth.CRITICAL),
        ({"state": "Absent", "health": "Critical"}, GapReason.UNSUPPORTED, None),
        ({"state": "Disabled", "value": 0.0}, GapReason.UNSUPPORTED, None),
        ({"value": -128.0}, GapReason.FAILED, None),
        ({"value": 4_294_967_295.0}, GapReason.FAILED, None),
        ({"value": 0.0, "context": "CPU"}, GapReason.FAILED, None),
        ({"kind": "Rotational", "unit": "RPM", "value": 65_535.0}, GapReason.FAILED, None),
    ],
)
def test_what_is_no_reading_is_a_gap(row: Row, gap: GapReason, health: SensorHealth | None) -> None:
    """Absent, sentinel, impossible: none of them is a value, and none is well."""
    sensor = _read(**row)

    assert isinstance(sensor.value, Gap)
    assert (sensor.value.reason, sensor.health) == (gap, health)


def test_an_air_of_zero_degrees_is_a_reading() -> None:
    """As in a cold room."""
    assert _read(context="Intake", value=0.0).value == 0.0


def test_sensors_of_one_name_have_labels_of_their_own() -> None:
    """Made of their paths, which do not change."""
    rows = [_sensor(at="Chassis/1/Sensors/A"), _sensor(at="Chassis/2/Sensors/A")]

    labels = [sensor.label for sensor in sensors_of(rows, [])]

    assert labels == ["One [Chassis/1/Sensors/A]", "One [Chassis/2/Sensors/A]"]


def test_a_sensor_that_is_told_twice_is_one() -> None:
    """By its path."""
    assert len(sensors_of([_sensor(), _sensor(value=31.0)], [])) == 1


def test_a_sensor_without_a_name_is_called_by_its_path() -> None:
    """By the end of it."""
    assert _read(name="").label == "One"


def test_a_system_speaks_for_its_memory() -> None:
    """And says nothing of its processors."""
    system = {"at": "Systems/1", "state": "Enabled", "memory_health": "Critical"}

    (sensor,) = sensors_of([], [system | {"processor_health": ""}])

    assert (sensor.part, sensor.quantity) == (Part.DIMM, Quantity.STATE)
    assert sensor.health is SensorHealth.CRITICAL


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, (True, False, None, False)),
        ({"health": "Critical"}, (True, True, None, False)),
        ({"health": "Warning"}, (True, False, None, False)),
        ({"health": ""}, (True, None, None, False)),
        ({"state": ""}, (None, None, None, None)),
        ({"state": "Absent", "health": "Critical"}, (False, None, None, None)),
        ({"state": "StandbySpare"}, (True, False, None, True)),
        ({"state": "StandbyOffline"}, (True, None, None, True)),
        ({"line": "LossOfInput", "health": "Critical"}, (True, False, True, False)),
        ({"line": "Normal"}, (True, False, False, False)),
        ({"line": "OutOfRange"}, (True, False, None, False)),
        ({"volts": 0.0, "health": "Critical"}, (True, False, True, False)),
        ({"volts": 231.0, "health": "Critical"}, (True, True, False, False)),
        ({"volts": 54.0}, (True, False, False, False)),
        ({"volts": 20.0}, (True, False, None, False)),
    ],
)
def test_a_supply_is_what_it_says(row: Row, expected: tuple[bool | None, ...]) -> None:
    """Present, failed, without its feed, cold: what is not told is none of them."""
    supply = _fed(**row)

    assert (supply.present, supply.failed, supply.input_lost, supply.standby) == expected


def test_supplies_have_names_of_their_own() -> None:
    """By which they are remembered."""
    named = supplies_of([_supply(at="P/1", name="PSU"), _supply(at="P/2", name="PSU")])

    assert [supply.name for supply in named] == ["PSU [P/1]", "PSU [P/2]"]
    assert supplies_of([_supply(name="PSU.Slot.2")])[0].number == 2


def _group(size: int, needed: float | None, **more: object) -> Row:
    row: Row = {"at": "R", "name": "", "part": "psu", "mode": "NPlusM", "state": "Enabled"}
    row |= {"health": "OK", "needed": needed, "members": [f"P/{n}" for n in range(size)]}
    return {**row, **more}


@pytest.mark.parametrize(
    ("bad", "needed", "health", "expected"),
    [
        (0, 2, "OK", RedundancyState.FULL),
        (1, 2, "Critical", RedundancyState.DEGRADED),
        (2, 2, "Critical", RedundancyState.LOST),
        (3, 2, "Critical", RedundancyState.INSUFFICIENT),
        (0, 2, "Warning", RedundancyState.DEGRADED),
        (0, 4, "OK", RedundancyState.LOST),
        (1, None, "OK", RedundancyState.FULL),
        (1, None, "Warning", RedundancyState.DEGRADED),
        (1, None, "Critical", RedundancyState.LOST),
        (1, None, "", None),
        (1, 0, "", None),
    ],
)
def test_a_redundancy_is_counted_where_it_can_be(
    bad: int, needed: float | None, health: str, expected: RedundancyState | None
) -> None:
    """Of four supplies so many are bad; else its own health says how it stands."""
    supplies = [_supply(at=f"P/{n}", health="Critical" if n < bad else "OK") for n in range(4)]

    (group,) = redundancies_of([_group(4, needed, health=health)], supplies, [])

    assert (group.part, group.state) == (Part.PSU, expected)
    assert group.name == "Power Supply Redundancy"


@pytest.mark.parametrize(
    "row",
    [
        {"mode": "NotRedundant"},
        {"state": "Disabled", "members": []},
        {"health": "", "members": ["elsewhere"]},
    ],
)
def test_a_redundancy_of_which_nothing_is_told_is_none(row: Row) -> None:
    """Switched off, without members, or with members that nobody knows."""
    (group,) = redundancies_of([_group(1, 1, **row)], [], [])

    assert group.state is None


@pytest.mark.parametrize(
    ("row", "works"),
    [
        ({"state": "StandbySpare"}, True),
        ({"state": "StandbyOffline"}, True),
        ({"state": "Absent"}, False),
        ({"line": "LossOfInput"}, False),
        ({"state": "UnavailableOffline", "health": ""}, False),
    ],
)
def test_a_cold_spare_counts_and_a_dead_one_does_not(row: Row, works: bool) -> None:
    """Of two supplies of which one is enough."""
    expected = RedundancyState.FULL if works else RedundancyState.LOST
    supplies = [_supply(at="P/0"), _supply(at="P/1", **row)]

    (group,) = redundancies_of([_group(2, 1)], supplies, [])

    assert group.state is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (UUID, f"GPU-{UUID}"),
        (f"GPU-{UUID.upper()}", f"GPU-{UUID}"),
        ("7", ""),
        ("", ""),
    ],
)
def test_a_uuid_is_written_as_nvml_writes_it(said: str, expected: str) -> None:
    """So that both name one board."""
    assert _told(_gpu(uuid=said))[0].uuid == expected


@pytest.mark.parametrize("serial", ["", "0", "N/A", "Unknown", "000000"])
def test_a_serial_that_stands_for_none_is_none(serial: str) -> None:
    """It would join every board to every other."""
    assert _told(_gpu(serial=serial))[0].serial == ""


def test_a_serial_that_two_gpus_claim_names_neither() -> None:
    """A service that contradicts itself."""
    gpus = _told(_gpu(at="S/1", id="A"), _gpu(at="S/2", id="B"))

    assert [(gpu.name, gpu.serial) for gpu in gpus] == [("A", ""), ("B", "")]


def test_a_gpu_of_two_systems_is_one() -> None:
    """The host's view of it knows less than its baseboard's."""
    host = _gpu(at="Systems/1/Processors/GPU1", system="1", id="GPU1", uuid="")
    board = _gpu(memories=[{"/Oem/Nvidia/RowRemappingFailed": True}])

    for order in ((host, board), (board, host)):
        (gpu,) = _told(*order)
        assert (gpu.name, gpu.row_remap_failed) == ("GPU_1", True)


def test_nothing_says_whether_a_gpu_is_there() -> None:
    """One that the BMC calls absent tells nothing, and is told of all the same."""
    (gpu,) = _told(_gpu(state="Absent", health="OK"))

    assert (gpu.serial, gpu.health) == ("165", None)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0, 0),
        (7.0, 7),
        (0xFFFFFFFF, None),
        (0xFFFFFFFFFFFFFFFF, None),
        (-1, None),
        (1.5, None),
        (True, None),
        ("7", None),
        (None, None),
    ],
)
def test_a_count_that_is_none_is_left_out(value: object, count: int | None) -> None:
    """Overflowed, negative, broken."""
    memory = {"/LifeTime/UncorrectableECCErrorCount": value}

    assert _told(_gpu(memories=[memory]))[0].counts.get("dram_uncorrectable") == count


def test_counts_of_several_memories_add_up() -> None:
    """Where all of them tell one."""
    pointer = "/LifeTime/CorrectableECCErrorCount"
    whole = _told(_gpu(memories=[{pointer: 2}, {pointer: 3}]))[0]
    half = _told(_gpu(memories=[{pointer: 2}, {}]))[0]

    assert whole.counts == {"dram_correctable": 5}
    assert half.counts == {}


@pytest.mark.parametrize(
    ("errors", "exceeded", "counts"),
    [
        (0, None, {}),
        (9, True, {"sram_uncorrectable": 9}),
        (None, True, {}),
    ],
)
def test_what_contradicts_itself_is_not_believed(
    errors: int | None, exceeded: bool | None, counts: dict[str, int]
) -> None:
    """A threshold of errors that none exceeded."""
    metrics = {
        "/Oem/Nvidia/SRAMECCErrorThresholdExceeded": True,
        "/CacheMetricsTotal/LifeTime/UncorrectableECCErrorCount": errors,
    }

    (gpu,) = _told(_gpu(metrics=metrics))

    assert (gpu.sram_threshold_exceeded, gpu.counts) == (exceeded, counts)


def test_the_sensor_that_was_read_counts_and_not_the_excerpt() -> None:
    """Which may be as old as the last look at it."""
    sensor = _read(at="Chassis/GPU_1/Sensors/T", value=81.0)
    memory = _read(at="Chassis/GPU_1/Sensors/DRAM_0", value=70.0)
    other = _read(at="Chassis/GPU_11/Sensors/DRAM_0", value=99.0)
    row = _gpu(temperature=40.0, temperature_from=sensor.key, read_elsewhere=True)

    (gpu,) = _told(row, sensors=(sensor, memory, other))

    assert (gpu.temperature_celsius, gpu.memory_temperature_celsius) == (81.0, 70.0)


@pytest.mark.parametrize(("value", "expected"), [(40.0, 40.0), (0.0, None), (9_999.0, None)])
def test_an_excerpt_without_its_sensor_is_read_itself(value: float, expected: float | None) -> None:
    """Unless no GPU can be so cold or hot."""
    assert _told(_gpu(temperature=value))[0].temperature_celsius == expected


def test_the_sensor_of_a_gap_is_no_temperature() -> None:
    """Also where an old excerpt has one."""
    sensor = _read(at="T", value=None)
    row = _gpu(temperature=40.0, temperature_from="T", read_elsewhere=True)

    assert _told(row, sensors=(sensor,))[0].temperature_celsius is None


@pytest.mark.parametrize(
    ("row", "topic"),
    [
        ({"message": "GPU_SXM_3 Driver Event: XID 79"}, LogTopic.GPU),
        ({"origin": "Systems/H/Memory/GPU_SXM_1_DRAM_0"}, LogTopic.GPU),
        ({"message": "NVLink failure"}, LogTopic.GPU),
        ({"sensor_type": "Temperature", "message": "CPU 1"}, LogTopic.THERMAL),
        ({"sensor_type": "Power Supply / Converter"}, LogTopic.POWER),
        ({"origin": "Chassis/1/PowerSubsystem/PowerSupplies/1"}, LogTopic.POWER),
        ({"message": "Correctable memory error at DIMM A1"}, LogTopic.MEMORY),
        ({"message": "A fatal error was detected on a PCIe slot"}, LogTopic.PCIE),
        ({"message": "Fan 3 RPM is below the lower critical threshold"}, LogTopic.THERMAL),
        ({"message": "CPU 1 machine check"}, LogTopic.PROCESSOR),
        ({"message": "Redundancy is lost"}, LogTopic.POWER),
        ({"message_id": "Power.1.0.Off"}, LogTopic.POWER),
        ({"message": "Administrator logged in"}, LogTopic.OTHER),
    ],
)
def test_an_entry_has_a_topic(row: Row, topic: LogTopic) -> None:
    """By what it is about, by its sensor's type, by where it comes from, by what it says."""
    assert _entry(**row).topic is topic


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("OK", LogSeverity.INFO),
        ("Warning", LogSeverity.WARNING),
        ("Critical", LogSeverity.CRITICAL),
        ("", LogSeverity.INFO),
    ],
)
def test_an_entry_is_as_grave_as_it_says(said: str, severity: LogSeverity) -> None:
    """In the three words of Redfish."""
    assert _entry(severity=said).severity is severity


def test_an_entry_keeps_what_it_said() -> None:
    """Its text, its sensor, its beginning or end, and all of it as it was read."""
    entry = _entry(
        message="hot", code="Assert", origin="Chassis/1/Sensors/T", message_id="X.1", written=None
    )

    assert (entry.text, entry.sensor, entry.sensor_key) == ("hot", "T", "Chassis/1/Sensors/T")
    assert (entry.asserted, entry.told_at) == (True, None)
    assert '"message_id":"X.1"' in entry.raw
    assert _entry(code="Deassert").asserted is False


def test_an_entry_without_a_message_is_called_by_its_id() -> None:
    """With its arguments."""
    entry = _entry(message_id="Fans.1.0.FanFailed", arguments=["Fan 3"])

    assert entry.text == "Fans.1.0.FanFailed Fan 3"


def _message(**more: object) -> Row:
    empty: Row = {"systems": [], "chassis": [], "managers": [], "sensors": [], "supplies": []}
    empty |= {"redundancies": [], "gpus": [], "logs": []}
    rest: Row = {"say": "sweep", "seconds": 0.5, "root": {"uuid": "u"}, "server": "", "watts": None}
    return empty | rest | {"skew": None, "updating": False, "gaps": {}} | more


def _machine(path: str, **more: object) -> Row:
    row: Row = {"at": path, "id": path.rpartition("/")[2], "power": "", "state": "", "type": ""}
    row |= {"chassis": [], "watchdog": None, "memory_health": "", "processor_health": ""}
    return row | {"intrusion": "", "serial": "", "model": "", "firmware": ""} | more


def test_a_service_that_tells_nothing_is_an_empty_sweep() -> None:
    """Nothing is known, and nothing well."""
    sweep = translate(_message(), MOMENT, "host")

    assert isinstance(sweep, BmcSweep)
    assert (sweep.sensors, sweep.watts, sweep.clock_skew) == ((), None, None)
    assert (sweep.chassis.power_on, dict(sweep.chassis.faults), sweep.watchdog) == (None, {}, None)
    assert sweep.identity.guid == "u"


def test_the_host_is_the_system_of_the_servers_chassis() -> None:
    """And no baseboard of GPUs, whichever comes first."""
    systems = [
        _machine("Systems/HGX_Baseboard_0", power="On", serial="HGX"),
        _machine("Systems/1", power="Off", serial="S1", chassis=["Chassis/1"], watchdog=True),
    ]
    managers = [
        _machine("Managers/HGX_BMC_0", type="BMC", firmware="hgx"),
        _machine("Managers/2", type="EnclosureManager", firmware="old"),
        _machine("Managers/1", type="BMC", firmware="own"),
    ]
    chassis = [_machine("Chassis/1", model="R1", serial="C1")]

    sweep = translate(
        _message(systems=systems, managers=managers, chassis=chassis, server="Chassis/1"),
        MOMENT,
        "host",
    )

    assert isinstance(sweep, BmcSweep)
    assert sweep.chassis.power_on is False
    assert (sweep.identity.serial, sweep.identity.product) == ("S1", "R1")
    assert sweep.identity.firmware == "own"
    assert sweep.watchdog is not None
    assert sweep.watchdog.running is True


@pytest.mark.parametrize(
    ("power", "expected"), [("On", True), ("Off", False), ("PoweringOn", None), ("", None)]
)
def test_what_is_being_switched_is_neither_on_nor_off(power: str, expected: bool | None) -> None:
    """Unknown is never off."""
    sweep = translate(_message(systems=[_machine("Systems/1", power=power)]), MOMENT, "host")

    assert isinstance(sweep, BmcSweep)
    assert sweep.chassis.power_on is expected


@pytest.mark.parametrize(
    ("watts", "expected"), [(812.0, 812.0), (0.0, None), (-1.0, None), (1e9, None), (None, None)]
)
def test_a_server_draws_what_a_server_can(watts: float | None, expected: float | None) -> None:
    """What answers draws something."""
    sweep = translate(_message(watts=watts), MOMENT, "host")

    assert isinstance(sweep, BmcSweep)
    assert sweep.watts == expected


@pytest.mark.parametrize("say", ["alive", "ready"])
def test_another_message_is_refused(say: str) -> None:
    """It is the source's own."""
    with pytest.raises(ValueError, match=say):
        translate({"say": say}, MOMENT, "host")
