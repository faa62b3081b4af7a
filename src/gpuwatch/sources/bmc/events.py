"""Events: an entry of the system event log as a person reads it, with its topic and gravity.

Layout: IPMI 2.0, section 32; the meaning of the three data bytes: table 29-6 and section 42.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pyghmi.ipmi import events

from gpuwatch.domain.bmc_logs import LogSeverity
from gpuwatch.sources.bmc import states
from gpuwatch.sources.bmc.records import SENSOR_SPECIFIC, THRESHOLD, Record
from gpuwatch.sources.bmc_signals import EARLIEST_STAMP, topic_of, type_name, unit_symbol

_STANDARD, _OEM, _OEM_UNTIMED, _PANIC = 0x02, 0xC0, 0xE0, 0xF0
_NEVER = 0xFFFF_FFFF
_DEASSERTED = 0x80
_OFFSET = 0x0F
_UNSPECIFIED = 0xFF
# What data bytes 2 and 3 are: a reading and its threshold, the maker's own, or as `_DETAILS` says.
_GIVEN, _MAKERS, _SPECIFIC = 1, 2, 3
_CRITICAL_INTERRUPT = 0x13
_SOFTWARE = 0x01
_GOING = ("going low", "going high")

_SEVERITIES = {
    states.OK: LogSeverity.INFO,
    states.WARNING: LogSeverity.WARNING,
}

Detail = Callable[[int, int], str]


def _lowered(text: str) -> str:
    """A library's word as it stands inside a sentence; abbreviations keep their letters."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _word(words: Mapping[int, str], number: int) -> str:
    """One of a library's words, "" where it has none."""
    return _lowered(words.get(number, ""))


def _module(_second: int, third: int) -> str:
    return "" if third == _UNSPECIFIED else f"module 0x{third:02x}"


def _slot(second: int, third: int) -> str:
    return f"{events.slot_types.get(second & 0x7F, 'slot')} {third & 0x7F}"


# What the data bytes add, by sensor type; and by sensor type and offset where it depends on that.
_DETAILS: Mapping[int | tuple[int, int], Detail] = {
    0x0C: _module,
    0x21: _slot,
    (0x05, 4): lambda second, _third: f"network port {second}",
    (0x08, 6): lambda _second, third: _word(events.psucfg_errors, third & 0x0F),
    (0x0F, 0): lambda second, _third: _word(events.firmware_errors, second),
    (0x0F, 1): lambda second, _third: _word(events.firmware_progress, second),
    (0x0F, 2): lambda second, _third: _word(events.firmware_progress, second),
    (0x10, 0): lambda second, _third: f"module 0x{second:02x}",
    (0x10, 5): lambda _second, third: f"{third} % full" if third <= 100 else "",  # noqa: PLR2004
    (0x1D, 7): lambda second, _third: _word(events.restart_causes, second & 0x0F),
    0x23: lambda second, _third: _word(events.watchdog_boot_phases, second & 0x0F),
    (0x2A, 3): lambda second, _third: f"user {second & 0x3F}",
    0x2B: lambda second, _third: _word(events.version_changes, second),
}


def decoded(entry: bytes, sensors: Mapping[str, Record]) -> dict[str, Any]:
    """An entry of 16 bytes as a message tells it. Never raises."""
    kind = entry[2]
    told: dict[str, Any] = {
        "record": str(int.from_bytes(entry[:2], "little")),
        "told_at": stamp(int.from_bytes(entry[3:7], "little")) if kind < _OEM_UNTIMED else None,
        "raw": entry.hex(),
        "sensor": "",
        "sensor_key": "",
        "asserted": None,
        "topic": topic_of(None, "").value,
        "severity": LogSeverity.INFO.value,
    }
    if kind == _PANIC:
        text = _text(entry[5:])
        return told | {
            "text": f"Linux kernel panic: {text}".rstrip(": "),
            "severity": LogSeverity.CRITICAL.value,
        }
    if kind >= _OEM_UNTIMED:
        return told | {"text": f"record of the maker's own kind 0x{kind:02x}: {entry[3:].hex()}"}
    if kind >= _OEM:
        maker = int.from_bytes(entry[7:10], "little")
        return told | {"text": f"record of maker {maker}, kind 0x{kind:02x}: {entry[10:].hex()}"}
    if kind != _STANDARD:
        return told | {"text": f"record of kind 0x{kind:02x}: {entry[3:].hex()}"}
    return told | _standard(entry, sensors)


