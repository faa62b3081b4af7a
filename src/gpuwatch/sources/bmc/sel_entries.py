"""SEL entries: reads a BMC's system event log from one record on, whole or in parts as it can."""

from collections.abc import Iterator

from gpuwatch.sources.bmc import gate
from gpuwatch.sources.bmc.link import NO_RESERVATION, NOT_PRESENT, Link, RefusedError, read

ENTRY_BYTES = 16
FIRST, _LAST = 0x0000, 0xFFFF
_MOST = 65_535
_WHOLE = 0xFF
_PADDING = b"\xff"  # what the specification has for bytes that say nothing
_PART = 8
_RESERVATIONS = 10
_TOO_MUCH = frozenset({0xC7, 0xC8, 0xC9, 0xCA, 0xFF})


def entries(link: Link, first: int) -> Iterator[bytes]:
    """Entries from one on, in the log's order, 16 bytes each. Raises RefusedError."""
    return _Reader(link).entries(first)


class _Reader:
    """Follows the chain of records, in parts where the BMC does not give them whole."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._whole = True
        self._reservation = b"\0\0"
        self._reservations = 0

    def entries(self, first: int) -> Iterator[bytes]:
        number, seen = first, set[int]()
        while number != _LAST and number not in seen and len(seen) < _MOST:
            seen.add(number)
            try:
                number, entry = self._entry(number)
            except RefusedError as refused:
                # Gone in the meantime, or an empty log; the next poll sees what became of it.
                if refused.code == NOT_PRESENT and (len(seen) > 1 or number == FIRST):
                    return
                raise
            seen.add(int.from_bytes(entry[:2], "little"))  # the first is asked for as number 0
            yield entry[:ENTRY_BYTES].ljust(ENTRY_BYTES, _PADDING)

    def _entry(self, number: int) -> tuple[int, bytes]:
        while True:
            try:
                if self._whole:
                    return self._part(number, 0, _WHOLE)
                following, begin = self._part(number, 0, _PART)
                return following, begin + self._part(number, _PART, ENTRY_BYTES - _PART)[1]
            except RefusedError as refused:
                if refused.code == NO_RESERVATION and self._reservations < _RESERVATIONS:
                    self._reservations += 1
                elif refused.code in _TOO_MUCH and self._whole:
                    self._whole = False
                else:
                    raise
                self._reservation = read(self._link, gate.RESERVE_SEL, least=2)[:2]

    def _part(self, number: int, offset: int, size: int) -> tuple[int, bytes]:
        question = self._reservation + number.to_bytes(2, "little") + bytes([offset, size])
        data = read(self._link, gate.GET_SEL_ENTRY, question, least=3)
        return int.from_bytes(data[:2], "little"), data[2:]
