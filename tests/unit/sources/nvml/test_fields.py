"""The array of field values is parsed in one pass, each value by its own type and return code."""

import ctypes
import struct

import pynvml

from gpuwatch.sources.nvml.fields import LAYOUT, parse


def _value(kind: int, raw: bytes, code: int = 0) -> bytes:
    (number,) = struct.unpack("<Q", raw.ljust(8, b"\0"))
    return LAYOUT.pack(94, 0, 1, 2, kind, code, number)


def test_the_layout_is_the_binding_s() -> None:
    """A structure that grew would shift every value."""
    members = pynvml.c_nvmlFieldValue_t._fields_

    assert LAYOUT.size == ctypes.sizeof(pynvml.c_nvmlFieldValue_t)
    assert [member[0] for member in members] == [
        "fieldId",
        "scopeId",
        "timestamp",
        "latencyUsec",
        "valueType",
        "nvmlReturn",
        "value",
    ]


def test_each_value_is_read_by_its_type() -> None:
    """Double, unsigned int, long, long long, signed long long, signed int, unsigned short."""
    memory = b"".join(
        (
            _value(0, struct.pack("<d", 0.25)),
            _value(1, struct.pack("<I", 4_000_000_000)),
            _value(2, struct.pack("<Q", 2**40)),
            _value(3, struct.pack("<Q", 2**63 + 1)),
            _value(4, struct.pack("<q", -5)),
            _value(5, struct.pack("<i", -6)),
            _value(6, struct.pack("<H", 65_000)),
        )
    )

    assert [value for _, value in parse(memory)] == [
        0.25,
        4_000_000_000,
        2**40,
        2**63 + 1,
        -5,
        -6,
        65_000,
    ]


def test_what_a_shorter_member_left_in_the_union_is_ignored() -> None:
    """Only the first four bytes belong to an unsigned int."""
    assert list(parse(_value(1, b"\x07\0\0\0\xff\xff\xff\xff"))) == [(0, 7)]


def test_a_refused_value_keeps_its_own_code() -> None:
    """The batch succeeds, and the second of its values is not supported."""
    memory = _value(3, b"\x05") + _value(3, b"\x09", code=3)

    assert [code for code, _ in parse(memory)] == [0, 3]
