"""The IPMI child on a simulated BMC: what it reads is what is there, and nothing is written."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.domain.bmc import (
    BmcSweep,
    ChassisFault,
    Part,
    PowerLoss,
    Quantity,
    RedundancyState,
    SensorHealth,
)
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.readings import Gap, GapReason
from simulator.bmc import server
from simulator.bmc.server import IpmiBmc, Model, Quirk
from tests.support.bmc import MakeBmc, bmcs, ipmi_sensors, ipmitool
from tests.support.ipmi_process import IpmiChild, by_name, lan_settings
from tests.support.patience import eventually

# Units as ipmitool writes them.
_TOOLS_UNITS = {
    "degrees C": Quantity.TEMPERATURE,
    "Volts": Quantity.VOLTAGE,
    "Amps": Quantity.CURRENT,
    "Watts": Quantity.POWER,
    "RPM": Quantity.FAN_SPEED,
}
_FREEIPMI_HEALTH = {
    "Nominal": SensorHealth.NOMINAL,
    "Warning": SensorHealth.WARNING,
    "Critical": SensorHealth.CRITICAL,
}


@pytest.fixture(scope="module", name="large")
def _large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IpmiBmc]:
    """One large BMC for the tests of this module that put it right again."""
    with bmcs(tmp_path_factory.mktemp("bmcs")) as make:
        yield make(Model(large=True, delay_milliseconds=0))


def _swept(bmc: IpmiBmc) -> BmcSweep:
    with IpmiChild(lan_settings(bmc)) as child:
        return child.sweep()


def _numbers_of_ipmitool(bmc: IpmiBmc) -> dict[str, tuple[float, Quantity]]:
    """By name, every number that ipmitool reads."""
    rows = (re.split(r"\s*\|\s*", line) for line in ipmitool(bmc, "sdr", "elist").splitlines())
    found = {}
    for name, *_, reading in (row for row in rows if len(row) == 5):
        number, _, unit = reading.partition(" ")
        if unit.strip() in _TOOLS_UNITS:
            found[name.strip()] = (float(number), _TOOLS_UNITS[unit.strip()])
    return found


def test_every_number_is_the_one_that_ipmitool_reads(large: IpmiBmc) -> None:
    """All of them, in the same units."""
    large.set("GPU5 Temp", 77, event=False)
    large.set("P12V", 11.34, event=False)

    ours = {
        sensor.label: (sensor.value, sensor.quantity)
        for sensor in _swept(large).sensors
        if sensor.quantity is not Quantity.STATE
    }

    theirs = _numbers_of_ipmitool(large)
    large.heal()
    assert len(theirs) == 60
    assert ours == theirs


def test_every_reading_and_health_is_the_one_that_freeipmi_tells(
    large: IpmiBmc, tmp_path: Path
) -> None:
    """For thresholds that are passed too; but where only a warning is passed, it says nominal."""
    large.set("GPU5 Temp", 92, event=False)
    large.fan(3, 1000)

    ours = by_name(_swept(large))

    theirs = {
        name: (float(reading), _FREEIPMI_HEALTH[state])
        for name, (_, state, reading, *_) in ipmi_sensors(large, tmp_path).items()
        if reading != "N/A"
    }
    large.heal()
    assert len(theirs) == 60
    assert {name: (ours[name].value, ours[name].health) for name in theirs} == theirs
    assert (ours["GPU5 Temp"].health, ours["FAN3"].health) == (SensorHealth.CRITICAL,) * 2


def test_a_well_server_is_told_as_well(large: IpmiBmc) -> None:
    """Everything that a BMC tells beside its sensors."""
    sweep = _swept(large)

    assert [supply.name for supply in sweep.supplies] == [f"PSU{n}" for n in range(1, 7)]
    assert all(supply.present and supply.failed is False for supply in sweep.supplies)
    assert [each.state for each in sweep.redundancies] == [RedundancyState.FULL] * 2
    assert sweep.chassis.power_on is True
    assert not any(sweep.chassis.faults.values())
    assert {sensor.health for sensor in sweep.sensors} == {SensorHealth.NOMINAL}
    identity = sweep.identity
    assert (identity.manufacturer, identity.serial) == ("Acme", "SN-SYS-0001")
    assert (identity.firmware, identity.cipher_suite) == ("2.14", 3)
    assert sweep.logs[0].entries == len(large.sel_entries())
    assert sweep.clock_skew == pytest.approx(0.0, abs=2.0)
    assert not sweep.updating


def test_a_bad_day_is_told_by_parts(make_bmc: MakeBmc) -> None:
    """Supplies lost, failed and pulled; fans, faults, a restart, an update, a wrong clock."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    with IpmiChild(lan_settings(bmc)) as child:
        child.sweep()
        bmc.psu_lost(2)
        bmc.psu_failed(3)
        bmc.psu_gone(4)
        bmc.fan(5, 900)
        bmc.chassis_faults(server.INTRUSION | server.DRIVE_FAULT | server.COOLING_FAULT)
        bmc.watchdog((0x04, 0x01, 0, 0x10, 0, 0, 0, 0))
        bmc.updating()
        bmc.set_clock(ahead_seconds=-7200)

        sweep = child.sweep_until(lambda told: (told.clock_skew or 0) < -7000)

    second, third, fourth = sweep.supplies[1:4]
    assert (second.input_lost, third.failed, fourth.present) == (True, True, False)
    assert [each.state for each in sweep.redundancies] == [
        RedundancyState.INSUFFICIENT,
        RedundancyState.LOST,
    ]
    assert {fault for fault, holds in sweep.chassis.faults.items() if holds} == {
        ChassisFault.DRIVE,
        ChassisFault.COOLING,
        ChassisFault.INTRUSION,
    }
    assert sweep.watchdog is not None
    assert sweep.watchdog.expired == "hard reset (operating system)"
    assert sweep.updating
    sensors = by_name(sweep)
    assert sensors["FAN5"].health is SensorHealth.CRITICAL
    assert isinstance(sensors["PSU4 PIN"].value, Gap)
    assert sensors["PSU2 PIN"].value == 0.0


