"""The simulated BMC is one for tools that know nothing of us: ipmitool and FreeIPMI agree on it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.bmc import process
from simulator.bmc.console import ConsoleError
from simulator.bmc.sensors import Analog
from simulator.bmc.server import DRIVE_FAULT, MONITOR, IpmiBmc, Model, Quirk, Session
from tests.support.bmc import MakeBmc, bmcs, ipmi_sensors, ipmitool, ipmitool_shell
from tests.support.patience import eventually

GET_DEVICE_ID, CLOSE_SESSION, DCMI_POWER = (0x06, 0x01), (0x06, 0x3C), (0x2C, 0x02)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IpmiBmc]:
    """One large BMC, only looked at."""
    with bmcs(tmp_path_factory.mktemp("large")) as make:
        yield make(Model(large=True))


def _readings_of_ipmitool(bmc: IpmiBmc) -> dict[str, float]:
    rows = (line.split("|") for line in ipmitool(bmc, "sdr", "elist").splitlines())
    return {
        row[0].strip(): float(row[4].split()[0])
        for row in rows
        if len(row) == 5 and row[4].split()[:1] and row[4].split()[0].replace(".", "").isdigit()
    }


def _supplies(bmc: IpmiBmc) -> dict[str, str]:
    """What ipmitool says of each power supply."""
    rows = ipmitool(bmc, "sdr", "type", "Power Supply").splitlines()
    return {row[0].strip(): row[4].strip() for row in (line.split("|") for line in rows)}


def _entries(bmc: IpmiBmc) -> list[str]:
    """The text of SEL entries, the oldest first, without number and time."""
    lines = ipmitool(bmc, "sel", "elist").splitlines()
    return [" | ".join(map(str.strip, line.split("|")[3:])) for line in lines]


def test_ipmitool_reads_every_value_that_is_set(large: IpmiBmc) -> None:
    """No sensor is lost or scaled wrongly on its way through SDR and reading."""
    expected = {s.name: s.value for s in large.model.sensors() if isinstance(s, Analog)}

    seen = _readings_of_ipmitool(large)

    assert seen == pytest.approx(expected, rel=0.01)


def test_freeipmi_finds_all_in_order(large: IpmiBmc, tmp_path: Path) -> None:
    """Each sensor's state is nominal, in the eyes of a second tool too."""
    names = {sensor.name for sensor in large.model.sensors()}

    states = {name: row[1] for name, row in ipmi_sensors(large, tmp_path).items()}

    assert {name: states.get(name) for name in names} == dict.fromkeys(names, "Nominal")


def test_the_small_one_has_sixty_sensors_and_the_large_one_more_than_ninety() -> None:
    """The two sizes that are measured against."""
    sizes = [len(Model().sensors()), len(Model(large=True).sensors())]

    assert sizes == [60, 94]


def test_a_lost_supply_is_seen_by_state_power_redundancy_and_log(make_bmc: MakeBmc) -> None:
    """Whatever a supply shows, it shows together, and the others take its load."""
    bmc = make_bmc(Model(with_history=False))

    bmc.psu_lost(2)

    readings = _readings_of_ipmitool(bmc)
    assert (readings["PSU1 PIN"], readings["PSU2 PIN"], readings["PSU2 VIN"]) == (960, 0, 0)
    assert _supplies(bmc)["PSU2 Status"] == "Presence detected, Power Supply AC lost"
    assert _entries(bmc)[0] == "Power Supply PSU2 Status | Power Supply AC lost | Asserted"


@pytest.mark.parametrize(
    ("lost", "left"),
    [
        ((), "Fully Redundant"),
        ((1,), "Redundancy Degraded"),
        ((1, 2), "Redundancy Lost"),
        ((1, 2, 3), "Non-Redundant: Insufficient Resources"),
    ],
)
def test_two_supplies_are_to_spare(make_bmc: MakeBmc, lost: tuple[int, ...], left: str) -> None:
    """What is left of the redundancy follows from how many are lost."""
    bmc = make_bmc()

    for number in lost:
        bmc.psu_lost(number)

    assert _supplies(bmc)["PS Redundancy"] == left


def test_what_sleeps_wakes_when_it_is_needed(make_bmc: MakeBmc) -> None:
    """Cold redundancy: standby is no fault, and ends when another supply is gone."""
    bmc = make_bmc(Model(cold_redundant=True))
    asleep = _supplies(bmc)["PSU6 Status"]

    bmc.psu_gone(1)

    awake = _supplies(bmc)
    assert "PSU1 VIN" not in _readings_of_ipmitool(bmc)
    assert asleep == "Presence detected, Power Supply Inactive"
    assert (awake["PSU1 Status"], awake["PSU6 Status"]) == ("", "Presence detected")


