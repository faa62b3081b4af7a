"""An IPMI link for tests: a BMC in this process that answers what it is told to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gpuwatch.sources.bmc.gate import GET_SDR, GET_SDR_INFO, GET_SEL_ENTRY, RESERVE_SDR, RESERVE_SEL
from gpuwatch.sources.bmc.gate import Command as Code
from gpuwatch.sources.bmc.link import Answer

Reply = Answer | bytes | int
Handler = Callable[[bytes], Reply]
NOT_PRESENT, TOO_MUCH, NO_RESERVATION = 0xCB, 0xCA, 0xC5
_WHOLE = 0xFF


class FakeLink:
    """Answers each command by its handler, others with "invalid command". Keeps what it was asked.

    A handler gives an answer, bytes for one that succeeded, or a completion code.
    """

    cipher_suite: int | None = 17

    def __init__(self, handlers: dict[Code, Handler | Reply] | None = None) -> None:
        self.handlers: dict[Code, Handler | Reply] = handlers or {}
        self.asked: list[tuple[Code, bytes, int]] = []
        self.alive = True
        self.closed = 0
        self.rested: list[float] = []

    def ask(self, command: Code, data: Sequence[int] = (), lun: int = 0) -> Answer:
        """By the handler."""
        self.asked.append((command, bytes(data), lun))
        handler = self.handlers.get(command, 0xC1)
        reply = handler(bytes(data)) if callable(handler) else handler
        if isinstance(reply, int):
            return Answer(reply, b"")
        return Answer(0, reply) if isinstance(reply, bytes) else reply

    def rest(self, seconds: float) -> None:
        """Note it."""
        self.rested.append(seconds)

    def close(self) -> None:
        """Count."""
        self.closed += 1
        self.alive = False

    def commands(self) -> list[Code]:
        """What was asked, in order."""
        return [command for command, _, _ in self.asked]


@dataclass
class Chain:
    """Records that are read one after the other, whole or in parts: an SDR repository or a SEL.

    `limit` are the bytes that it gives at once, `cancels` how many reservations it takes back.
    """

    records: dict[int, bytes] = field(default_factory=dict)
    limit: int = 255
    cancels: int = 0
    needs_reservation: bool = True
    refused: dict[int, int] = field(default_factory=dict)
    _reservation: int = 0

    def get(self, data: bytes) -> Reply:
        """Get SDR, or Get SEL Entry."""
        reservation, asked = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
        offset, size = data[4], data[5]
        numbers = list(self.records)
        number = asked or (numbers[0] if numbers else 0)
        if number not in self.records:
            return NOT_PRESENT
        if number in self.refused:
            return self.refused[number]
        record = self.records[number]
        wanted = len(record) if size == _WHOLE else size
        if wanted > self.limit:
            return TOO_MUCH
        if offset and reservation != self._reservation:
            return NO_RESERVATION
        if offset and self.cancels:
            self.cancels -= 1
            self._reservation += 1
            return NO_RESERVATION
        place = numbers.index(number) + 1
        following = numbers[place] if place < len(numbers) else 0xFFFF
        return following.to_bytes(2, "little") + record[offset : offset + wanted]

    def reserve(self, _data: bytes) -> Reply:
        """Reserve it."""
        self._reservation += 1
        return self._reservation.to_bytes(2, "little")

    def as_repository(self, info: Handler | Reply) -> dict[Code, Handler | Reply]:
        """Handlers of an SDR repository."""
        return {GET_SDR_INFO: info, GET_SDR: self.get, RESERVE_SDR: self.reserve}

    def as_log(self) -> dict[Code, Handler | Reply]:
        """Handlers of a SEL."""
        return {GET_SEL_ENTRY: self.get, RESERVE_SEL: self.reserve}


def full_record(
    number: int, name: bytes, *, coding: int = 3, padding: bytes = b"", units: int = 0,
    factors: bytes = b"\x01\0\0\0\0\0", linearization: int = 0, owner: int = 0x20,
    sensor_type: int = 1, reading_type: int = 1, base: int = 1, record: int = 0,
) -> bytes:  # fmt: skip
    """A full sensor record (IPMI 2.0, table 43-1)."""
    body = bytes([owner, 0, number, 7, 1, 0x7F, 0x68, sensor_type, reading_type])
    body += bytes(4) + b"\x3f\x3f" + bytes([units, base, 0, linearization]) + factors
    body += bytes(42 - len(body)) + bytes([coding << 6 | len(name)]) + name + padding
    return (record or number).to_bytes(2, "little") + bytes([0x51, 1, len(body)]) + body


def compact_record(
    number: int, name: bytes, *, sensor_type: int = 8, reading_type: int = 0x6F, mask: int = 0xFF,
    sharing: tuple[int, int] = (1, 0), entity: tuple[int, int] = (0x0A, 1),
) -> bytes:  # fmt: skip
    """A compact sensor record (IPMI 2.0, table 43-2)."""
    body = bytes([0x20, 0, number, *entity, 0x67, 0x40, sensor_type, reading_type])
    body += bytes(4) + mask.to_bytes(2, "little") + b"\xc0\0\0" + bytes(sharing)
    body += bytes(26 - len(body)) + bytes([0xC0 | len(name)]) + name
    return number.to_bytes(2, "little") + bytes([0x51, 2, len(body)]) + body


def event_record(number: int, name: bytes, *, sharing: tuple[int, int] = (1, 0)) -> bytes:
    """An event-only record (IPMI 2.0, table 43-3)."""
    body = bytes([0x20, 0, number, 0x2E, 1, 0x23, 0x6F, *sharing, 0, 0, 0xC0 | len(name)]) + name
    return number.to_bytes(2, "little") + bytes([0x51, 3, len(body)]) + body


def sel_entry(
    number: int, stamp: int = 1_700_000_000, *, sensor: int = 0x61, sensor_type: int = 8,
    event: int = 0x6F, data: bytes = b"\x03\xff\xff", generator: int = 0x20,
) -> bytes:  # fmt: skip
    """A standard entry of the event log (IPMI 2.0, table 32-1)."""
    head = number.to_bytes(2, "little") + b"\x02" + stamp.to_bytes(4, "little")
    return head + bytes([generator, 0, 4, sensor_type, sensor, event]) + data
