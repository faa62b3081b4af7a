"""Repository: fetches a BMC's sensor data records (SDR), and knows when to read them anew."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from gpuwatch.sources.bmc import gate
from gpuwatch.sources.bmc.link import NO_RESERVATION, NOT_PRESENT, Link, RefusedError, read
from gpuwatch.sources.bmc.records import HEADER, Record, sensors_of

RECORDS = 8_192  # more than any server has; a chain of records that runs in a circle ends here
_LAST = 0xFFFF
_WHOLE = 0xFF
_CHUNKS = (32, 16, 8)  # bytes that a BMC gives at once: not all give a record whole
_RESERVATIONS = 10
_CUT_SHORT = 0xCA  # cannot return so many bytes: some say it by giving fewer
_TOO_MUCH = frozenset({0xC7, 0xC8, 0xC9, _CUT_SHORT, 0xFF})
_HAS_REPOSITORY, _HAS_SENSORS = 0x02, 0x01
_SUPPORT_AT = 5
_IN_VAIN = 2  # then a time stamp that changes is believed no more, only another count
_COUNTED = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """Where records are kept: the repository of the server, or the controller's own."""

    info: gate.Command
    question: bytes
    reserve: gate.Command
    get: gate.Command


REPOSITORY = Kind(gate.GET_SDR_INFO, b"", gate.RESERVE_SDR, gate.GET_SDR)
OWN = Kind(gate.GET_DEVICE_SDR_INFO, b"\x01", gate.RESERVE_DEVICE_SDR, gate.GET_DEVICE_SDR)


class Repository:
    """The sensors of a BMC, read once and again whenever it says that they are others."""

    def __init__(self) -> None:
        self._mark: tuple[bytes, ...] | None = None
        self._in_vain = 0  # how often they were read anew and were the same
        self.sensors: dict[str, Record] = {}
        self.unreadable = 0  # records that make no sense, and were left out

    def refresh(self, link: Link, device: bytes) -> Iterator[None]:
        """Read what changed, with a pause between records for whoever must not wait.

        `device` is the answer to Get Device ID: another firmware or controller, other records.
        Raises RefusedError, and keeps what was read before.
        """
        kind = _kind(device)
        told = read(link, kind.info, kind.question, least=2)
        mark = (device, told if self._in_vain < _IN_VAIN else told[:_COUNTED])
        if mark == self._mark:
            return
        found: dict[str, Record] = {}
        unreadable = 0
        for raw in _Reader(link, kind).records():
            try:
                for sensor in sensors_of(raw):
                    # One number twice is a mistake of the BMC's; what can be read goes first.
                    if sensor.key not in found or not found[sensor.key].readable:
                        found[sensor.key] = sensor
            except (ValueError, IndexError):
                unreadable += 1
            yield
        if unreadable > self.unreadable:
            sys.stderr.write(f"{unreadable} sensor records make no sense and are left out\n")
        self._in_vain += found == self.sensors
        self.sensors, self.unreadable, self._mark = found, unreadable, mark


def _kind(device: bytes) -> Kind:
    """By the device's own word. One that says neither has, like most, a repository."""
    support = device[_SUPPORT_AT] if len(device) > _SUPPORT_AT else _HAS_REPOSITORY
    return OWN if support & _HAS_SENSORS and not support & _HAS_REPOSITORY else REPOSITORY


class _Reader:
    """Follows the chain of records, in parts where the BMC does not give them whole."""

    def __init__(self, link: Link, kind: Kind) -> None:
        self._link = link
        self._kind = kind
        self._reservation = b"\0\0"
        self._sizes = list(_CHUNKS)
        self._whole = True
        self._reservations = 0

    def records(self) -> Iterator[bytes]:
        """Every record. Raises RefusedError."""
        number, seen = 0, set[int]()
        while number != _LAST and number not in seen and len(seen) < RECORDS:
            seen.add(number)
            try:
                number, raw = self._record(number)
            except RefusedError as refused:
                if refused.code == NOT_PRESENT and len(seen) == 1:
                    return  # there are none
                raise
            seen.add(int.from_bytes(raw[:2], "little"))  # the first is asked for as number 0
            yield raw

    def _record(self, number: int) -> tuple[int, bytes]:
        """The next record's number and this record."""
        while True:
            try:
                if not self._whole:
                    return self._in_parts(number)
                following, raw = self._part(number, 0, _WHOLE)
                if len(raw) >= HEADER and len(raw) >= HEADER + raw[HEADER - 1]:
                    return following, raw
                self._yield_to(RefusedError(_CUT_SHORT))
            except RefusedError as refused:
                self._yield_to(refused)

    def _in_parts(self, number: int) -> tuple[int, bytes]:
        following, raw = self._part(number, 0, HEADER)
        if len(raw) < HEADER:
            raise RefusedError(None)
        length = HEADER + raw[HEADER - 1]
        while len(raw) < length:
            size = min(self._sizes[0], length - len(raw))
            more = self._part(number, len(raw), size)[1]
            if not more:
                raise RefusedError(None)
            raw += more
        return following, raw

    def _part(self, number: int, offset: int, size: int) -> tuple[int, bytes]:
        question = self._reservation + number.to_bytes(2, "little") + bytes([offset, size])
        data = read(self._link, self._kind.get, question, least=2)
        return int.from_bytes(data[:2], "little"), data[2:]

    def _yield_to(self, refused: RefusedError) -> None:
        """Do it the BMC's way next time. Raises what it cannot be done about."""
        if refused.code == NO_RESERVATION and self._reservations < _RESERVATIONS:
            self._reservations += 1
        elif refused.code in _TOO_MUCH and self._whole:
            self._whole = False
        elif refused.code in _TOO_MUCH and len(self._sizes) > 1:
            del self._sizes[0]
        else:
            raise refused
        if not self._whole:
            self._reservation = read(self._link, self._kind.reserve, least=2)[:2]
