"""BMC signals: names, parts and units of a BMC's sensors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.bmc import Part, Quantity
from gpuwatch.domain.bmc_logs import LogTopic
from gpuwatch.sources.bmc_signals import (
    FAN,
    TEMPERATURE,
    Units,
    labels,
    part_of,
    quantity_of,
    topic_of,
    type_name,
    unit_symbol,
)

NAMES = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=16)


@pytest.mark.parametrize(
    ("name", "entity", "instance", "part", "number"),
    [
        ("PSU1 Temp", 0x0A, 1, Part.PSU, 1),
        ("PS2 Status", 0x0A, 2, Part.PSU, 2),
        ("PSU 1 Inlet Temp", 0x0A, 1, Part.PSU, 1),
        ("Power Supply 3", 0, 0, Part.PSU, 3),
        ("PWS1 Status", 0, 0, Part.PSU, 1),
        ("PS Redundancy", 0x13, 1, Part.PSU, None),
        ("GPU0 Temp", 0x0B, 0x61, Part.GPU, 0),
        ("GPU3 HBM Temp", 0x0B, 0x64, Part.GPU, 3),
        ("HGX_GPU_SXM_5_TEMP_1", 0, 0, Part.GPU, 5),
        ("NVSwitch2 Temp", 0x10, 0x63, Part.NVSWITCH, 2),
        ("CPU0 VRM Temp", 3, 1, Part.VRM, None),
        ("Vcpu1VRM Temp", 3, 1, Part.VRM, None),
        ("CPU0 Temp", 3, 1, Part.CPU, 0),
        ("P1 Therm", 3, 1, Part.CPU, 1),
        ("Temp", 3, 2, Part.CPU, 2),
        ("P12V", 7, 1, Part.BOARD, 1),
        ("P1V8", 7, 1, Part.BOARD, 1),
        ("P1-DIMMA1", 0x20, 1, Part.DIMM, 1),
        ("DIMMA Temp", 0x20, 4, Part.DIMM, 4),
        ("FAN1", 0x1D, 1, Part.FAN, 1),
        ("Fan 1A Tach", 0x1D, 1, Part.FAN, 1),
        ("SYS_FAN_3", 0, 0, Part.FAN, 3),
        ("CPU1_FAN", 0, 0, Part.FAN, None),
        ("Inlet Temp", 0x37, 1, Part.INLET, 1),
        ("Front Ambient", 0, 0, Part.INLET, None),
        ("Ambient", 0, 0, Part.INLET, None),
        ("MB Ambient", 7, 1, Part.BOARD, 1),
        ("Exhaust Temp", 0x17, 1, Part.EXHAUST, None),
        ("Total Power", 0x13, 1, Part.CHASSIS, None),
        ("Sys Pwr", 0, 0, Part.CHASSIS, None),
        ("Pwr Consumption", 7, 1, Part.CHASSIS, None),
        ("NVMe0", 4, 1, Part.DRIVE, 0),
        ("PCIe Slot 3", 0, 0, Part.PCIE, None),
        ("PCH Temp", 7, 1, Part.BOARD, 1),
        ("Front Panel", 0x0C, 1, Part.OTHER, None),
        ("VBAT", 0x28, 1, Part.OTHER, None),
        ("", 0x41, 0x62, Part.CPU, 2),
    ],
)
def test_a_part_is_known_by_its_name_or_its_entity(
    name: str, entity: int, instance: int, part: Part, number: int | None
) -> None:
    """What makers call their parts, and the number that they give them."""
    assert part_of(TEMPERATURE, entity, instance, name) == (part, number)


@pytest.mark.parametrize(
    ("kind", "part"), [(0x08, Part.PSU), (0x0C, Part.DIMM), (0x0D, Part.DRIVE), (0xC0, Part.OTHER)]
)
def test_a_nameless_sensor_is_known_by_its_type(kind: int, part: Part) -> None:
    """Where neither name nor entity tells."""
    assert part_of(kind, 0, 0, "")[0] is part


@pytest.mark.parametrize(
    ("units", "name", "value", "quantity", "ours"),
    [
        (Units(1), "GPU0 Temp", 41.0, Quantity.TEMPERATURE, 41.0),
        (Units(2), "Inlet", 75.2, Quantity.TEMPERATURE, 24.0),
        (Units(3), "Inlet", 297.15, Quantity.TEMPERATURE, 24.0),
        (Units(4), "P12V", 12.06, Quantity.VOLTAGE, 12.06),
        (Units(5), "P12V Current", 55.0, Quantity.CURRENT, 55.0),
        (Units(6), "PSU1 PIN", 800.0, Quantity.POWER, 800.0),
        (Units(18), "FAN1", 9600.0, Quantity.FAN_SPEED, 9600.0),
        (Units(0, percent=True), "FAN1 Duty", 40.0, Quantity.FAN_DUTY, 0.4),
    ],
)
def test_a_number_becomes_one_in_our_unit(
    units: Units, name: str, value: float, quantity: Quantity, ours: float
) -> None:
    """Degrees Celsius, volts, amperes, watts, revolutions a minute, ratios."""
    found, scale, unit = quantity_of(FAN, units, name)

    assert (found, unit) == (quantity, "")
    assert scale(value) == pytest.approx(ours)


@pytest.mark.parametrize(
    ("units", "name", "unit"),
    [
        (Units(1), "P1 DTS Therm Mgn", "degrees C"),
        (Units(1), "CPU0 Therm Margin", "degrees C"),
        (Units(17), "SysAirFlow", "CFM"),
        (Units(6, 24, "*"), "Energy", "W*h"),
        (Units(6, 18, "/"), "Odd", "W/RPM"),
        (Units(70, rate=3), "Throughput", "bytes/s"),
        (Units(0, percent=True), "CPU Usage", "%"),
        (Units(0), "Count", ""),
        (Units(200), "Unknown", ""),
        (Units(6, rate=3), "Ramp", "W/s"),
    ],
)
def test_what_no_row_knows_keeps_its_own_unit(units: Units, name: str, unit: str) -> None:
    """Degrees that count down to a limit are no temperature, watt-hours no watts."""
    quantity, scale, told = quantity_of(TEMPERATURE, units, name)

    assert (quantity, told, scale(7.0)) == (Quantity.OTHER, unit, 7.0)


@pytest.mark.parametrize(
    ("kind", "name", "topic"),
    [
        (0x01, "GPU0 Temp", LogTopic.THERMAL),
        (0x04, "FAN1", LogTopic.THERMAL),
        (0x08, "PSU1", LogTopic.POWER),
        (0x0C, "DIMM", LogTopic.MEMORY),
        (0x13, "GPU0", LogTopic.PCIE),
        (0x07, "CPU0", LogTopic.PROCESSOR),
        (0x25, "GPU0 Present", LogTopic.GPU),
        (0xC0, "NVSwitch1 Fault", LogTopic.GPU),
        (0x10, "SEL", LogTopic.OTHER),
        (None, "", LogTopic.OTHER),
    ],
)
def test_an_entry_is_about_something(kind: int | None, name: str, topic: LogTopic) -> None:
    """By its sensor's type, and by its name where the type says nothing."""
    assert topic_of(kind, name) is topic


