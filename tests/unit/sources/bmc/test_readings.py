"""Readings: every sensor asked, and what cannot be had told as a gap."""

from typing import Any

import pytest

from gpuwatch.sources.bmc.gate import GET_READING_FACTORS, GET_SENSOR_READING
from gpuwatch.sources.bmc.link import Answer
from gpuwatch.sources.bmc.readings import readings
from gpuwatch.sources.bmc.records import Record, sensors_of
from tests.support.ipmi_link import FakeLink, Reply, compact_record, event_record, full_record

THERMAL = sensors_of(full_record(0x10, b"GPU0 Temp"))
SUPPLY = sensors_of(compact_record(0x61, b"PSU2 Status"))


def _told(sensors: tuple[Record, ...], reply: Reply) -> dict[str, Any]:
    (told,) = readings(FakeLink({GET_SENSOR_READING: reply}), sensors)
    return told


def test_a_number_is_told_in_the_sensors_unit() -> None:
    """With the raw byte beside it, and what the controller makes of it."""
    told = _told(THERMAL, b"\x29\xc0\x00")

    assert (told["value"], told["raw"], told["states"], told["gravity"]) == (41.0, 0x29, [], 0)


@pytest.mark.parametrize(
    ("bits", "states", "gravity"),
    [
        (0x08, ["above upper non-critical threshold"], 1),
        (0x18, ["above upper non-critical threshold", "above upper critical threshold"], 3),
        (0x20, ["above upper non-recoverable threshold"], 4),
        (0x02, ["below lower critical threshold"], 2),
    ],
)
def test_thresholds_that_are_passed_are_told(bits: int, states: list[str], gravity: int) -> None:
    """By name, and how grave it is."""
    told = _told(THERMAL, bytes([0x29, 0xC0, bits]))

    assert (told["states"], told["gravity"]) == (states, gravity)


def test_above_and_below_change_places_where_the_reading_is_inverted() -> None:
    """A function of 1/x turns the order of numbers round."""
    inverted = sensors_of(full_record(1, b"T", linearization=7))

    assert _told(inverted, b"\x29\xc0\x08")["states"] == ["below lower non-critical threshold"]


def test_states_are_told_in_words() -> None:
    """Those that hold, with their offsets as bits."""
    told = _told(SUPPLY, b"\x00\xc0\x09\x80")

    assert told["states"] == ["Present", "Power input lost"]
    assert (told["bits"], told["gravity"]) == (0x8009, 2)
    assert "value" not in told


def test_a_state_that_only_the_maker_knows_is_not_called_well() -> None:
    """Its number is told, and no gravity."""
    makers = sensors_of(compact_record(0x61, b"OEM", sensor_type=0xC0))

    told = _told(makers, b"\x00\xc0\x02\x80")

    assert (told["states"], told["gravity"]) == (["state 1"], None)


@pytest.mark.parametrize(
    ("reply", "gap"),
    [
        (b"\x29\xe0\x00", ["unsupported", None]),  # unavailable
        (b"\x29\x80\x00", ["unsupported", None]),  # not scanned
        (b"\x29", ["failed", None]),  # too short
        (0xCB, ["lost", 0xCB]),
        (0xD4, ["denied", 0xD4]),
        (0xC3, ["timed_out", 0xC3]),
        (0xC1, ["unsupported", 0xC1]),
        (0xD5, ["failed", 0xD5]),
        (0xCE, ["failed", 0xCE]),
        (0x80, ["failed", 0x80]),
    ],
)
def test_what_is_no_reading_is_a_gap(reply: Reply, gap: list[object]) -> None:
    """Whatever the code: and the code is kept."""
    told = _told(THERMAL, reply)

    assert told["gap"] == gap
    assert "value" not in told


def test_one_that_cannot_answer_costs_no_other() -> None:
    """The library's own sweep ends at the first odd code."""
    sensors = THERMAL + SUPPLY
    answers = iter([Answer(0xCE, b""), Answer(0, b"\x00\xc0\x01\x00")])

    told = list(readings(FakeLink({GET_SENSOR_READING: lambda _: next(answers)}), sensors))

    assert [each.get("gap") for each in told] == [["failed", 0xCE], None]


def test_a_sensor_of_another_controller_is_not_asked() -> None:
    """The BMC would answer for its own sensor of that number."""
    satellite = sensors_of(full_record(0x02, b"ME Temp", owner=0x2C))
    link = FakeLink({GET_SENSOR_READING: b"\x18\xc0\x00"})

    (told,) = readings(link, satellite)

    assert told["gap"] == ["unsupported", None]
    assert link.asked == []


def test_a_name_of_events_only_is_not_asked() -> None:
    """It has no reading, and is no sensor of a sweep."""
    assert list(readings(FakeLink(), sensors_of(event_record(0, b"Watchdog2")))) == []


def test_states_that_are_not_sent_do_not_hold() -> None:
    """Some BMCs end their answer early."""
    told = _told(THERMAL, b"\x29\xc0")

    assert (told["value"], told["bits"]) == (41.0, 0)


def test_varying_factors_are_asked_for_at_each_reading() -> None:
    """By sensor, raw byte and logical unit."""
    varying = sensors_of(full_record(0x10, b"T", linearization=0x70))
    link = FakeLink({GET_SENSOR_READING: b"\x0a\xc0\0", GET_READING_FACTORS: b"\0\x02\0\x01\0\0\0"})

    (told,) = readings(link, varying)

    assert told["value"] == 21.0
    assert link.asked[-1] == (GET_READING_FACTORS, b"\x10\x0a", 0)


def test_factors_that_are_refused_leave_a_gap() -> None:
    """No other sensor's factors are taken."""
    varying = sensors_of(full_record(0x10, b"T", linearization=0x70))
    link = FakeLink({GET_SENSOR_READING: b"\x0a\xc0\0", GET_READING_FACTORS: 0xD4})

    (told,) = readings(link, varying)

    assert told["gap"] == ["denied", 0xD4]


def test_a_value_without_a_number_is_a_gap() -> None:
    """The logarithm of 0 was no reading."""
    logarithmic = sensors_of(full_record(0x10, b"T", linearization=1))

    assert _told(logarithmic, b"\x00\xc0\0")["gap"] == ["failed", None]
