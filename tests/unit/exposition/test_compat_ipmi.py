"""Compat IPMI: ipmi_exporter's names, labels and codes, out of what BMCs told."""

from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from gpuwatch.domain.bmc import Chassis, ChassisFault, Quantity, SensorHealth, Watchdog
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.exposition.compat import IPMI, compat_families
from gpuwatch.exposition.compat_ipmi_rows import ROWS
from gpuwatch.exposition.metrics import encoded
from tests.support.bmc_states import hgx_bmc, main_bmc
from tests.support.bmcs import sensor
from tests.support.golden import assert_golden
from tests.support.snapshots import AT, rich_snapshot

MAIN = main_bmc(AT)
ROOT = Path(__file__).parent.parent.parent.parent


def _text(snapshot: Snapshot, target: str = "") -> str:
    families = compat_families((IPMI,), snapshot, target)
    assert families is not None
    return encoded(families, openmetrics=False).decode()


def _with(bmcs: tuple[BmcState, ...]) -> Snapshot:
    return replace(rich_snapshot(), bmcs=bmcs)


def _of(bmcs: tuple[BmcState, ...], target: str = "") -> list[Sample]:
    text = _text(_with(bmcs), target)
    return [sample for family in parse_text(text) for sample in family.samples]


def _told(bmc: BmcState, name: str) -> list[float]:
    return [sample.value for sample in _of((bmc,)) if sample.name == name]


def _bent(**changes: object) -> BmcState:
    """The host's BMC, of whose sweep something is different."""
    assert MAIN.sweep is not None
    return replace(MAIN, sweep=replace(MAIN.sweep, **changes))  # type: ignore[arg-type]


def test_golden_of_the_names_of_ipmi_exporter() -> None:
    """All that is told of several BMCs of which one is dead."""
    assert_golden("compat_ipmi.txt", _text(rich_snapshot()))


def test_every_name_stands_in_the_documentation_with_its_unit_and_polarity() -> None:
    """Whoever moves over reads there what a number means."""
    document = (ROOT / "docs" / "bmc.md").read_text().replace("**", "")
    lines = [[cell.strip() for cell in line.split("|")] for line in document.splitlines()]
    told = {(line[1], line[3], line[4]) for line in lines if line[1:2] and len(line) == 6}

    assert {(f"`{row.name}`", row.unit, row.collector) for row in ROWS} <= told


def test_a_single_bmc_has_the_labels_of_its_exporter_alone() -> None:
    """Rules and dashboards made for it go on working."""
    names = {name for sample in _of((MAIN,)) for name in sample.labels}

    assert names.isdisjoint({"bmc", "host"})


def test_what_is_asked_by_redfish_is_no_ipmi() -> None:
    """It neither appears nor makes the one that is asked by IPMI one of several."""
    assert _text(_with((MAIN, hgx_bmc(AT)))) == _text(_with((MAIN,)))


@pytest.mark.parametrize("target", ["main", "192.0.2.17:623", "192.0.2.17"])
def test_a_target_is_told_alone(target: str) -> None:
    """As its exporter tells of one target a scrape."""
    assert _text(rich_snapshot(), target) == _text(_with((MAIN,)))


def test_a_host_whose_bmcs_are_two_keeps_them_apart() -> None:
    """Series of equal labels would make the scrape invalid."""
    second = replace(MAIN, name="second", host="node-1", address="192.0.2.9:623")
    up = _of((MAIN, replace(MAIN, name="first", host="node-1"), second), "node-1")

    told = {sample.labels["bmc"] for sample in up if sample.name == "ipmi_up"}
    assert told == {"first", "second"}


def test_an_unknown_target_is_none() -> None:
    """There is nothing to tell of it."""
    assert compat_families((IPMI,), rich_snapshot(), "elsewhere") is None


@pytest.mark.parametrize("bmc", [replace(MAIN, fresh=False), replace(MAIN, sweep=None)])
def test_of_a_bmc_that_does_not_answer_only_that_is_told(bmc: BmcState) -> None:
    """As its exporter has it: every collector is 0 and nothing else is there."""
    samples = _of((bmc,))

    assert {(sample.name, sample.value) for sample in samples} == {("ipmi_up", 0.0)}


@pytest.mark.parametrize(
    ("gap", "collector", "name"),
    [
        ("dcmi", "dcmi", "ipmi_dcmi_power_consumption_watts"),
        ("sdr", "ipmi", "ipmi_temperature_celsius"),
        ("sel", "sel", "ipmi_sel_logs_count"),
        ("chassis", "chassis", "ipmi_chassis_power_state"),
    ],
)
def test_a_part_that_is_not_told_is_down_and_absent(gap: str, collector: str, name: str) -> None:
    """The server's watts may come from elsewhere: they are then not DCMI's."""
    bmc = _bent(gaps={gap: Gap(GapReason.DENIED)})

    down = [
        sample.labels for sample in _of((bmc,)) if sample.name == "ipmi_up" and not sample.value
    ]
    assert down == [{"collector": collector}]
    assert _told(bmc, name) == []


