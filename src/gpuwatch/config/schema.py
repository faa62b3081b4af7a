"""Schema: questions about the models: which keys exist, how a text becomes a value and back."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gpuwatch.config.durations import format_duration
from gpuwatch.config.layers import KEYED, NAMED, Key, typed
from gpuwatch.config.models import Settings

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST = 120  # characters of a value that are worth showing


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section with its model, in the order of the documentation; windows and BMCs too."""
    for name, field in Settings.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield name, annotation
        else:
            yield name, get_args(annotation)[-1 if name in KEYED else 0]


def fields_of(section: str) -> Mapping[str, FieldInfo]:
    """The keys of a section, empty when there is no such section."""
    model = dict(sections()).get(section)
    return {} if model is None else model.model_fields


def known(section: str | None) -> tuple[str, ...]:
    """The keys that `section` has; the sections themselves for None."""
    return tuple(Settings.model_fields) if section is None else tuple(fields_of(section))


def field_at(key: Key) -> FieldInfo | None:
    """The field that `key` is, None for what is none: a window has a number, a BMC its name."""
    place = 2 if key[0] in NAMED or key[0] in KEYED else 1
    return fields_of(key[0]).get(key[place]) if len(key) > place else None


def heading(section: str) -> str:
    """How a section is begun in the file."""
    if section in KEYED:
        return f"[{section}.NAME]"
    return f"[[{section}]]" if section in NAMED else f"[{section}]"


def limit(key: Key, error_type: str) -> str:
    """The bound that a value of `key` broke, written as in the file; "" when it has none."""
    name = {"greater_than_equal": "ge", "less_than_equal": "le"}.get(error_type, "")
    field = field_at(key) if name else None
    bounds = () if field is None else field.metadata
    return next((shown(getattr(bound, name)) for bound in bounds if hasattr(bound, name)), "")


def dotted(key: Key) -> str:
    """The key as it would be written in the file: parts that are no bare words have quotes."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part) for part in key)


def text_value(key: Key, text: str) -> object:
    """What a text from the environment, an option or a credential means for its setting.

    Texts and durations are taken as they are; everything else is written as in the file, and a
    list may also be its items with commas between them.
    """
    field = field_at(key)
    if field is not None and _is_text(field.annotation):
        return text
    value = typed(text)
    if field is not None and get_origin(field.annotation) is tuple and not isinstance(value, list):
        return [item.strip() for item in text.split(",") if item.strip()]
    return value


def _is_text(annotation: object) -> bool:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_text(parts[0])
    if origin in (Union, UnionType):
        return any(map(_is_text, parts))
    return origin is Literal or (
        isinstance(annotation, type) and issubclass(annotation, str | timedelta)
    )


def shown(value: object) -> str:
    """A value as it would be written in the file, on one line, cut when it is long."""
    if value is None:
        return "unset"
    text = json.dumps(_plain(value), ensure_ascii=False, default=str)
    if isinstance(value, float):
        text = f"{value:.12f}".rstrip("0").rstrip(".") if abs(value) < 1 else text  # not 1e-05
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _plain(value: object) -> object:
    match value:
        case timedelta():
            return format_duration(value)
        case datetime():
            return value.isoformat(timespec="minutes" if not value.second else "auto")
        case Enum():
            return value.value
        case tuple() | list():
            return [_plain(item) for item in value]
        case _:
            return value
