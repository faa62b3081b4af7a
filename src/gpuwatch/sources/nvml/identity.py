"""Identity: what a device says of itself, from the inventory's rows to the message on the wire."""

from collections.abc import Mapping
from typing import Any

import pynvml

from gpuwatch.domain.signals import Cadence, Kind
from gpuwatch.sources.nvml.absences import Answer
from gpuwatch.sources.nvml_signals import rows

ROWS = rows((Cadence.INVENTORY,))
_PREFIX = "gpuwatch_gpu_"

_TEXTS = ("uuid", "serial", "name", "part_number", "vbios", "inforom", "chassis_serial")
_NUMBERS = ("module_id", "slot_number", "tray_index")
# Dates, which are kept as readings and say nothing of the device that people could read.
_DATES = ("pages_retired_double_bit_at", "pages_retired_single_bit_at")
# Numbers whose meaning is in the binding's constants of this prefix.
_NAMED = {"brand": "NVML_BRAND_", "architecture": "NVML_DEVICE_ARCH_"}


def told(values: list[Answer | None]) -> dict[str, int | float | str]:
    """What was told of the inventory's rows, by the row's name without its prefix."""
    return {
        row.name.removeprefix(_PREFIX): value
        for row, value in zip(ROWS, values, strict=True)
        if isinstance(value, int | float | str)
    }


def identity(known: Mapping[str, int | float | str]) -> dict[str, Any]:
    """DEVICE_FIELDS of the wire: texts are "" and numbers null where the device does not tell."""
    fields: dict[str, Any] = {name: str(known.get(name, "")).strip() for name in _TEXTS}
    fields |= _place(known)
    fields["mig"] = bool(known["mig_enabled"]) if "mig_enabled" in known else None
    fields["attributes"] = {
        row.name.removeprefix(_PREFIX): text
        for row in ROWS
        if (text := _attribute(row.name.removeprefix(_PREFIX), row.kind, known)) is not None
    }
    return fields


def _place(known: Mapping[str, int | float | str]) -> dict[str, int | float | str | None]:
    """The numbers of the place that are numbers of a place.

    Module 0 is what a card without a baseboard says (nvml.h, nvmlDeviceGetModuleId), and eight of
    them would share it. A platform that tells nothing of itself fills its structure with zeros
    (seen on an H100 with driver 580.159): slot 0 of no chassis is no slot.
    """
    told = {name: known.get(name) for name in _NUMBERS}
    if not told["module_id"]:
        told["module_id"] = None
    if not told["slot_number"] and not str(known.get("chassis_serial", "")).strip():
        told["slot_number"] = told["tray_index"] = None
    return told


def _attribute(name: str, kind: Kind, known: Mapping[str, int | float | str]) -> str | None:
    """A further text: a state in words, a number's name; None where there is nothing to say."""
    if name not in known or name in (*_TEXTS, *_NUMBERS, *_DATES):
        return None
    value = known[name]
    if kind is not Kind.TEXT:
        return "yes" if value else "no"
    return _name_of(_NAMED[name], value) if name in _NAMED else str(value)


def _name_of(prefix: str, value: object) -> str:
    """The binding's word for a number, in lower case; the number itself where it has none."""
    for name in dir(pynvml):
        if name.startswith(prefix) and getattr(pynvml, name) == value:
            return name.removeprefix(prefix).lower()
    return str(value)
