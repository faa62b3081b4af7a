"""A row's reader takes its value out of what the call answered, or says that there is none."""

from types import SimpleNamespace

import pynvml
import pytest

from gpuwatch.domain.signals import Cadence, Call, Keep, Kind, Signal
from gpuwatch.domain.units import Unit
from gpuwatch.sources.nvml.readers import raw_taker, reader, taker

UNSUPPORTED = ("unsupported", None)
_PLAIN = Signal(
    name="gpuwatch_gpu_example",
    kind=Kind.GAUGE,
    unit=Unit.COUNT,
    query=Call("nvmlDeviceGetExample"),
    help="An example.",
    every=Cadence.FAST,
    keep=Keep.NEVER,
)


def _row(**facts: object) -> Signal:
    kept = {name: getattr(_PLAIN, name) for name in _PLAIN.__slots__}
    return Signal(**(kept | facts))


def _read(row: Signal, answer: object) -> object:
    return reader(row, taker(row.pick))(answer)


def test_an_answer_is_the_value() -> None:
    """The common case."""
    assert _read(_row(), 71) == 71


def test_a_sentinel_is_no_reading() -> None:
    """What the board says instead of "I cannot tell" never becomes a number."""
    assert _read(_row(absent=(0, 0xFFFF_FFFF)), 0xFFFF_FFFF) == UNSUPPORTED


def test_a_member_is_picked_by_name() -> None:
    """From a structure."""
    assert _read(_row(pick="used"), SimpleNamespace(used=51, free=29)) == 51


def test_a_picked_sentinel_is_no_reading() -> None:
    """Also when it stands in a structure."""
    assert _read(_row(pick="used", absent=(7,)), SimpleNamespace(used=7)) == UNSUPPORTED


def test_an_item_is_picked_by_number() -> None:
    """From a list: the second is pending, the first is current."""
    assert _read(_row(pick=1), [0, 1]) == 1


@pytest.mark.parametrize(("answer", "expected"), [(0x44, 1), (0x40, 1), (0x04, 0), (0, 0)])
def test_a_bit_reads_one_while_it_is_set(answer: int, expected: int) -> None:
    """Of a mask of reasons."""
    assert _read(_row(bit=0x40), answer) == expected


@pytest.mark.parametrize(
    ("mask", "expected"), [(0b01_1000, 1), (0b10_0111, 0), (0b00_1111, UNSUPPORTED)]
)
def test_an_aspect_is_a_number_inside_a_mask(mask: int, expected: object) -> None:
    """Two bits of it: 0 is not told, 1 is true, 2 is false."""
    row = _row(pick="healthMask", bits=(4, 0x3), absent=(0,), equals=(1,))

    assert _read(row, SimpleNamespace(healthMask=mask)) == expected


def test_what_is_below_the_least_is_no_reading() -> None:
    """A margin of 0 or less stands for "cannot tell" on some boards."""
    row = _row(least=1)

    assert [_read(row, margin) for margin in (-3, 0, 1)] == [UNSUPPORTED, UNSUPPORTED, 1]


def test_a_value_means_something_only_under_its_condition() -> None:
    """The status of a registration that is not complete is nobody's success."""
    row = _row(pick="status", equals=(0,), given=("state", 3))

    read = [_read(row, SimpleNamespace(status=s, state=t)) for s, t in ((0, 3), (5, 3), (0, 2))]

    assert read == [1, 0, UNSUPPORTED]


def test_a_call_that_says_only_fine_reads_one() -> None:
    """Its error codes are the other answers."""
    assert _read(_row(answers=((14, 0),)), None) == 1


def test_bytes_beyond_ascii_stay_visible() -> None:
    """Some boards have them in their serial numbers; decoding must neither fail nor lose them."""
    row = _row(kind=Kind.TEXT, pick="chassis")

    assert _read(row, SimpleNamespace(chassis=b"18\xb8A")) == "18\\xb8A"


def test_a_character_is_a_raw_number() -> None:
    """The binding types slot 200 as a character, and decodes it when it is asked by name."""
    platform = pynvml.c_nvmlPlatformInfo_v2_t()
    platform.slotNumber = b"\xc8"
    row = _row(kind=Kind.TEXT, pick="slotNumber")

    assert reader(row, raw_taker(type(platform), "slotNumber"))(platform) == 200


def test_characters_that_are_no_text_are_read_raw() -> None:
    """The same of a serial number with a stray byte."""
    platform = pynvml.c_nvmlPlatformInfo_v2_t()
    platform.chassisSerialNumber = b"18\xb8A"
    row = _row(kind=Kind.TEXT, pick="chassisSerialNumber")

    assert reader(row, raw_taker(type(platform), "chassisSerialNumber"))(platform) == "18\\xb8A"


def test_a_text_row_keeps_a_raw_number() -> None:
    """The recovery action is published by its meaning, which depends on the driver."""
    assert _read(_row(kind=Kind.TEXT), 0xFFFF_FFFF) == 0xFFFF_FFFF
