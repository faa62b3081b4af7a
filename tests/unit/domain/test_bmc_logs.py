"""What entries of a BMC's log have in common that tell the same."""

import pytest

from gpuwatch.domain.bmc_logs import LogTopic
from tests.support.bmcs import entry

HOT = entry("CPU1 Temp at 96.5, limit 95", topic=LogTopic.THERMAL, sensor_key="cpu1")


@pytest.mark.parametrize(
    ("changes", "alike"),
    [
        ({"record": "99", "told_at": 17.0, "raw": "ff"}, True),
        ({"text": "CPU1 Temp at 101.0, limit 95"}, True),
        ({"text": "CPU1 Temp is back"}, False),
        ({"sensor_key": "cpu2"}, False),
        ({"asserted": False}, False),
        ({"log": "another"}, False),
    ],
)
def test_a_state_that_is_told_again_with_another_reading_is_the_same(
    changes: dict[str, object], *, alike: bool
) -> None:
    """Record, time and reading differ with each telling."""
    again = entry(**({"text": HOT.text, "topic": HOT.topic, "sensor_key": "cpu1"} | changes))

    assert (again.likeness == HOT.likeness) is alike


def test_what_happened_to_another_part_is_another_thing() -> None:
    """One sensor may tell of all memory modules."""
    one, other = entry("ECC error of DIMM 3"), entry("ECC error of DIMM 4")

    assert one.likeness != other.likeness


def test_a_sensor_without_a_key_goes_by_its_name() -> None:
    """Redfish logs may tell a name only."""
    one, other = (entry(sensor_key="", sensor=name) for name in ("Fan 1", "Fan 2"))

    assert one.likeness != other.likeness


def test_entries_that_name_no_sensor_are_alike_only_to_the_letter() -> None:
    """The number may be that of the sensor."""
    heat = {"topic": LogTopic.THERMAL, "sensor": "", "sensor_key": ""}
    one, other = entry("sensor 0x11: hot", **heat), entry("sensor 0x12: hot", **heat)

    assert one.likeness != other.likeness
    assert one.likeness == entry("sensor 0x11: hot", record="9", **heat).likeness
