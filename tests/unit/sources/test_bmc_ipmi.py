"""BMC over IPMI: what the child says, as the values that everybody knows."""

from typing import Any

import pytest

from gpuwatch.domain.bmc import (
    BmcIdentity,
    BmcSweep,
    ChassisFault,
    Part,
    PowerLoss,
    PowerSupply,
    Quantity,
    RedundancyState,
    Sensor,
    SensorHealth,
    Watchdog,
)
from gpuwatch.domain.bmc_logs import LogBatch, LogEntry, LogSeverity, LogStatus, LogTopic
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.bmc_ipmi import translate

NOW = Moment(wall=1_700_000_100.0, boottime=500.0, boot_id="boot")
NO_READING, IMPOSSIBLE = Gap(GapReason.UNSUPPORTED), Gap(GapReason.FAILED)
CELSIUS, VOLTS, WATTS, RPM = 1, 4, 6, 18


def _number(name: str, value: float, unit: int = CELSIUS, **changes: object) -> dict[str, Any]:
    told = {
        "key": f"20.0.{name}", "record": 7, "name": name, "type": 1, "reading_type": 1,
        "entity": 7, "instance": 1, "units": [unit, 0, "", 0, False], "mask": 0x3F3F,
        "bits": 0, "states": [], "gravity": 0, "value": value, "raw": 24,
    }  # fmt: skip
    return told | changes


def _states(name: str, bits: int, **changes: object) -> dict[str, Any]:
    told = {
        "key": f"20.0.{name}", "record": 8, "name": name, "type": 8, "reading_type": 0x6F,
        "entity": 0x0A, "instance": 1, "units": [0, 0, "", 0, False], "mask": 0xFF,
        "bits": bits, "states": ["Present"], "gravity": 0,
    }  # fmt: skip
    return told | changes


def _gap(told: dict[str, Any], reason: str = "lost", code: int | None = 0xCB) -> dict[str, Any]:
    kept = {
        name: told[name] for name in told.keys() - {"bits", "states", "gravity", "value", "raw"}
    }
    return {**kept, "gap": [reason, code]}


def _sweep(*sensors: dict[str, Any], **changes: object) -> BmcSweep:
    message = {
        "say": "sweep", "seconds": 0.25, "boottime": 499.0, "gaps": {}, "cipher_suite": 17,
        "device": {"firmware": "2.14", "auxiliary": "", "updating": False}, "sensors": sensors,
    }  # fmt: skip
    told = translate(message | changes, NOW, "host")
    assert isinstance(told, BmcSweep)
    return told


def _sensor(told: dict[str, Any], *others: dict[str, Any]) -> Sensor:
    return _sweep(told, *others).sensors[0]


def test_a_sensor_is_told_with_its_part_and_unit() -> None:
    """Under its own name, with its type and the number of its record."""
    sensor = _sensor(_number("GPU3 Temp", 44.0))

    assert sensor == Sensor(
        key="20.0.GPU3 Temp",
        name="GPU3 Temp",
        label="GPU3 Temp",
        quantity=Quantity.TEMPERATURE,
        part=Part.GPU,
        number=3,
        value=44.0,
        health=SensorHealth.NOMINAL,
        kind="Temperature",
        record=7,
    )


@pytest.mark.parametrize(
    ("gravity", "health"),
    [
        (0, SensorHealth.NOMINAL),
        (1, SensorHealth.WARNING),
        (2, SensorHealth.CRITICAL),
        (3, SensorHealth.CRITICAL),
        (4, SensorHealth.CRITICAL),
        (7, SensorHealth.CRITICAL),
        (None, None),
    ],
)
def test_health_is_the_gravest_threshold(gravity: int | None, health: SensorHealth | None) -> None:
    """A non-critical threshold is a warning."""
    told = _number("GPU3 Temp", 96.0, gravity=gravity, states=["above upper critical threshold"])

    assert (_sensor(told).health, _sensor(told).states) == (
        health,
        ("above upper critical threshold",),
    )