def stamp(seconds: int) -> float | None:
    """A stamp of the BMC's clock as Unix seconds, None for one from before it was set."""
    return None if seconds < EARLIEST_STAMP or seconds == _NEVER else float(seconds)


def _standard(entry: bytes, sensors: Mapping[str, Record]) -> dict[str, Any]:
    """A standard event: which sensor, what it met, and whether that began or ended."""
    sensor_type, number, reading_type = entry[10], entry[11], entry[12] & 0x7F
    deasserted = bool(entry[12] & _DEASSERTED)
    key = f"{entry[7]:02x}.{entry[8] & 0x03}.{number:02x}"
    record = None if entry[7] & _SOFTWARE else sensors.get(key)
    name = _name(entry, record)
    what, gravity = _meaning(sensor_type, reading_type, entry[13] & _OFFSET)
    details = _details(sensor_type, reading_type, entry[13:16], record)
    severity = LogSeverity.INFO if deasserted else _SEVERITIES.get(gravity, LogSeverity.CRITICAL)
    added = f" ({', '.join(details)})" if details else ""
    return {
        "text": f"{name}: {what}{added}{' (deasserted)' if deasserted else ''}",
        "sensor": name if record is not None else "",
        "sensor_key": key if record is not None else "",
        "asserted": not deasserted,
        "topic": topic_of(sensor_type, name).value,
        "severity": severity.value,
    }


def _name(entry: bytes, record: Record | None) -> str:
    """The sensor's, or what it is where no record names it."""
    if record is not None and record.name:
        return record.name
    kind = type_name(entry[10]) or f"type 0x{entry[10]:02x}"
    if entry[7] & _SOFTWARE:
        return f"{kind} (told by software 0x{entry[7]:02x})"
    return f"{kind} sensor 0x{entry[11]:02x}"


def _meaning(sensor_type: int, reading_type: int, offset: int) -> tuple[str, int]:
    told = states.meaning(sensor_type, reading_type, offset)
    if told is None:
        return f"state {offset} of the kind 0x{reading_type:02x}", states.OK
    if reading_type == THRESHOLD:
        return f"{told[0].lower()}, {_GOING[offset & 1]}", told[1]
    return _lowered(told[0]), told[1]


def _details(sensor_type: int, reading_type: int, data: bytes, record: Record | None) -> list[str]:
    """What the data bytes add to an event, as far as they say what they are."""
    first, second, third = data
    forms = (first >> 6, first >> 4 & 0x03)
    if reading_type == THRESHOLD:
        return _numbers(forms, second, third, record)
    if reading_type == SENSOR_SPECIFIC and _SPECIFIC in forms:
        detail = _DETAILS.get((sensor_type, first & _OFFSET)) or _DETAILS.get(sensor_type)
        text = detail(second, third) if detail is not None else ""
        if text:
            return [text]
    return _makers(sensor_type, forms, second, third)


def _makers(sensor_type: int, forms: tuple[int, int], second: int, third: int) -> list[str]:
    """Bytes whose meaning is the maker's: as they are, but for one that nearly all agree on."""
    given = [
        byte
        for form, byte in zip(forms, (second, third), strict=True)
        if form in {_MAKERS, _SPECIFIC} and byte != _UNSPECIFIED
    ]
    if sensor_type == _CRITICAL_INTERRUPT and len(given) == len(forms):
        return [f"by custom PCI {second:02x}:{third >> 3:02x}.{third & 7}"]
    return [f"data {' '.join(f'0x{byte:02x}' for byte in given)}"] if given else []


def _numbers(forms: tuple[int, int], second: int, third: int, record: Record | None) -> list[str]:
    """The reading that met a threshold, and the threshold, in the sensor's unit."""
    if record is None or record.factors_vary:
        return []
    told = ((forms[0], second, "reading"), (forms[1], third, "threshold"))
    unit = unit_symbol(record.units.base)
    return [
        f"{what} {value:g}{unit and ' ' + unit}"
        for form, raw, what in told
        if form == _GIVEN and (value := record.value(raw)) is not None
    ]


def _text(raw: bytes) -> str:
    return "".join(each for each in raw.split(b"\0")[0].decode("latin-1") if each.isprintable())
