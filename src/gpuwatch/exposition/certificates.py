"""Certificates: when one is valid, read from its own bytes (X.509 in DER, RFC 5280 4.1)."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

_VERSION, _UTC_TIME = 0xA0, 0x17
_LONG_FORM = 0x80
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
# Two-digit years from here on are of the twentieth century (RFC 5280 4.1.2.5.1).
_CENTURY_TURNS = 50

_Element = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Validity:
    """When a certificate is valid; Unix seconds."""

    begin: float
    end: float


def validity_of(pem: str) -> Validity:
    """The validity of the first certificate of a file. Raises ValueError."""
    begin, end = pem.find(_BEGIN), pem.find(_END)
    if begin < 0 or end < begin:
        raise ValueError("holds no certificate")
    try:
        certificate = _elements(ssl.PEM_cert_to_DER_cert(pem[begin : end + len(_END)]))[0][1]
        fields = _elements(_elements(certificate)[0][1])
        # Then the serial number, the algorithm, the issuer, and the times from and until.
        times = _elements(fields[4 if fields[0][0] == _VERSION else 3][1])
        return Validity(_time(*times[0]), _time(*times[1]))
    except IndexError as error:
        raise ValueError("holds a certificate that is cut off") from error


def _elements(content: bytes) -> list[_Element]:
    """The tag and the content of each element that stands in `content`, one after the other."""
    found, at = [], 0
    while at < len(content):
        tag, length, at = content[at], content[at + 1], at + 2
        if length >= _LONG_FORM:
            width = length - _LONG_FORM
            length, at = int.from_bytes(content[at : at + width], "big"), at + width
        found.append((tag, content[at : at + length]))
        at += length
    return found


def _time(tag: int, content: bytes) -> float:
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= _CENTURY_TURNS else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