@pytest.mark.parametrize(
    ("told", "gap"),
    [
        (_number("GPU0 Temp", 255.0, raw=0xFF), IMPOSSIBLE),
        (_number("GPU0 Temp", -128.0, raw=0x80), IMPOSSIBLE),
        (_number("GPU0 Temp", 0.0, raw=0), IMPOSSIBLE),
        (_number("PSU1 VIN", 510.0, VOLTS, raw=0xFF), IMPOSSIBLE),
        (_number("FAN1", 25_500.0, RPM, raw=0xFF), IMPOSSIBLE),
        (_gap(_number("GPU0 Temp", 1.0), "unsupported", None), NO_READING),
        (_gap(_number("GPU0 Temp", 1.0)), Gap(GapReason.LOST, 0xCB)),
        (_states("NVMe0", 0x7FFF, type=0x0D), IMPOSSIBLE),
    ],
)
def test_what_stands_for_no_reading_is_a_gap(told: dict[str, Any], gap: Gap) -> None:
    """Never 0, never 255, and never well."""
    sensor = _sensor(told)

    assert (sensor.value, sensor.health, sensor.states) == (gap, None, ())


@pytest.mark.parametrize(
    "told",
    [
        _number("Inlet Temp", 0.0, raw=0),
        _number("Inlet Temp", -5.0),
        _number("FAN1", 0.0, RPM, raw=0),
        _number("PSU1 VIN", 510.0, VOLTS, raw=0xFF, bits=0x10, gravity=2),
        _number("GPU0 Temp", 104.0),
    ],
)
def test_a_reading_that_can_be_is_one(told: dict[str, Any]) -> None:
    """Cold air, a fan that stands still, a voltage that is told to be too high."""
    assert _sensor(told).value == told["value"]


def test_a_zero_of_what_is_not_there_is_no_reading() -> None:
    """A bay without a fan has no fan that stands still."""
    presence = _states("FAN1 Present", 0x02, type=0x25, entity=0x1D, instance=1)
    fan = _number("FAN1", 0.0, RPM, entity=0x1D, instance=1, raw=0)

    assert _sensor(fan, presence).value == NO_READING
    assert _sensor(fan).value == 0.0


@pytest.mark.parametrize(
    "presence",
    [
        _states("Slot", 0x01, type=0x0D, reading_type=0x08, entity=4),
        _states("Slot", 0x02, type=0x25, entity=4),
        _states("Slot", 0x00, type=0x08, entity=4),
    ],
)
def test_absence_is_told_in_several_ways(presence: dict[str, Any]) -> None:
    """By a sensor of presence, in either of its kinds, and by a supply that is not present."""
    watts = _number("Slot PIN", 0.0, WATTS, entity=4, instance=1)

    assert _sensor(watts, presence).value == NO_READING


def test_an_unknown_sensor_is_told_under_its_own_name_and_unit() -> None:
    """Nothing is left out because nobody knows it."""
    sensor = _sensor(_number("SysAirFlow", 120.0, 17, type=0xC0))

    assert (sensor.quantity, sensor.value, sensor.unit) == (Quantity.OTHER, 120.0, "CFM")
    assert (sensor.label, sensor.kind) == ("SysAirFlow", "")


def test_a_sensor_without_a_name_is_called_by_its_type_and_key() -> None:
    """So that two of them can be told apart."""
    found = _sweep(_number("", 24.0, key="20.0.02"), _number("", 24.0, key="20.0.03", type=0xC0))

    assert [each.label for each in found.sensors] == ["Temperature 20.0.02", "Sensor 20.0.03"]


@pytest.mark.parametrize(
    ("bits", "supply"),
    [
        (0x01, {}),
        (0x03, {"failed": True}),
        (0x05, {"failing": True}),
        (0x09, {"input_lost": True}),
        (0x11, {"input_lost": True}),
        (0x81, {"standby": True}),
        (0x08, {"present": False, "input_lost": True}),
    ],
)
def test_a_supply_is_told_by_its_states(bits: int, supply: dict[str, bool]) -> None:
    """Presence, failure, predicted failure, input lost, cold standby."""
    (told,) = _sweep(_states("PSU2 Status", bits)).supplies

    assert told == PowerSupply(
        **{  # type: ignore[arg-type]
            "name": "PSU2", "number": 2, "present": True, "failed": False, "failing": False,
            "input_lost": False, "standby": False, "health": SensorHealth.NOMINAL, **supply,
        }
    )  # fmt: skip


def test_a_supply_that_was_pulled_is_absent_and_not_well() -> None:
    """Other tools call a bay without a supply "ok"."""
    found = _sweep(_states("PSU2 Status", 0, states=[]))

    assert found.supplies == (PowerSupply(name="PSU2", number=2, present=False),)
    assert found.sensors[0].health is None


