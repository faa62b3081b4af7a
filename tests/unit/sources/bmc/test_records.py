"""Records: what a BMC's sensor data records say of its sensors."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.bmc.records import Factors, Record, sensors_of
from tests.support.ipmi_link import compact_record, event_record, full_record


def _only(raw: bytes) -> Record:
    (record,) = sensors_of(raw)
    return record


def _factors(m: int = 1, b: int = 0, b_exponent: int = 0, exponent: int = 0) -> bytes:
    """As table 43-1 lays them out."""
    m, b = m & 0x3FF, b & 0x3FF
    exponents = (exponent & 0xF) << 4 | (b_exponent & 0xF)
    return bytes([m & 0xFF, m >> 2 & 0xC0, b & 0xFF, b >> 2 & 0xC0, 0, exponents])


def test_a_full_record_says_who_the_sensor_is() -> None:
    """Number, owner, entity, type, unit and name."""
    record = _only(full_record(0x13, b"GPU3 Temp", record=9))

    assert (record.key, record.record, record.name) == ("20.0.13", 9, "GPU3 Temp")
    assert (record.sensor_type, record.reading_type) == (1, 1)
    assert (record.entity, record.instance, record.units.base) == (7, 1, 1)
    assert record.readable


def test_padding_behind_a_name_is_no_part_of_it() -> None:
    """Several BMCs fill their records up with what was there before."""
    record = _only(full_record(1, b"Inlet", padding=b"\x00\x17rubbish"))

    assert record.name == "Inlet"


@pytest.mark.parametrize(
    ("raw", "factors", "value"),
    [
        (24, _factors(), 24.0),
        (201, _factors(m=6, exponent=-2), 12.06),
        (10, _factors(m=-2, b=100), 80.0),
        (50, _factors(m=1, b=-4, b_exponent=1), 10.0),
        (96, _factors(m=100), 9600.0),
        (0, _factors(m=511, b=-512, b_exponent=0, exponent=7), -5_120_000_000.0),
    ],
)
def test_a_reading_follows_the_formula(raw: int, factors: bytes, value: float) -> None:
    """Y = (m x + b 10^k1) 10^k2, all of them signed."""
    record = _only(full_record(1, b"P12V", factors=factors))

    assert record.value(raw) == value


@pytest.mark.parametrize(
    ("form", "raw", "value"),
    [(0, 0xFE, 254.0), (1, 0xFE, -1.0), (1, 0x80, -127.0), (2, 0xFE, -2.0), (2, 0x80, -128.0)],
)
def test_a_raw_number_may_be_signed(form: int, raw: int, value: float) -> None:
    """In one's or in two's complement."""
    record = _only(full_record(1, b"T", units=form << 6))

    assert record.value(raw) == value


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (1, math.log(4)), (2, math.log10(4)), (3, 2.0), (4, math.exp(4)), (5, 10_000.0),
        (6, 16.0), (7, 0.25), (8, 16.0), (9, 64.0), (10, 2.0), (11, 4 ** (1 / 3)),
    ],
)  # fmt: skip
def test_a_reading_may_pass_through_a_function(function: int, value: float) -> None:
    """Those of table 43-1 that need no further question."""
    record = _only(full_record(1, b"T", linearization=function))

    assert record.value(4) == pytest.approx(value)


@pytest.mark.parametrize("function", [1, 2, 3, 7])
def test_a_reading_without_a_value_has_none(function: int) -> None:
    """The logarithm of 0 is no reading, and no reason to stop."""
    record = _only(full_record(1, b"T", linearization=function))

    assert record.value(0) is None


def test_factors_that_vary_are_asked_for() -> None:
    """A sensor that is not linear has other factors at each reading."""
    record = _only(full_record(1, b"T", linearization=0x70))

    assert record.factors_vary
    assert record.value(10, Factors(m=2, b=1, b_exponent=0, exponent=0)) == 21.0


def test_a_compact_record_has_states_and_no_number() -> None:
    """And says which states it can tell."""
    record = _only(compact_record(0x61, b"PSU2 Status", mask=0x7F))

    assert (record.name, record.mask, record.factors) == ("PSU2 Status", 0x7F, None)
    assert record.value(7) is None


def test_an_event_only_record_cannot_be_read() -> None:
    """It names what stands in the event log."""
    record = _only(event_record(0, b"Watchdog2"))

    assert (record.name, record.sensor_type, record.readable) == ("Watchdog2", 0x23, False)


@pytest.mark.parametrize(
    ("sharing", "names"),
    [
        ((0x03, 0x01), ["DIMM1", "DIMM2", "DIMM3"]),
        ((0x13, 0x00), ["DIMMA", "DIMMB", "DIMMC"]),
        ((0x12, 0x19), ["DIMMZ", "DIMMAA"]),
        ((0x01, 0x00), ["DIMM"]),
        ((0x00, 0x00), ["DIMM"]),
    ],
)
def test_sensors_that_share_a_record_are_several(
    sharing: tuple[int, int], names: list[str]
) -> None:
    """Numbers in a row, and names with a number or a letter behind."""
    found = sensors_of(compact_record(0x10, b"DIMM", sharing=sharing))

    assert [each.name for each in found] == names
    assert [each.number for each in found] == list(range(0x10, 0x10 + len(names)))


def test_their_instances_may_count_too() -> None:
    """The top bit of the modifier says so."""
    found = sensors_of(compact_record(0x10, b"FAN", sharing=(0x02, 0x81), entity=(0x1D, 4)))

    assert [each.instance for each in found] == [4, 5]


@pytest.mark.parametrize("kind", [0x08, 0x11, 0x12, 0xC0])
def test_records_of_other_kinds_are_no_sensors(kind: int) -> None:
    """Associations, locators of FRUs and controllers, the maker's own."""
    assert sensors_of(bytes([1, 0, 0x51, kind, 4, 1, 2, 3, 4])) == ()


@given(st.binary(max_size=80))
def test_whatever_a_record_holds_it_is_read_or_refused(raw: bytes) -> None:
    """Nothing but ValueError or IndexError comes of rubbish, and names can be shown."""
    try:
        found = sensors_of(raw)
    except (ValueError, IndexError):
        found = ()

    assert all(each.name.isprintable() for each in found)


@given(st.binary(min_size=43, max_size=80), st.integers(0, 255))
def test_whatever_a_full_record_holds_its_value_is_finite_or_none(body: bytes, raw: int) -> None:
    """No infinity reaches anybody."""
    named = body[:42] + b"\xc0" + body[43:]

    (record,) = sensors_of(bytes([1, 0, 0x51, 1, len(named)]) + named)

    value = record.value(raw)
    assert value is None or math.isfinite(value)
