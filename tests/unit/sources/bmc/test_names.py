"""Names: texts as BMCs keep them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.bmc.names import Coding, decode, of_record

SIX_BIT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x5F), max_size=20)
BCD = st.text(st.sampled_from("0123456789 -.:,_"), max_size=20)


def _packed(text: str) -> bytes:
    """Six bits a character, the first in the lowest."""
    whole = sum((ord(each) - 0x20) << 6 * place for place, each in enumerate(text))
    return whole.to_bytes(-(-len(text) * 6 // 8), "little")


def _nibbles(text: str) -> bytes:
    even = text + " " * (len(text) % 2)
    digits = ["0123456789 -.:,_".index(each) for each in even]
    return bytes(a << 4 | b for a, b in zip(digits[::2], digits[1::2], strict=True))


@pytest.mark.parametrize(
    ("coding", "data", "text"),
    [
        (Coding.LATIN, b"GPU0 Temp", "GPU0 Temp"),
        (Coding.LATIN, b"Inlet \xb0C", "Inlet °C"),
        (Coding.LATIN, b"FAN1\0\0\0junk", "FAN1"),
        (Coding.LATIN, b"  two\x01  words \n", "two  words"),
        (Coding.LATIN, b"", ""),
        (Coding.SIX_BIT, b"\x29\xdc\xa6", "IPMI"),
        (Coding.SIX_BIT, b"\x29", "I"),
        (Coding.BCD_PLUS, b"\x05\x1b\x2c\xd3", "051-2.:3"),
        (Coding.UNICODE, "Lüfter".encode(), "Lüfter"),
        (Coding.UNICODE, "FAN".encode("utf-16-le"), "FAN"),
        (Coding.UNICODE, b"\xb0C", "°C"),
    ],
)
def test_every_coding_is_read(coding: Coding, data: bytes, text: str) -> None:
    """With what is not printable left out, and without padding."""
    assert decode(coding, data) == text


@given(SIX_BIT)
def test_a_packed_text_comes_back(text: str) -> None:
    """Whatever its length: pyghmi loops for ever on some, and fails on others."""
    assert decode(Coding.SIX_BIT, _packed(text)) == text.strip()


@given(BCD)
def test_numbers_in_bcd_keep_their_zeros(text: str) -> None:
    """Both digits of every byte are read."""
    assert decode(Coding.BCD_PLUS, _nibbles(text)) == text.strip()


@given(st.integers(0, 3), st.binary(max_size=64))
def test_no_bytes_can_make_a_name_unprintable(coding: int, data: bytes) -> None:
    """Whatever a BMC keeps, it ends, and it can be shown."""
    text = decode(coding, data)

    assert text.isprintable()
    assert text == text.strip()


@given(st.integers(0, 255), st.binary(max_size=80))
def test_a_record_says_how_long_its_name_is(type_length: int, data: bytes) -> None:
    """What stands behind it is padding, which is not looked at."""
    length = type_length & 0x1F

    assert of_record(type_length, data) == decode(type_length >> 6, data[:length])
