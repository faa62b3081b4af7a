"""Walk: every text of a document of evidence, with what its key says that it names."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from gpuwatch.cli.bundle.telltale import BY_KEY, NO_PLACES, PLACES, WITHIN
from gpuwatch.exposition.redaction import Named

_CHASSIS = "chassis_serial"


def kind_of(key: str, parent: str) -> Named | None:
    """What a text under this key names as a whole; None where it is a text like any other."""
    if (parent, key) in WITHIN:
        return WITHIN[parent, key]
    if parent in PLACES and key not in NO_PLACES:
        return Named.PLACE
    return BY_KEY.get(key)


def key_of_value(cells: Mapping[str, Any]) -> str:
    """The key by which the value of a signal is looked at: that of a chassis is a serial number."""
    signal = str(cells.get("signal", ""))
    return _CHASSIS if signal.endswith(_CHASSIS) else "value"


def decoded(output: str | None) -> str:
    """A diagnostic's output as text; "" where there is none, or it is none."""
    try:
        return base64.b64decode(output or "").decode()
    except ValueError:
        return ""


def strings(value: object, key: str = "", parent: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text of a document, with its key or column and the key that this stands under."""
    match value:
        case str():
            yield key, parent, value
        case {"columns": list(columns), "rows": list(rows)}:
            for row in rows:
                cells = dict(zip(columns, row, strict=True))
                inner = key_of_value(cells)
                for column, cell in cells.items():
                    yield from strings(cell, inner if column == "value" else column)
        case dict():
            inner = key_of_value(value)
            for one, each in value.items():
                yield from strings(each, inner if one == "value" else one, key)
        case list():
            for each in value:
                yield from strings(each, key, parent)
