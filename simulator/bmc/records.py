"""Records: sensors, locators and boards in the bytes of IPMI's SDR and FRU formats."""

import struct

from simulator.bmc.sensors import Analog, Discrete, Entity, Kind, Quirk, Sensor, Unit

BMC_ADDRESS = 0x20
SATELLITE_ADDRESS = 0x2C
_FULL, _COMPACT, _EVENT_ONLY, _FRU_LOCATOR, _MC_LOCATOR = 0x01, 0x02, 0x03, 0x11, 0x12
_END_OF_FIELDS = b"\xc1"
_MINUTES_SINCE_1996 = 15_000_000  # when the boards were made: July 2024


def _record(kind: int, body: bytes) -> bytes:
    return bytes([0, 0, 0x51, kind, len(body)]) + body


def _name(text: str) -> bytes:
    """A name in 8-bit characters behind its type and length."""
    characters = text.encode("latin-1")
    return bytes([0xC0 | len(characters)]) + characters


def _six_bit(text: str) -> bytes:
    """A name in the packed 6-bit code."""
    packed = sum(ord(letter) - 0x20 << 6 * place for place, letter in enumerate(text))
    size = -(-len(text) * 6 // 8)
    return bytes([0x80 | size]) + packed.to_bytes(size, "little")


def threshold_bytes(sensor: Analog) -> tuple[int, tuple[int, ...]]:
    """Which thresholds there are (bits), and their bytes from upper fatal to lower warning.

    The bits and bytes follow IPMI 2.0, table 43-1: bit 0 lower non-critical to bit 5 upper
    non-recoverable.
    """
    limits = sensor.limits
    by_bit = (
        limits.lower, limits.lower_critical, None, limits.upper, limits.upper_critical,
        limits.upper_fatal,
    )  # fmt: skip
    mask = sum(1 << bit for bit, limit in enumerate(by_bit) if limit is not None)
    values = [0 if limit is None else sensor.raw(limit) for limit in by_bit]
    return mask, (values[5], values[4], values[3], values[2], values[1], values[0])


def event_mask(sensor: Sensor) -> int:
    """The events that a sensor makes: lower thresholds going low, upper ones going high."""
    if isinstance(sensor, Discrete):
        return sensor.supported & 0x7FFF
    mask, _ = threshold_bytes(sensor)
    lower = sum(1 << 2 * bit for bit in range(3) if mask >> bit & 1)
    return lower | sum(1 << 2 * bit + 1 for bit in range(3, 6) if mask >> bit & 1)


def _full(sensor: Analog, name: bytes, owner: int = BMC_ADDRESS) -> bytes:
    mask, (upper_fatal, upper_critical, upper, lower_fatal, lower_critical, lower) = (
        threshold_bytes(sensor)
    )
    events = event_mask(sensor)
    body = bytes([owner, 0, sensor.number, sensor.entity, sensor.instance, 0x7F, 0x68])
    body += bytes([sensor.kind, sensor.reading])
    body += struct.pack("<HH", events | (mask & 7) << 12, events | (mask >> 3) << 12)
    body += bytes([mask, 0, 0, sensor.unit, 0, 0])
    body += bytes([sensor.multiplier & 0xFF, (sensor.multiplier >> 8 & 3) << 6, 0, 0, 0])
    body += bytes([(sensor.exponent & 0xF) << 4, 0, 0, 0, 0, 0xFF, 0])
    body += bytes([upper_fatal, upper_critical, upper, lower_fatal, lower_critical, lower])
    return _record(_FULL, body + bytes([1, 1, 0, 0, 0]) + name)


def _compact(sensor: Discrete) -> bytes:
    body = bytes([BMC_ADDRESS, 0, sensor.number, sensor.entity, sensor.instance, 0x67, 0x40])
    body += bytes([sensor.kind, sensor.reading])
    body += struct.pack("<HHH", *[sensor.supported & 0x7FFF] * 3)
    body += bytes([0xC0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    return _record(_COMPACT, body + _name(sensor.name))


def of_sensor(sensor: Sensor) -> bytes:
    """The SDR of a sensor."""
    if isinstance(sensor, Discrete):
        return _compact(sensor)
    return _full(sensor, _name(sensor.name))


def of_quirk(quirk: Quirk, sensor: Analog) -> bytes | None:
    """The SDR that a quirk brings, for the sensor that stands behind it; None for other quirks."""
    match quirk:
        case Quirk.SATELLITE:
            return _full(sensor, _name("ME Temp"), SATELLITE_ADDRESS)
        case Quirk.LATIN1:
            return _full(sensor, _name("Ansaugluft \xb0C"))
        case Quirk.SIXBIT:
            return _full(sensor, _six_bit("RISER 1 TEMP"))
        case Quirk.NO_NAME:
            return _full(sensor, _name(""))
        case _:
            return None


def of_controller() -> bytes:
    """The locator of the BMC itself."""
    body = bytes([BMC_ADDRESS, 0, 0, 0xBF, 0, 0, 0, 0x2E, 1, 0])
    return _record(_MC_LOCATOR, body + _name("BMC"))


def of_fru(number: int, name: str, entity: int, instance: int) -> bytes:
    """The locator of a FRU."""
    body = bytes([BMC_ADDRESS, number, 0x80, 0, 0, 0x10, 0, entity, instance, 0])
    return _record(_FRU_LOCATOR, body + _name(name))


def of_watchdog() -> bytes:
    """The watchdog: a sensor that makes events and cannot be read."""
    watchdog_kind = 0x23
    body = bytes([BMC_ADDRESS, 0, 0, 0x2E, 1, watchdog_kind, 0x6F, 1, 0, 0, 0])
    return _record(_EVENT_ONLY, body + _name("Watchdog2"))


def _area(body: bytes) -> bytes:
    body += _END_OF_FIELDS
    blocks = -(-(len(body) + 3) // 8)
    area = bytes([1, blocks]) + body
    area += bytes(blocks * 8 - 1 - len(area))
    return area + bytes([-sum(area) & 0xFF])


def fru(board: tuple[str, ...], product: tuple[str, ...] = ()) -> bytes:
    """A FRU of 256 bytes: the board's and the product's fields in the order of the FRU format."""
    english = b"\x19"
    made = struct.pack("<I", _MINUTES_SINCE_1996)[:3]
    board_area = _area(english + made + b"".join(map(_name, board)))
    product_area = _area(english + b"".join(map(_name, product))) if product else b""
    header = bytes([1, 0, 0, 1, 1 + len(board_area) // 8 if product else 0, 0, 0])
    content = header + bytes([-sum(header) & 0xFF]) + board_area + product_area
    return content.ljust(256, b"\0")


def event(
    sensor: Sensor, offset: int, *, asserted: bool = True, data: tuple[int, ...] = ()
) -> bytes:
    """The thirteen bytes of a SEL record for an event of a sensor; the time is the simulator's.

    `data` is event data 2 and 3 in the sensor's own meaning (a memory module, a reading).
    """
    threshold = sensor.reading == 0x01
    flags = 0 if not data else 0x50 if threshold else 0xA0
    padded = (*data, 0xFF, 0xFF)[:2]
    direction = sensor.reading | (0 if asserted else 0x80)
    return bytes(
        [
            *(0, 0, 0, 0, BMC_ADDRESS, 0, 4),
            *(sensor.kind, sensor.number, direction, flags | offset),
            *padded,
        ]
    )


def sensor_of_quirk(number: int, name: str, value: float) -> Analog:
    """The plain temperature that stands behind a quirk's SDR."""
    return Analog(
        number=number, name=name, kind=Kind.TEMPERATURE, entity=Entity.SYSTEM_BOARD, instance=9,
        unit=Unit.CELSIUS, value=value,
    )  # fmt: skip