def test_a_supply_that_is_not_read_is_unknown() -> None:
    """A gap is no absence."""
    (told,) = _sweep(_gap(_states("PSU2 Status", 0))).supplies

    assert told == PowerSupply(name="PSU2", number=2)


def test_states_that_a_supply_cannot_tell_are_unknown() -> None:
    """Its record says which it can; what has failed is there nevertheless."""
    working, failed = _sweep(
        _states("PSU1 Status", 0x00, mask=0x02), _states("PSU2 Status", 0x02, mask=0x02)
    ).supplies

    assert (working.present, working.failed, working.input_lost) == (None, False, None)
    assert (failed.present, failed.failed) == (True, True)


def test_several_sensors_of_one_supply_tell_of_one() -> None:
    """One may tell its presence, another that it will fail."""
    found = _sweep(
        _states("PSU1 Present", 0x02, reading_type=0x08, gravity=0),
        _states("PSU1 Predict", 0x02, reading_type=0x04, gravity=1),
        _states("PSU1 Level", 0x02, reading_type=0x07, gravity=1),
    )

    (told,) = found.supplies
    assert (told.number, told.present, told.failing) == (1, True, True)
    assert told.health is SensorHealth.WARNING


def test_supplies_without_numbers_are_told_apart() -> None:
    """Two sensors of one name are two supplies."""
    found = _sweep(
        _states("Supply", 0x01, key="20.0.01", entity=0, instance=0),
        _states("Supply", 0x09, key="20.0.02", entity=0, instance=0),
    ).supplies

    assert [(each.name, each.input_lost) for each in found] == [
        ("Supply [20.0.01]", False),
        ("Supply [20.0.02]", True),
    ]


@pytest.mark.parametrize(
    ("bits", "state"),
    [
        (0x01, RedundancyState.FULL),
        (0x02, RedundancyState.LOST),
        (0x04, RedundancyState.DEGRADED),
        (0x08, RedundancyState.LOST),
        (0x10, RedundancyState.LOST),
        (0x20, RedundancyState.INSUFFICIENT),
        (0x40, RedundancyState.DEGRADED),
        (0x80, RedundancyState.DEGRADED),
        (0x22, RedundancyState.INSUFFICIENT),
        (0x42, RedundancyState.LOST),
        (0x41, RedundancyState.DEGRADED),
        (0x00, None),
    ],
)
def test_redundancy_is_the_gravest_of_its_states(bits: int, state: RedundancyState | None) -> None:
    """All eight of them; none is not told."""
    (told,) = _sweep(_states("PS Redundancy", bits, reading_type=0x0B)).redundancies

    assert (told.name, told.part, told.state) == ("PS Redundancy", Part.PSU, state)


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        (0x09, "Pwr Unit Redund", Part.PSU),
        (0x04, "Fan Redundancy", Part.FAN),
        (0x0A, "Cooling", Part.FAN),
        (0xC0, "PS Redundancy", Part.PSU),
        (0x0C, "Memory Mirror", Part.OTHER),
    ],
)
def test_a_redundancy_is_of_supplies_or_of_fans_or_of_else(
    kind: int, name: str, part: Part
) -> None:
    """By its type, and by its name where that does not say."""
    (told,) = _sweep(_states(name, 1, reading_type=0x0B, type=kind)).redundancies

    assert told.part is part


def test_a_redundancy_that_is_not_read_is_not_told() -> None:
    """It is neither there nor lost."""
    (told,) = _sweep(_gap(_states("PS Redundancy", 0, reading_type=0x0B))).redundancies

    assert told.state is None


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        ([0x29, 0, 0], ChassisFault.POWER),
        ([0x31, 0, 0], ChassisFault.POWER),
        ([0x23, 0, 0], ChassisFault.OVERLOAD),
        ([0x25, 0, 0], ChassisFault.INTERLOCK),
        ([0x21, 0, 4], ChassisFault.DRIVE),
        ([0x21, 0, 8], ChassisFault.COOLING),
        ([0x21, 0, 1], ChassisFault.INTRUSION),
    ],
)
def test_a_chassis_says_what_is_wrong_with_it(status: list[int], fault: ChassisFault) -> None:
    """Each fault by its bit, and that the others do not hold."""
    chassis = _sweep(status=status).chassis

    assert {each for each, holds in chassis.faults.items() if holds} == {fault}
    assert set(chassis.faults) == set(ChassisFault)
    assert chassis.power_on is True


