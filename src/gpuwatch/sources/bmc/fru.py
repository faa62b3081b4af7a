"""FRU: who made the server, which one it is, and its serial numbers, from the BMC's own inventory.

Layout: Platform Management FRU Information Storage Definition 1.0. pyghmi's reader loses the zeros
of numbers in BCD and fails at six-bit texts whose length is not a multiple of three bytes.
"""

from collections.abc import Iterator

from gpuwatch.sources.bmc import names
from gpuwatch.sources.bmc.gate import GET_FRU_INFO, READ_FRU
from gpuwatch.sources.bmc.link import Link, RefusedError, read

_CHUNKS = (128, 64, 32, 16)
_TOO_MUCH = frozenset({0xC7, 0xC8, 0xC9, 0xCA, 0xFF})
_LARGEST = 4096
_HEADER = 8
_BLOCK = 8
_END = 0xC1
_TERMINATORS = "\xfe\xff"  # some end a text so, against the specification

# By the place of an area's offset in the header: where its texts begin, and their names in order.
_AREAS = {
    2: (3, ("chassis_part", "chassis_serial")),
    3: (6, ("board_manufacturer", "board_product", "board_serial", "board_part")),
    4: (3, ("manufacturer", "product", "part", "version", "serial", "asset")),
}


def fetch(link: Link, number: int = 0) -> bytes:
    """The contents of a FRU device. Raises RefusedError."""
    information = read(link, GET_FRU_INFO, [number], least=3)
    size = min(int.from_bytes(information[:2], "little"), _LARGEST)
    unit = 2 if information[2] & 1 else 1  # offsets and counts may be in words
    chunks = list(_CHUNKS)
    found = b""
    while len(found) < size:
        wanted = min(chunks[0], size - len(found))
        offset = (len(found) // unit).to_bytes(2, "little")
        question = bytes([number]) + offset + bytes([max(wanted // unit, 1)])
        try:
            part = read(link, READ_FRU, question, least=1)[1:]
        except RefusedError as refused:
            if refused.code not in _TOO_MUCH or len(chunks) == 1:
                raise
            del chunks[0]
            continue
        if not part:
            break
        found += part
    return found


def parse(raw: bytes) -> dict[str, str]:
    """Its texts by name; those that are empty or cannot be read are left out."""
    if len(raw) < _HEADER or raw[0] & 0x0F != 1:
        return {}
    found: dict[str, str] = {}
    for place, (begin, fields) in _AREAS.items():
        if offset := raw[place] * _BLOCK:
            texts = _texts(raw[offset + begin :])
            found |= {name: text for name, text in zip(fields, texts, strict=False) if text}
    return found


def _texts(area: bytes) -> Iterator[str]:
    while area and area[0] != _END:
        length = area[0] & 0x3F
        coding, text = area[0] >> 6, area[1 : 1 + length]
        # Binary is nothing to show.
        yield names.decode(coding, text).rstrip(_TERMINATORS).strip() if coding else ""
        area = area[1 + length :]
