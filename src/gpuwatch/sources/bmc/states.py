"""States: what the bits of a sensor mean, in words, and how grave each is.

Words and gravity are those of pyghmi's tables (IPMI 2.0, tables 42-2 and 42-3), but for the few
that `_GRAVITY` corrects. Gravity is its bit mask: 1 warning, 2 critical, 4 failed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pyghmi.ipmi.private import constants

from gpuwatch.sources.bmc.records import INVERSE, SENSOR_SPECIFIC, THRESHOLD, Record

OK, WARNING, CRITICAL, FAILED = 0, 1, 2, 4
BITS = 15

# By sensor type and offset, where pyghmi's own is too mild or too grave for a server of GPUs.
_GRAVITY: Mapping[tuple[int, int], int] = {
    (0x05, 4): WARNING,  # a LAN cable that is out is no intrusion
    (0x08, 2): WARNING,  # a supply that predicts its failure still supplies
    (0x09, 3): WARNING,  # interlock power down
    (0x10, 4): WARNING,  # the log is full: what happens now is not written down
    (0x1E, 2): WARNING,  # no answer to a network boot
    (0x1E, 4): WARNING,
    (0x23, 1): WARNING,  # the watchdog reset the host, switched it off, or both
    (0x23, 2): WARNING,
    (0x23, 3): WARNING,
}
_THRESHOLDS = ("non-critical", "critical", "non-recoverable")
_GRAVITIES = (WARNING, CRITICAL, FAILED)


def thresholds(record: Record, bits: int) -> tuple[list[str], int]:
    """Which thresholds a reading is beyond, and how grave that is."""
    words, gravity = [], OK
    for bit in range(2 * len(_THRESHOLDS)):
        if bits >> bit & 1:
            level = bit % len(_THRESHOLDS)
            above = (bit >= len(_THRESHOLDS)) is not (record.linearization == INVERSE)
            side = "above upper" if above else "below lower"
            words.append(f"{side} {_THRESHOLDS[level]} threshold")
            gravity |= _GRAVITIES[level]
    return words, gravity


def discrete(record: Record, bits: int) -> tuple[list[str], int | None]:
    """Which states hold; the gravity is None when nobody knows what one of them means."""
    words, gravity, unknown = [], OK, False
    for offset in _asserted(bits):
        told = meaning(record.sensor_type, record.reading_type, offset)
        unknown |= told is None
        words.append(f"state {offset}" if told is None else told[0])
        gravity |= OK if told is None else told[1]
    return words, None if unknown and not gravity else gravity


def meaning(sensor_type: int, reading_type: int, offset: int) -> tuple[str, int] | None:
    """A state's words and gravity, None for one that only the maker knows."""
    table = _table(sensor_type, reading_type)
    row = table.get(offset)
    if row is None:
        return None
    gravity = int(row["severity"])
    if reading_type == SENSOR_SPECIFIC:
        gravity = _GRAVITY.get((sensor_type, offset), gravity)
    return str(row["desc"]), gravity


def _table(sensor_type: int, reading_type: int) -> Mapping[int, Mapping[str, Any]]:
    if reading_type == SENSOR_SPECIFIC:
        return constants.sensor_type_offsets.get(sensor_type, {})
    return constants.generic_type_offsets.get(reading_type, {})


def _asserted(bits: int) -> Iterator[int]:
    return (offset for offset in range(BITS) if bits >> offset & 1)


def is_threshold(record: Record) -> bool:
    """Whether its bits compare a number with thresholds."""
    return record.reading_type == THRESHOLD