def test_a_hot_inlet_passes_its_threshold(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """Thresholds make states and entries by themselves."""
    bmc = make_bmc(Model(with_history=False))

    bmc.inlet(43)

    assert ipmi_sensors(bmc, tmp_path)["Inlet Temp"][1:3] == ["Critical", "43.00"]
    assert _entries(bmc) == [
        f"Temperature Inlet Temp | Upper {which} going high | Asserted | "
        f"Reading 43 > Threshold {threshold} degrees C"
        for which, threshold in (("Non-critical", 38), ("Critical", 42))
    ]


def test_what_is_set_survives_a_restart(make_bmc: MakeBmc) -> None:
    """A BMC that is reset reads the same hardware, and its log is not lost."""
    bmc = make_bmc()
    bmc.inlet(30)
    bmc.chassis_faults(DRIVE_FAULT)
    before = bmc.sel_entries()

    bmc.restart()

    assert _readings_of_ipmitool(bmc)["Inlet Temp"] == 30
    assert "Drive Fault          : true" in ipmitool(bmc, "chassis", "status")
    assert bmc.sel_entries() == before


def test_a_log_that_somebody_clears_has_a_time_of_erasure(make_bmc: MakeBmc) -> None:
    """What another tool's clear leaves behind is what an agent must notice."""
    bmc = make_bmc()
    before = ipmitool(bmc, "sel", "info")

    bmc.sel_clear()

    assert "Last Del Time    : Not Available" in before
    assert "Last Del Time    : Not Available" not in ipmitool(bmc, "sel", "info")
    assert bmc.sel_entries() == []


def test_a_log_that_goes_round_loses_its_oldest(make_bmc: MakeBmc) -> None:
    """Record ids go on, the first ones are gone."""
    bmc = make_bmc()

    bmc.sel_drop(3)
    bmc.sel_add("Intrusion", 0)

    assert [entry[0] for entry in bmc.sel_entries()] == list(range(4, 13))


def test_the_commands_of_a_client_are_told_by_name(make_bmc: MakeBmc) -> None:
    """The log proves what a client did, the end of its session included."""
    bmc = make_bmc()
    bmc.forget_commands()

    ipmitool(bmc, "mc", "info", account=MONITOR)

    seen = [(command.netfn, command.command) for command in bmc.commands()]
    assert GET_DEVICE_ID in seen
    assert seen[-1] == CLOSE_SESSION


def test_a_session_is_counted_while_it_is_open(make_bmc: MakeBmc) -> None:
    """A client that dies leaks one of the few sessions a BMC has: this tells."""
    bmc = make_bmc()

    with ipmitool_shell(bmc):
        during = eventually(lambda: bmc.sessions() == [Session(account=2, privilege=4)])
    left_behind = bmc.sessions()
    bmc.restart()

    assert during
    assert left_behind == [Session(account=2, privilege=4)]
    assert bmc.sessions() == []


def test_no_session_is_opened_when_all_are_taken(make_bmc: MakeBmc) -> None:
    """A BMC whose slots have leaked refuses the next one by name."""
    bmc = make_bmc()
    bmc.free_sessions(0)
    refused = ipmitool(bmc, "-v", "mc", "info")
    bmc.free_sessions(63)

    opened = ipmitool(bmc, "mc", "info")

    assert "insufficient resources for session" in refused
    assert "Device ID" in opened


def test_with_a_bmc_key_nobody_gets_in_without_it(make_bmc: MakeBmc) -> None:
    """The second secret that some sites set."""
    bmc = make_bmc(Model(key="second-secret"))

    without = ipmitool(bmc, "mc", "info")
    with_it = ipmitool(bmc, "-k", "second-secret", "mc", "info")

    assert "Unable to establish IPMI v2 / RMCP+ session" in without
    assert "Device ID" in with_it


def test_a_full_log_says_that_entries_are_lost(make_bmc: MakeBmc) -> None:
    """A thousand entries, and not one more."""
    bmc = make_bmc(Model(with_history=False))
    bmc.sel_fill(1000)
    full = ipmitool(bmc, "sel", "info")

    with pytest.raises(ConsoleError):
        bmc.sel_fill(1)

    assert "Overflow         : false" in full
    assert "Overflow         : true" in ipmitool(bmc, "sel", "info")


def test_states_that_hold_are_entered_again(make_bmc: MakeBmc) -> None:
    """At power-on many BMCs tell what they have, and nothing has happened."""
    bmc = make_bmc(Model(with_history=False))

    bmc.sel_reassert()

    entries = _entries(bmc)
    assert "Power Supply PSU1 Status | Presence detected | Asserted" in entries
    assert "Power Supply PS Redundancy | Fully Redundant | Asserted" in entries


def test_a_sensor_answers_as_it_is_told(make_bmc: MakeBmc) -> None:
    """A completion code, or a reading that is marked unavailable, and then again a value."""
    bmc = make_bmc()
    bmc.sensor_code("GPU3 Temp", 0xD5)
    bmc.sensor_unavailable("GPU4 Temp")
    without = _readings_of_ipmitool(bmc)
    bmc.sensor_code("GPU3 Temp", None)
    bmc.sensor_unavailable("GPU4 Temp", unavailable=False)

    back = _readings_of_ipmitool(bmc)

    assert {"GPU2 Temp", "GPU3 Temp", "GPU4 Temp"} & without.keys() == {"GPU2 Temp"}
    assert (back["GPU3 Temp"], back["GPU4 Temp"]) == (44, 45)


def test_a_command_is_refused_to_little_privilege(make_bmc: MakeBmc) -> None:
    """Some BMCs give the power reading to administrators only."""
    bmc = make_bmc()
    bmc.refuse(*DCMI_POWER, below=4)

    refused = ipmitool(bmc, "dcmi", "power", "reading", account=MONITOR)
    given = ipmitool(bmc, "dcmi", "power", "reading")

    assert "Insufficient privilege level" in refused
    assert "Instantaneous power reading:                  4800 Watts" in given


def test_a_server_that_is_off_measures_little(make_bmc: MakeBmc) -> None:
    """With the power off the inlet is still there, processors and fans are not."""
    bmc = make_bmc(Model(with_history=False))
    bmc.power_off()
    off = _readings_of_ipmitool(bmc)
    status = ipmitool(bmc, "chassis", "status")
    bmc.power_on(restart_cause=4)

    on = _readings_of_ipmitool(bmc)

    assert {"Inlet Temp", "CPU0 Temp", "GPU0 Temp", "FAN1"} & off.keys() == {"Inlet Temp"}
    assert "System Power         : off" in status
    assert "Last Power Event     : command" in status
    assert {"Inlet Temp", "CPU0 Temp", "GPU0 Temp", "FAN1"} <= on.keys()
    assert "watchdog expired" in ipmitool(bmc, "chassis", "restart_cause")


def test_an_update_is_told_by_the_device_id(make_bmc: MakeBmc) -> None:
    """While it is busy with itself a BMC says so."""
    bmc = make_bmc()

    bmc.updating()

    assert "Device Available          : no" in ipmitool(bmc, "mc", "info")


def test_a_clock_that_is_wrong_dates_new_entries_wrongly(make_bmc: MakeBmc) -> None:
    """The BMC's clock is its own."""
    bmc = make_bmc(Model(with_history=False))
    bmc.set_clock(ahead_seconds=-86_400)

    bmc.sel_add("Intrusion", 0)

    (entry,) = bmc.sel_entries()
    assert time.time() - int.from_bytes(entry[3:7], "little") == pytest.approx(86_400, abs=60)


def test_a_frozen_one_is_silent_until_it_is_thawed(make_bmc: MakeBmc) -> None:
    """Its port is there all the time."""
    bmc = make_bmc()
    bmc.freeze()
    frozen = process.answers(bmc.port, 0.3)
    bmc.thaw()

    thawed = process.answers(bmc.port, 5)

    assert (frozen, thawed) == (False, True)


def test_a_stranger_opens_the_directory_and_goes_on(make_bmc: MakeBmc) -> None:
    """The command line works on the BMC that `make run` has started."""
    bmc = make_bmc()
    bmc.inlet(30)

    opened = IpmiBmc.open(bmc.directory)

    assert (opened.pid, opened.port, opened.model) == (bmc.pid, bmc.port, bmc.model)
    assert opened.value("Inlet Temp") == 30


def test_a_mistake_is_told_by_name(make_bmc: MakeBmc) -> None:
    """An unknown sensor or supply is no silence."""
    bmc = make_bmc()

    with pytest.raises(ValueError, match="no sensor 'GPU9 Temp'"):
        bmc.set("GPU9 Temp", 40)
    with pytest.raises(ValueError, match="supply 7: this server has 1 to 6"):
        bmc.psu_lost(7)


def test_quirks_are_what_a_tool_stumbles_over(make_bmc: MakeBmc) -> None:
    """Another controller's sensor, names of other codes, twins: all are in the repository."""
    bmc = make_bmc(Model(quirks=frozenset(Quirk)))

    listed = ipmitool(bmc, "sdr", "elist")

    assert listed.count("GPU0 Temp ") == 2
    assert listed.count("Inlet Temp ") == 2
    assert "ME Temp          | 02h | ok  |  7.9 | 99 degrees C" in listed
    assert "Ansaugluft \xb0C" in listed
