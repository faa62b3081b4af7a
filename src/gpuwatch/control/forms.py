"""Forms: the closed columns of a request: who may ask, what it carries, what comes back."""

from dataclasses import dataclass
from enum import StrEnum

YEAR_3000 = 32_503_680_000.0  # Unix seconds
DAY = 86_400.0
TEXT_LIMIT = 1_000  # characters


class Access(StrEnum):
    """Who may ask: whoever can connect, or those who may change things."""

    READING = "reading"
    CHANGING = "changing"


class FieldKind(StrEnum):
    """What the value of a field is; a number is finite, a text has no control characters."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request. Optional fields have a default; numbers may have bounds."""

    name: str
    kind: FieldKind
    default: str | float | bool | None = None  # None: the field is required
    choices: tuple[str, ...] = ()
    least: float = float("-inf")
    most: float = float("inf")
    longest: int = TEXT_LIMIT  # of a text, in characters


@dataclass(frozen=True, slots=True)
class RequestForm:
    """One row: the word, who may say it, what it carries, and what comes back."""

    do: str
    access: Access
    help: str
    answer: str
    fields: tuple[Field, ...] = ()


def text(name: str, default: str | None = None, *choices: str) -> Field:
    """A field of text; required without a default."""
    return Field(name, FieldKind.TEXT, default, choices)