@pytest.mark.parametrize(("faulty", "number"), [(True, 0.0), (False, 1.0)])
def test_a_fault_state_of_one_says_that_there_is_no_fault(number: float, *, faulty: bool) -> None:
    """The polarity of its FreeIPMI backend, which surprises."""
    bmc = _bent(chassis=Chassis(faults={ChassisFault.DRIVE: faulty, ChassisFault.COOLING: faulty}))

    assert _told(bmc, "ipmi_chassis_drive_fault_state") == [number]
    assert _told(bmc, "ipmi_chassis_cooling_fault_state") == [number]


def test_what_a_chassis_does_not_tell_is_absent() -> None:
    """Neither on nor off, neither well nor at fault."""
    names = {sample.name for sample in _of((_bent(chassis=Chassis()),))}

    assert not any(name.startswith("ipmi_chassis") for name in names)


@pytest.mark.parametrize(
    ("health", "number"),
    [(SensorHealth.NOMINAL, 0.0), (SensorHealth.WARNING, 1.0), (SensorHealth.CRITICAL, 2.0)],
)
def test_states_are_numbers(health: SensorHealth, number: float) -> None:
    """0 nominal, 1 warning, 2 critical."""
    bmc = _bent(sensors=(sensor("Inlet Temp", health=health),))

    assert _told(bmc, "ipmi_temperature_state") == [number]


@pytest.mark.parametrize("reason", [GapReason.LOST, GapReason.UNSUPPORTED])
def test_a_sensor_that_is_not_there_to_be_read_has_no_series(reason: GapReason) -> None:
    """Its part has no power or is not there; FreeIPMI leaves it out."""
    bmc = _bent(sensors=(sensor("Inlet Temp", value=Gap(reason), health=None),))

    assert _told(bmc, "ipmi_temperature_celsius") == []
    assert _told(bmc, "ipmi_temperature_state") == []


@pytest.mark.parametrize("value", [None, Gap(GapReason.TIMED_OUT, 195)])
def test_a_sensor_that_could_not_be_read_is_there_all_the_same(value: Gap | None) -> None:
    """Both its series are NaN: a silent sensor can be looked for."""
    bmc = _bent(sensors=(sensor("Inlet Temp", value=value, health=None),))

    (reading,), (state,) = (
        _told(bmc, name) for name in ("ipmi_temperature_celsius", "ipmi_temperature_state")
    )
    assert (isnan(reading), isnan(state)) == (True, True)


@pytest.mark.parametrize(
    ("quantity", "names"),
    [
        (Quantity.TEMPERATURE, {"ipmi_temperature_celsius", "ipmi_temperature_state"}),
        (Quantity.FAN_SPEED, {"ipmi_fan_speed_rpm", "ipmi_fan_speed_state"}),
        (Quantity.FAN_DUTY, {"ipmi_fan_speed_ratio", "ipmi_fan_speed_state"}),
        (Quantity.VOLTAGE, {"ipmi_voltage_volts", "ipmi_voltage_state"}),
        (Quantity.CURRENT, {"ipmi_current_amperes", "ipmi_current_state"}),
        (Quantity.POWER, {"ipmi_power_watts", "ipmi_power_state"}),
        (Quantity.OTHER, {"ipmi_sensor_value", "ipmi_sensor_state"}),
        (Quantity.STATE, {"ipmi_sensor_value", "ipmi_sensor_state"}),
    ],
)
def test_every_quantity_has_a_value_and_a_state(quantity: Quantity, names: set[str]) -> None:
    """Under names that only this quantity has; the duty of a fan shares its state."""
    bmc = _bent(sensors=(sensor("Any", quantity=quantity, value=0.5),))

    samples = [sample for sample in _of((bmc,)) if sample.labels.get("name") == "Any"]
    assert {sample.name for sample in samples} == names


def test_a_sensor_goes_by_the_number_of_its_record_and_a_generic_one_by_its_type_too() -> None:
    """The labels id, name and type, as FreeIPMI calls them."""
    supply = sensor("PSU1", quantity=Quantity.STATE, value=None, kind="Power Supply", record=66)
    unnumbered = sensor("Inlet Temp")

    labels = [sample.labels for sample in _of((_bent(sensors=(supply, unnumbered)),))]
    assert {"id": "66", "name": "PSU1", "type": "Power Supply"} in labels
    assert {"id": "key-of-Inlet Temp", "name": "Inlet Temp"} in labels


@pytest.mark.parametrize(
    ("maker", "number", "label"),
    [("Acme", 5652, "Acme (5652)"), ("", 5652, "5652"), ("Acme", None, "")],
)
def test_the_maker_is_a_name_with_its_number(maker: str, number: int | None, label: str) -> None:
    """The name is the FRU's; what is no number is no id."""
    assert MAIN.sweep is not None
    identity = replace(MAIN.sweep.identity, manufacturer=maker, manufacturer_id=number, bios="")
    (info,) = [one for one in _of((_bent(identity=identity),)) if one.name == "ipmi_bmc_info"]

    assert info.labels == {
        "firmware_revision": identity.firmware,
        "manufacturer_id": label,
        "system_firmware_version": "N/A",
    }


@pytest.mark.parametrize(("watchdog", "told"), [(Watchdog(running=True), [1.0]), (None, [])])
def test_a_watchdog_that_runs_is_one(watchdog: Watchdog | None, told: list[float]) -> None:
    """And absent where the BMC tells nothing of it."""
    assert _told(_bent(watchdog=watchdog), "ipmi_bmc_watchdog_timer_state") == told