def test_faults_that_are_not_told_are_not_there() -> None:
    """A shorter answer says nothing of drives, fans and the cover."""
    chassis = _sweep(status=[0x20, 0x11]).chassis

    assert set(chassis.faults) == {
        ChassisFault.POWER,
        ChassisFault.OVERLOAD,
        ChassisFault.INTERLOCK,
    }
    assert (chassis.power_on, set(chassis.losses)) == (False, {PowerLoss.INPUT})


def test_a_chassis_that_tells_nothing_is_unknown() -> None:
    """It is not off."""
    chassis = _sweep().chassis

    assert (chassis.power_on, dict(chassis.faults), chassis.restart_cause) == (None, {}, "")


@pytest.mark.parametrize(
    ("bits", "power_on"), [(0x001, True), (0x800, True), (0x020, False), (0x1000, False), (2, None)]
)
def test_the_power_is_told_by_a_sensor_where_the_chassis_does_not(
    bits: int, power_on: bool | None
) -> None:
    """The state of ACPI; asleep is neither."""
    told = _states("ACPI", bits, type=0x22, mask=0x7FFF, entity=7)

    assert _sweep(told).chassis.power_on is power_on


@pytest.mark.parametrize(
    ("bits", "status", "open_"),
    [(0x01, [0x21, 0, 0], True), (0x00, [0x21, 0, 1], True), (0x10, [0x21, 0, 0], False)],
)
def test_an_open_chassis_is_told_by_either(bits: int, status: list[int], open_: bool) -> None:
    """By the sensor or by the chassis; a LAN cable that is out is no intrusion."""
    told = _states("Intrusion", bits, type=0x05, entity=0x17)

    assert _sweep(told, status=status).chassis.faults[ChassisFault.INTRUSION] is open_


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (0, ""),
        (1, "a command to the BMC"),
        (4, "the watchdog"),
        (11, "its real-time clock"),
        (15, ""),
    ],
)
def test_the_last_restart_has_a_cause(cause: int, words: str) -> None:
    """In words; an unknown one in none."""
    assert _sweep(restart=cause).chassis.restart_cause == words


@pytest.mark.parametrize(
    ("timer", "watchdog"),
    [
        ([0x44, 0x01, 0, 0x00], Watchdog(running=True)),
        ([0x04, 0x01, 0, 0x10], Watchdog(running=False, expired="hard reset (operating system)")),
        ([0x04, 0x03, 0, 0x06], Watchdog(running=False, expired="power cycle (BIOS)")),
        ([0x04, 0x07, 0, 0x20], Watchdog(running=False, expired="an unknown action (maker's)")),
        (None, None),
    ],
)
def test_the_watchdog_tells_what_it_did(timer: list[int] | None, watchdog: Watchdog | None) -> None:
    """When it expired, and for whom it was set."""
    assert _sweep(watchdog=timer).watchdog == watchdog


@pytest.mark.parametrize(("bits", "expired"), [(0x02, "hard reset"), (0x09, "power cycle")])
def test_the_watchdog_is_told_by_a_sensor_where_the_timer_is_not(bits: int, expired: str) -> None:
    """Which cannot say whether it runs now."""
    told = _states("Watchdog2", bits, type=0x23, mask=0x10F)

    assert _sweep(told).watchdog == Watchdog(running=False, expired=expired)
    assert _sweep(_states("Watchdog2", 0, type=0x23)).watchdog is None


def test_a_server_says_who_it_is() -> None:
    """The product's texts, the board's serial beside it, and the BMC's firmware."""
    fru = {
        "manufacturer": "Acme", "product": "GS8", "part": "GS8-H", "serial": "SN-SYS-1",
        "board_manufacturer": "Else", "board_serial": "SN-BRD-1", "chassis_serial": "CH-1",
    }  # fmt: skip
    device = {"firmware": "2.14", "auxiliary": "0102", "updating": True, "manufacturer": 0x1614}

    found = _sweep(fru=fru, device=device, bios="1.9", guid="g")

    assert found.updating
    assert found.identity == BmcIdentity(
        manufacturer="Acme",
        product="GS8",
        part_number="GS8-H",
        serial="SN-SYS-1",
        board_serial="SN-BRD-1",
        firmware="2.14.0102",
        bios="1.9",
        guid="g",
        cipher_suite=17,
        manufacturer_id=0x1614,
    )