def test_a_server_that_is_off_measures_nothing(make_bmc: MakeBmc) -> None:
    """Its sensors are gaps: no fan stands still, and no GPU is cold."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    bmc.power_off()

    sweep = _swept(bmc)

    sensors = by_name(sweep)
    assert sweep.chassis.power_on is False
    assert sensors["FAN1"].value == sensors["GPU0 Temp"].value == Gap(GapReason.UNSUPPORTED)
    assert sensors["FAN1"].health is None
    assert sensors["Inlet Temp"].value == 24.0


def test_why_a_server_went_off_and_came_back_is_told(make_bmc: MakeBmc) -> None:
    """What took its power, and what started it again."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    bmc.power_off(last_event=server.AC_FAILED)
    off = _swept(bmc)
    bmc.power_on(restart_cause=server.BY_WATCHDOG)

    on = _swept(bmc)

    assert (off.chassis.power_on, set(off.chassis.losses)) == (False, {PowerLoss.INPUT})
    assert (on.chassis.power_on, on.chassis.restart_cause) == (True, "the watchdog")


def test_names_that_bmcs_get_wrong_are_read_and_told_apart(make_bmc: MakeBmc) -> None:
    """Latin-1, six-bit, none, one twice; two inlets; and a sensor that is another's is not read."""
    bmc = make_bmc(Model(large=True, delay_milliseconds=0, quirks=frozenset(Quirk)))

    sensors = by_name(_swept(bmc))

    assert sensors["Ansaugluft °C"].value == 20.0
    assert sensors["RISER 1 TEMP"].value == 33.0
    assert sensors["Temperature 20.0.0a"].value == 21.0
    assert (sensors["GPU0 Temp [20.0.07]"].value, sensors["GPU0 Temp [20.0.10]"].value) == (77, 41)
    assert (sensors["Inlet Temp"].value, sensors["Inlet Temp 2"].value) == (24.0, 25.0)
    assert sensors["Inlet Temp"].part is sensors["Inlet Temp 2"].part is Part.INLET
    assert sensors["ME Temp"].value == Gap(GapReason.UNSUPPORTED)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(0xCB, "lost"), (0xD5, "failed"), (0xCE, "failed"), (0xC3, "timed_out"), (0xD4, "denied"),
     (0xC1, "unsupported"), (0x81, "failed"), (0xFF, "failed")],
)  # fmt: skip
def test_a_sensor_that_answers_an_odd_code_costs_no_other(
    large: IpmiBmc, code: int, reason: str
) -> None:
    """It is a gap with its code, and all others are told."""
    large.sensor_code("GPU2 Temp", code)

    sensors = by_name(_swept(large))

    large.sensor_code("GPU2 Temp", None)
    assert sensors["GPU2 Temp"].value == Gap(GapReason(reason), code)
    assert sensors["GPU3 Temp"].value == 44.0
    assert len(sensors) == 94


def test_a_sensor_that_vanishes_comes_back(large: IpmiBmc) -> None:
    """While the child goes on in the same session."""
    with IpmiChild(lan_settings(large)) as child:
        child.sweep()
        large.sensor_unavailable("GPU2 Temp")
        gone = child.sweep_until(lambda told: by_name(told)["GPU2 Temp"].value != 43.0)
        large.sensor_unavailable("GPU2 Temp", unavailable=False)

        back = child.sweep_until(lambda told: by_name(told)["GPU2 Temp"].value == 43.0)

    assert by_name(gone)["GPU2 Temp"].value == Gap(GapReason.UNSUPPORTED)
    assert by_name(back)["GPU2 Temp"].health is SensorHealth.NOMINAL


