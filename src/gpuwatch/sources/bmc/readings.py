"""Readings: asks every sensor for its reading; one that cannot answer leaves a gap, and no more."""

from collections.abc import Iterable, Iterator
from typing import Any

from gpuwatch.sources.bmc.gate import GET_READING_FACTORS, GET_SENSOR_READING
from gpuwatch.sources.bmc.link import Link, RefusedError, read
from gpuwatch.sources.bmc.records import Factors, Record
from gpuwatch.sources.bmc.states import discrete, is_threshold, thresholds

BMC_ADDRESS = 0x20
_SCANNED, _UNAVAILABLE = 0x40, 0x20
_UNSUPPORTED = ["unsupported", None]
_FACTORS_BYTES = 7


def readings(link: Link, sensors: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Each readable sensor as a message tells it: who it is, and its reading or a gap."""
    for record in sensors:
        if record.readable:
            yield described(record) | _reading(link, record)


def described(record: Record) -> dict[str, Any]:
    """Who a sensor is."""
    units = record.units
    return {
        "key": record.key,
        "record": record.record,
        "name": record.name,
        "type": record.sensor_type,
        "reading_type": record.reading_type,
        "entity": record.entity,
        "instance": record.instance,
        "units": [units.base, units.modifier, units.joined, units.rate, units.percent],
        "mask": record.mask,
    }


def _reading(link: Link, record: Record) -> dict[str, Any]:
    # A sensor of another controller would have to be asked through the BMC, by a command that
    # carries any other; asked for as if it were the BMC's own, another sensor would answer.
    if record.owner != BMC_ADDRESS:
        return {"gap": _UNSUPPORTED}
    try:
        data = read(link, GET_SENSOR_READING, [record.number], least=2, lun=record.lun)
        raw, flags, *bits = data
        if flags & _UNAVAILABLE or not flags & _SCANNED:
            return {"gap": _UNSUPPORTED}
        factors = _factors(link, record, raw)
    except RefusedError as refused:
        return {"gap": refused.gap}
    asserted = int.from_bytes(bytes(bits[:2]), "little")
    words, gravity = (thresholds if is_threshold(record) else discrete)(record, asserted)
    told: dict[str, Any] = {"bits": asserted, "states": words, "gravity": gravity}
    if record.factors is not None:
        value = record.value(raw, factors)
        told |= {"gap": ["failed", None]} if value is None else {"value": value, "raw": raw}
    return told


def _factors(link: Link, record: Record, raw: int) -> Factors | None:
    """Those of this reading, where they depend on it; None for those of the record."""
    if record.factors is None or not record.factors_vary:
        return None
    data = read(
        link, GET_READING_FACTORS, [record.number, raw], least=_FACTORS_BYTES, lun=record.lun
    )
    return Factors.parse(data[1:])