@pytest.mark.parametrize(
    "filler", ["To Be Filled By O.E.M.", "0123456789", "Default string", "N/A", "None", "0000", "."]
)
def test_what_a_maker_left_in_place_of_a_serial_is_none(filler: str) -> None:
    """Thousands of servers share it; the chassis may have one of its own."""
    found = _sweep(fru={"serial": filler, "chassis_serial": "CH-1"})

    assert found.identity.serial == "CH-1"


@pytest.mark.parametrize(
    ("changes", "watts"),
    [
        ({"watts": 4800, "status": [1, 0, 0]}, 4800.0),
        ({"watts": 0, "status": [1, 0, 0]}, 4752.0),
        ({"watts": 0, "status": [0, 0, 0]}, 0.0),
        ({}, 4752.0),
    ],
)
def test_the_servers_power_is_dcmis_or_a_sensors(changes: dict[str, Any], watts: float) -> None:
    """No server that is on draws 0 W."""
    assert _sweep(_number("Total Power", 4752.0, WATTS), **changes).watts == watts


def test_power_that_two_sensors_claim_is_nobodys() -> None:
    """Nothing says which of them is the whole."""
    found = _sweep(_number("Total Power", 4752.0, WATTS), _number("Sys Power", 4000.0, WATTS))

    assert found.watts is None


def test_the_log_and_the_clock_are_told() -> None:
    """How full it is; and the skew, in the middle of the second that the BMC cuts off."""
    sel = {"entries": 11, "free": 900, "added": 1.5e9, "erased": None, "overflowed": False}

    found = _sweep(sel=sel, clock=[1_700_000_160, 1_700_000_100.25])

    assert found.logs == (
        LogStatus(log="sel", entries=11, free_bytes=900, overflowed=False, added_at=1.5e9),
    )
    assert found.clock_skew == 60.25


def test_a_clock_that_was_never_set_has_no_skew() -> None:
    """It counts from the BMC's own start."""
    assert _sweep(clock=[1_234, 1_700_000_100.0]).clock_skew is None
    assert _sweep().clock_skew is None


def test_gaps_are_told_by_name() -> None:
    """With the reason and the BMC's code."""
    found = _sweep(gaps={"dcmi": ["denied", 0xD4]})

    assert dict(found.gaps) == {"dcmi": Gap(GapReason.DENIED, 0xD4)}
    assert (found.bmc, found.at, found.seconds) == ("host", NOW, 0.25)


def test_a_bmc_that_is_being_written_tells_little() -> None:
    """And that it is."""
    message = {
        "say": "sweep", "seconds": 0.01, "gaps": {}, "cipher_suite": None,
        "device": {"updating": True},
    }  # fmt: skip

    found = translate(message, NOW, "host")

    assert isinstance(found, BmcSweep)
    assert (found.updating, found.sensors, found.logs) == (True, (), ())


def test_entries_of_the_log_are_told_with_their_position() -> None:
    """And whether they are old, or the first after somebody cleared it."""
    entry = {
        "record": "7", "told_at": 1.5e9, "topic": "power", "severity": "critical",
        "text": "PSU2 Status: power input lost", "sensor": "PSU2 Status", "sensor_key": "20.0.61",
        "asserted": True, "raw": "00",
    }  # fmt: skip
    message = {
        "say": "log", "log": "sel", "entries": [entry], "position": "1 7", "baseline": False,
        "cleared": True, "wrapped": False,
    }  # fmt: skip

    assert translate(message, NOW, "host") == LogBatch(
        bmc="host",
        log="sel",
        at=NOW,
        entries=(
            LogEntry(
                log="sel",
                record="7",
                told_at=1.5e9,
                topic=LogTopic.POWER,
                severity=LogSeverity.CRITICAL,
                text="PSU2 Status: power input lost",
                sensor="PSU2 Status",
                sensor_key="20.0.61",
                asserted=True,
                raw="00",
            ),
        ),
        position="1 7",
        cleared=True,
    )


@pytest.mark.parametrize("message", [{"say": "ready"}, {"say": "log"}, {"say": "sweep"}, {}])
def test_what_is_no_message_of_an_ipmi_child_is_refused(message: dict[str, Any]) -> None:
    """The source says that it makes no sense."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        translate(message, NOW, "host")
