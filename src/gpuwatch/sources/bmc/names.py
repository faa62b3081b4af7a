"""Names: text as BMCs keep it, in the four codings of a type/length byte; nothing unprintable."""

from collections.abc import Sequence
from enum import IntEnum

_BCD_PLUS = "0123456789 -.:,_"
_SIX_BITS = 0x3F
_FIRST_OF_SIX = 0x20


class Coding(IntEnum):
    """The two top bits of a type/length byte (IPMI 2.0, 43.15; FRU storage definition, 13)."""

    UNICODE = 0  # in an SDR; in a FRU it is binary
    BCD_PLUS = 1
    SIX_BIT = 2
    LATIN = 3


def decode(coding: int, data: Sequence[int]) -> str:
    """The printable part of a text up to its first NUL, without spaces around it."""
    raw = bytes(data)
    if coding == Coding.BCD_PLUS:
        text = "".join(_BCD_PLUS[byte >> 4] + _BCD_PLUS[byte & 0xF] for byte in raw)
    elif coding == Coding.SIX_BIT:
        packed = int.from_bytes(raw, "little")
        count = len(raw) * 8 // 6
        text = "".join(
            chr(_FIRST_OF_SIX + (packed >> 6 * place & _SIX_BITS)) for place in range(count)
        )
    elif coding == Coding.UNICODE:
        text = _unicode(raw)
    else:
        text = raw.split(b"\0")[0].decode("latin-1")
    return "".join(each for each in text if each.isprintable()).strip()


def of_record(type_length: int, data: Sequence[int]) -> str:
    """The name in an SDR: five bits of length, and often padding behind it."""
    return decode(type_length >> 6, data[: type_length & 0x1F])


def _unicode(raw: bytes) -> str:
    """Which of Unicode's codings it is, the specification leaves open."""
    if len(raw) > 1 and not any(raw[1::2]):
        return raw.decode("utf-16-le", "ignore").split("\0")[0]
    raw = raw.split(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
