"""Names of the table become what is asked of one device under one driver."""

from types import SimpleNamespace

import pynvml
import pytest

from gpuwatch.domain.signals import Field, Moved
from gpuwatch.sources.nvml.binding import WorstBanks, field_number, take_of, worst_banks
from gpuwatch.sources.nvml_signals import ALL_LINKS, TABLE

_ROWS = {row.key: row for row in TABLE}
_BRAKE = _ROWS['gpuwatch_gpu_clocks_event_seconds_total{reason="hw_power_brake_slowdown"}'].query


def test_a_field_is_asked_by_the_binding_s_number() -> None:
    """Whatever the driver, for a field that never moved."""
    assert field_number(Field("NVML_FI_DEV_PCIE_REPLAY_COUNTER"), ()) == (94, 0)


def test_a_scope_goes_with_the_number() -> None:
    """The sum over all links."""
    field = Field("NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX", scope=ALL_LINKS)

    assert field_number(field, (535, 1)) == (138, ALL_LINKS)


@pytest.mark.parametrize(
    ("driver", "number"),
    [
        ((), None),
        ((570, 172, 8), None),
        ((575, 51, 3), (253, 0)),
        ((580, 65, 6), (253, 0)),
        ((580, 82, 7), (271, 0)),
        ((610, 43), (271, 0)),
    ],
)
def test_the_brake_time_is_asked_by_the_number_of_the_driver(
    driver: tuple[int, ...], number: tuple[int, int] | None
) -> None:
    """253 is power smoothing before 575 and from 580.82 on."""
    assert isinstance(_BRAKE, Moved)
    assert field_number(_BRAKE, driver) == number


def test_a_field_that_this_binding_lacks_is_not_asked() -> None:
    """An older binding than the table's."""
    assert field_number(Field("NVML_FI_DEV_OF_THE_FUTURE"), (999,)) is None


def test_a_character_of_the_platform_s_structure_is_read_as_a_number() -> None:
    """Slot 200 is no letter."""
    platform = pynvml.c_nvmlPlatformInfo_v2_t()
    platform.slotNumber = b"\xc8"
    platform.chassisSerialNumber = b"1820\xb8"

    takes = [take_of(_ROWS[f"gpuwatch_gpu_{name}"]) for name in ("slot_number", "chassis_serial")]

    assert [take(platform) for take in takes if take] == [200, b"1820\xb8"]


def test_the_worst_bank_counts_for_its_protection() -> None:
    """Three addresses in one bank of parity, one in another; two banks of SEC-DED with one each."""
    entries = [
        SimpleNamespace(unit=u, location=0, sublocation=s, extlocation=0, isParity=p)
        for u, s, p in ((1, 0, 1), (1, 0, 1), (1, 0, 1), (1, 2, 1), (4, 0, 0), (5, 0, 0))
    ]

    assert worst_banks(entries) == WorstBanks(parity=3, secded=1)


def test_a_board_without_errors_has_no_worst_bank() -> None:
    """None is a reading here: the list was read, and it was empty."""
    assert worst_banks([]) == WorstBanks(parity=0, secded=0)
