"""Fields: every field of a sweep in one call, through one kept array that is parsed in one pass."""

import ctypes
import struct
from collections.abc import Callable, Iterator, Sequence

import pynvml

FUNCTION = "nvmlDeviceGetFieldValues"

# nvmlFieldValue_t: id, scope, timestamp, latency, value type, return code, value.
LAYOUT = struct.Struct("<IIqqIiQ")
_BITS_32 = 0xFFFF_FFFF
_UNSIGNED_LONG, _UNSIGNED_LONG_LONG = 2, 3  # NVML_VALUE_TYPE_*: need no conversion


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _double(value: int) -> float:
    number: float = struct.unpack("<d", struct.pack("<Q", value))[0]
    return number


# By NVML_VALUE_TYPE_*. The value is a union of eight bytes; a shorter member leaves the rest as is.
_CONVERSIONS: dict[int, Callable[[int], int | float]] = {
    0: _double,
    1: lambda value: value & _BITS_32,
    4: lambda value: _signed(value, 64),
    5: lambda value: _signed(value, 32),
    6: lambda value: value & 0xFFFF,
}


def parse(memory: bytes | memoryview) -> Iterator[tuple[int, int | float]]:
    """For each value of the array its own return code and, where that is 0, the value."""
    for _, _, _, _, kind, code, value in LAYOUT.iter_unpack(memory):
        if code or kind in (_UNSIGNED_LONG, _UNSIGNED_LONG_LONG):
            yield code, value
        else:
            yield code, _CONVERSIONS.get(kind, int)(value)


class FieldBatch:
    """The fields of one plan of one device: (id, scope) each, asked in one call."""

    def __init__(self, handle: pynvml.c_nvmlDevice_t, asked: Sequence[tuple[int, int]]) -> None:
        self._handle = handle
        self._count = ctypes.c_int32(len(asked))
        # A value that the driver leaves alone keeps this code: never the last sweep's value.
        unanswered = pynvml.NVML_ERROR_UNKNOWN
        self._blank = b"".join(
            LAYOUT.pack(number, scope, 0, 0, 0, unanswered, 0) for number, scope in asked
        )
        self._memory = ctypes.create_string_buffer(self._blank, len(self._blank))
        self._view = memoryview(self._memory)
        self._function = getattr(pynvml.nvmlLib, FUNCTION, None)

    def ask(self) -> Iterator[tuple[int, int | float]]:
        """What `parse` says of a fresh answer. Raises NVMLError when the call as a whole fails.

        Not through the binding's function of that name, which makes and types an array per call.
        """
        if self._function is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
        self._memory.raw = self._blank
        code = self._function(self._handle, self._count, self._memory)
        if code:
            raise pynvml.NVMLError(code)
        return parse(self._view)
