"""FRU: who made a server, and its serial numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.bmc.fru import fetch, parse
from gpuwatch.sources.bmc.gate import GET_FRU_INFO, READ_FRU
from gpuwatch.sources.bmc.link import RefusedError
from tests.support.ipmi_link import TOO_MUCH, FakeLink


def _text(text: str) -> bytes:
    return bytes([0xC0 | len(text)]) + text.encode("latin-1")


def _area(head: bytes, texts: list[bytes]) -> bytes:
    body = b"\x01\x00" + head + b"".join(texts) + b"\xc1"
    return body + bytes(-len(body) % 8)


CHASSIS = _area(b"\x17", [_text("CH-PART"), _text("CH-SERIAL")])
BOARD = _area(
    b"\x19\0\0\0", [_text("Acme"), _text("GPU Baseboard"), _text("SN-BRD-1"), _text("PN-1")]
)
PRODUCT = _area(
    b"\x19", [_text("Acme"), _text("GS8"), _text("GS8-H"), _text("1.0"), _text("SN-SYS-1")]
)
HEADER = bytes([1, 0, 1, 1 + len(CHASSIS) // 8, 1 + (len(CHASSIS) + len(BOARD)) // 8, 0, 0, 0])
WHOLE = HEADER + CHASSIS + BOARD + PRODUCT


def _device(contents: bytes, limit: int = 255, *, words: bool = False) -> FakeLink:
    unit = 2 if words else 1

    def answer(data: bytes) -> bytes | int:
        offset, count = int.from_bytes(data[1:3], "little") * unit, data[3] * unit
        if count > limit:
            return TOO_MUCH
        part = contents[offset : offset + count]
        return bytes([len(part) // unit]) + part

    size = len(contents).to_bytes(2, "little") + bytes([words])
    return FakeLink({GET_FRU_INFO: size, READ_FRU: answer})


def test_every_area_is_read() -> None:
    """Chassis, board and product, each text by its place."""
    found = parse(WHOLE)

    assert found == {
        "chassis_part": "CH-PART",
        "chassis_serial": "CH-SERIAL",
        "board_manufacturer": "Acme",
        "board_product": "GPU Baseboard",
        "board_serial": "SN-BRD-1",
        "board_part": "PN-1",
        "manufacturer": "Acme",
        "product": "GS8",
        "part": "GS8-H",
        "version": "1.0",
        "serial": "SN-SYS-1",
    }


@pytest.mark.parametrize("limit", [255, 64, 40, 16])
def test_contents_are_read_whatever_the_bmc_gives_at_once(limit: int) -> None:
    """In smaller parts where it refuses large ones."""
    assert fetch(_device(WHOLE, limit)) == WHOLE


def test_a_device_that_counts_in_words_is_read() -> None:
    """Its offsets and counts are half of the bytes."""
    assert fetch(_device(WHOLE, words=True)) == WHOLE


def test_a_device_that_gives_nothing_at_once_is_given_up() -> None:
    """It is refused, and asked again another time."""
    with pytest.raises(RefusedError):
        fetch(_device(WHOLE, limit=4))


def test_a_device_that_is_shorter_than_it_says_ends() -> None:
    """What there is is read."""
    link = _device(WHOLE)
    link.handlers[GET_FRU_INFO] = b"\xff\x0f\0"

    assert fetch(link) == WHOLE


@pytest.mark.parametrize(
    ("text", "serial"),
    [
        (b"\x45\x01\x23\x45\x67\x89", "0123456789"),  # BCD: the leading zero stays
        (b"\x82\x29\xdc", "IP"),  # six-bit, no multiple of three bytes
        (b"\x04\xde\xad\xbe\xef", None),  # binary
        (b"\xc6AB  \xfe\xff", "AB"),
        (b"\xc0", None),
        (b"\xc6A\xb5C\0\0\0", "AµC"),
    ],
)
def test_every_coding_of_a_text_is_read(text: bytes, serial: str | None) -> None:
    """What is empty or cannot be shown is left out."""
    area = _area(b"\x19", [*map(_text, ("Acme", "GS8", "GS8-H", "1.0")), text])

    assert parse(bytes([1, 0, 0, 0, 1, 0, 0, 0]) + area).get("serial") == serial


@pytest.mark.parametrize("raw", [b"", b"\xff" * 64, HEADER, WHOLE[:20], bytes(64)])
def test_what_is_no_inventory_says_nothing(raw: bytes) -> None:
    """An empty device, one that was never written, one cut off."""
    assert set(parse(raw)) <= {"chassis_part"}


@given(st.binary(max_size=200))
def test_no_contents_stop_us(raw: bytes) -> None:
    """Whatever a device holds: texts that can be shown, or none."""
    found = parse(b"\x01" + raw)

    assert all(text and text.isprintable() for text in found.values())
