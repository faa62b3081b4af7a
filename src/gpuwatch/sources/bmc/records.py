"""Records: what the BMC's sensor data records (SDR) say of its sensors, decoded.

Layouts are those of IPMI 2.0, section 43; indices count from behind the five bytes of the header.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpuwatch.sources.bmc import names

FULL, COMPACT, EVENT_ONLY = 0x01, 0x02, 0x03
HEADER = 5
THRESHOLD = 0x01  # the reading type of a sensor with thresholds
SENSOR_SPECIFIC = 0x6F
_VERSION = 0x51
_NAME_AT = {FULL: 42, COMPACT: 26, EVENT_ONLY: 11}
_NO_NUMBER = 3  # the analog data format of a sensor that gives states only
_LINEAR_TO = 11  # beyond it the factors depend on the reading and are asked for each time
INVERSE = 7  # 1/x: above and below change places
_ALPHA_MODIFIER = 1


@dataclass(frozen=True, slots=True)
class Factors:
    """y = f((m x + b 10^b_exponent) 10^exponent)."""

    m: int
    b: int
    b_exponent: int
    exponent: int

    @classmethod
    def parse(cls, raw: Sequence[int]) -> "Factors":
        """Six bytes as a full record and Get Sensor Reading Factors have them."""
        return cls(
            m=_signed(raw[0] | (raw[1] & 0xC0) << 2, 10),
            b=_signed(raw[2] | (raw[3] & 0xC0) << 2, 10),
            b_exponent=_signed(raw[5] & 0xF, 4),
            exponent=_signed(raw[5] >> 4, 4),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Codes of table 43-15. `joined` is "", "/" or "*": how base and modifier go together."""

    base: int = 0
    modifier: int = 0
    joined: str = ""
    rate: int = 0
    percent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One sensor. `mask` are the states it can tell, `factors` None for one without a number."""

    record: int
    kind: int
    owner: int
    lun: int
    number: int
    entity: int
    instance: int
    sensor_type: int
    reading_type: int
    name: str
    mask: int = 0
    units: Units = Units()
    number_format: int = _NO_NUMBER
    linearization: int = 0
    factors: Factors | None = None

    @property
    def key(self) -> str:
        """What makes it this sensor for as long as the BMC keeps its numbers."""
        return f"{self.owner:02x}.{self.lun}.{self.number:02x}"

    @property
    def readable(self) -> bool:
        """Whether it has a reading, or appears in events only."""
        return self.kind != EVENT_ONLY

    @property
    def factors_vary(self) -> bool:
        """Whether they have to be asked for, for every reading."""
        return self.linearization > _LINEAR_TO

    def value(self, raw: int, factors: Factors | None = None) -> float | None:
        """A reading in the sensor's unit; None where its formula has no answer."""
        factors = factors or self.factors
        if factors is None:
            return None
        number = _from_format(raw, self.number_format)
        scaled = factors.m * number + factors.b * 10.0**factors.b_exponent
        line = scaled * 10.0**factors.exponent
        try:
            value = float(_FUNCTIONS.get(self.linearization, _identity)(line))
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        return round(value, 6) if math.isfinite(value) else None


def _identity(x: float) -> float:
    return x


def _cube_root(x: float) -> float:
    return math.copysign(abs(x) ** (1 / 3), x)


_FUNCTIONS = {
    1: math.log,
    2: math.log10,
    3: math.log2,
    4: math.exp,
    5: lambda x: 10.0**x,
    6: lambda x: 2.0**x,
    INVERSE: lambda x: 1 / x,
    8: lambda x: x**2,
    9: lambda x: x**3,
    10: math.sqrt,
    11: _cube_root,
}


def sensors_of(raw: bytes) -> tuple[Record, ...]:
    """The sensors that one record describes: none, one, or several that share it.

    Raises ValueError for a record that breaks off or whose version nobody knows.
    """
    kind = raw[3] if len(raw) > HEADER else 0
    name_at = _NAME_AT.get(kind)
    if name_at is None:
        return ()
    body = raw[HEADER : HEADER + raw[4]]
    if raw[2] != _VERSION or len(body) <= name_at:
        raise ValueError(f"record {raw.hex()} cannot be read")
    name = names.of_record(body[name_at], body[name_at + 1 :])
    typed_at = 5 if kind == EVENT_ONLY else 7
    record = Record(
        record=int.from_bytes(raw[:2], "little"),
        kind=kind,
        owner=body[0],
        lun=body[1] & 0x03,
        number=body[2],
        entity=body[3],
        instance=body[4] & 0x7F,
        sensor_type=body[typed_at],
        reading_type=body[typed_at + 1] & 0x7F,
        name=name,
    )
    if kind == EVENT_ONLY:
        return _shared(record, body[7], body[8])
    record = replace(record, mask=int.from_bytes(body[13:15], "little"), units=_units(body))
    return (_with_number(record, body),) if kind == FULL else _shared(record, body[18], body[19])


def _units(body: bytes) -> Units:
    return Units(
        base=body[16],
        modifier=body[17],
        joined={1: "/", 2: "*"}.get(body[15] >> 1 & 0x03, ""),
        rate=body[15] >> 3 & 0x07,
        percent=bool(body[15] & 1),
    )


def _with_number(record: Record, body: bytes) -> Record:
    """A full record's formula; a discrete sensor may have one, and then its unit says so."""
    form = body[15] >> 6
    numeric = record.reading_type == THRESHOLD or form in (1, 2) or record.units.base
    if form == _NO_NUMBER or not numeric:
        return record
    return replace(
        record,
        number_format=form,
        linearization=body[18] & 0x7F,
        factors=Factors.parse(body[19:25]),
    )


def _shared(record: Record, sharing: int, modifier: int) -> tuple[Record, ...]:
    """All sensors of a record that several share: numbers in a row, names with a number behind."""
    count = sharing & 0x0F
    if count <= 1:
        return (record,)
    first = modifier & 0x7F
    alpha = sharing >> 4 & 0x03 == _ALPHA_MODIFIER
    return tuple(
        replace(
            record,
            number=record.number + place & 0xFF,
            instance=record.instance + (place if modifier & 0x80 else 0) & 0x7F,
            name=f"{record.name}{_letter(first + place) if alpha else first + place}",
        )
        for place in range(count)
    )


def _letter(number: int) -> str:
    """A, B, ... Z, AA, AB: as table 43-2 counts in letters."""
    before, last = divmod(number, 26)
    return (_letter(before - 1) if before else "") + chr(ord("A") + last)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _from_format(raw: int, form: int) -> int:
    if form == 1 and raw & 0x80:  # ones' complement
        return raw - 0xFF
    return _signed(raw, 8) if form == 2 else raw  # noqa: PLR2004 - two's complement