def test_codes_that_nobody_knows_have_no_name() -> None:
    """Types and units, on either side of their tables."""
    assert [type_name(code) for code in (0x01, 0x2C, 0x2D, 0xFF)] == [
        "Temperature",
        "FRU State",
        "",
        "",
    ]
    assert [unit_symbol(code) for code in (0, 18, 92, 93)] == ["", "RPM", "grams", ""]


def test_sensors_of_one_name_are_told_apart_by_their_keys() -> None:
    """All of them: which of them came first may change with the firmware."""
    found = labels([("20.0.10", "GPU0 Temp"), ("20.0.02", "Inlet"), ("20.0.07", "GPU0 Temp")])

    assert found == ["GPU0 Temp [20.0.10]", "Inlet", "GPU0 Temp [20.0.07]"]


@given(st.lists(st.sampled_from(["a", "b", "a [0]", "a [1]"]), max_size=8))
def test_labels_are_unique_whatever_the_names(names: list[str]) -> None:
    """Also where a sensor is called what another's label would be."""
    found = labels((str(place), name) for place, name in enumerate(names))

    assert len(set(found)) == len(names)


@given(NAMES, st.integers(0, 255), st.integers(0, 255), st.integers(0, 127))
def test_every_sensor_has_a_part(name: str, kind: int, entity: int, instance: int) -> None:
    """Whatever it is called."""
    part, number = part_of(kind, entity, instance, name)

    assert part in set(Part)
    assert number is None or number >= 0