def test_what_an_account_may_not_read_is_denied_and_nothing_else(make_bmc: MakeBmc) -> None:
    """The power by DCMI, on some BMCs; a sensor tells it instead."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    bmc.refuse(0x2C, 0x02, 0xD4, below=4)

    sweep = _swept(bmc)

    assert sweep.gaps["dcmi"] == Gap(GapReason.DENIED, 0xD4)
    assert sweep.watts == 4800.0
    assert sweep.chassis.power_on is True


def test_an_account_that_lost_its_right_meanwhile_is_denied(make_bmc: MakeBmc) -> None:
    """Somebody changed it while our session was open: the rest is still told."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    with IpmiChild(lan_settings(bmc)) as child:
        child.sweep()
        bmc.refuse(0x0A, 0x40, 0xD4)
        bmc.refuse(0x00, 0x01, 0xD4)

        sweep = child.sweep_until(lambda told: "sel" in told.gaps and "chassis" in told.gaps)

    assert {sweep.gaps[name] for name in ("sel", "chassis")} == {Gap(GapReason.DENIED, 0xD4)}
    assert (sweep.chassis.power_on, sweep.logs) == (None, ())
    assert by_name(sweep)["Inlet Temp"].value == 24.0


def test_the_log_is_followed_from_its_first_sight_on(make_bmc: MakeBmc) -> None:
    """Old entries are a baseline; then each is told once, with its words."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    with IpmiChild(lan_settings(bmc)) as child:
        old = child.log()
        bmc.psu_lost(2)

        new = child.log()

    assert (old.baseline, len(old.entries)) == (True, len(bmc.sel_entries()) - len(new.entries))
    assert (new.baseline, new.cleared, new.wrapped) == (False, False, False)
    first = new.entries[0]
    assert (first.text, first.sensor) == ("PSU2 Status: power input lost", "PSU2 Status")
    assert (first.topic, first.severity) == (LogTopic.POWER, LogSeverity.CRITICAL)
    assert first.told_at == pytest.approx(time.time(), abs=30)
    assert bytes.fromhex(first.raw) in bmc.sel_entries()


def test_a_log_that_another_tool_cleared_is_read_anew(make_bmc: MakeBmc) -> None:
    """And says that somebody did."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    with IpmiChild(lan_settings(bmc)) as child:
        child.log()
        ipmitool(bmc, "sel", "clear")
        cleared = child.log()
        bmc.sel_add("PCIe Fatal", 8)

        news = child.log()

    assert (cleared.cleared, cleared.wrapped, cleared.baseline) == (True, False, False)
    texts = [entry.text for batch in (cleared, news) for entry in batch.entries]
    assert texts[-1] == "PCIe Fatal: bus uncorrectable error"
    assert (news.cleared, news.baseline) == (False, False)


def test_a_log_that_ran_over_says_that_entries_were_lost(make_bmc: MakeBmc) -> None:
    """While nobody looked, more came than it holds."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    with IpmiChild(lan_settings(bmc)) as child:
        position = child.log().position
    bmc.sel_fill(3)
    bmc.sel_drop(len(bmc.sel_entries()) - 2)
    bmc.sel_overflow()

    with IpmiChild(lan_settings(bmc, positions={"sel": position})) as child:
        batch = child.log()

    assert (batch.wrapped, batch.cleared, len(batch.entries)) == (True, False, 2)


def test_a_child_goes_on_where_another_left(make_bmc: MakeBmc) -> None:
    """What was told before is not told again; a long log comes in parts."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    with IpmiChild(lan_settings(bmc)) as child:
        position = child.log().position
    bmc.sel_fill(450)

    with IpmiChild(lan_settings(bmc, positions={"sel": position})) as child:
        parts = [child.log() for _ in range(3)]

    assert [len(part.entries) for part in parts] == [200, 200, 50]
    assert not any(part.baseline or part.cleared for part in parts)


def test_one_session_serves_every_sweep_and_is_closed_at_the_end(make_bmc: MakeBmc) -> None:
    """A BMC has few, and keeps those that nobody closed."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    with IpmiChild(lan_settings(bmc, interval=0.05)) as child:
        for _ in range(10):
            child.sweep()
        during = bmc.sessions()

        status = child.end()

    assert [session.privilege for session in during] == [2]
    assert status == 0
    assert eventually(lambda: not bmc.sessions())
