"""Refusals: what an error of the models means to the person who wrote the configuration."""

import difflib
from collections.abc import Callable, Iterator, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gpuwatch.config.bmc import SECRETS
from gpuwatch.config.layers import KEYED, NAMED, Entry, Key, Layers, Problem
from gpuwatch.config.schema import dotted, field_at, known, limit, shown
from gpuwatch.config.values import HIDDEN

Context = Mapping[str, object]


def _says(text: str) -> Callable[[Context], str]:
    return lambda _context: text


_NOT_TRUE = _says("is neither true nor false (write one of them, without quotes)")
_NOT_WHOLE = _says("is not a whole number (write digits, without quotes)")
_NOT_NUMBER = _says("is not a number (write digits, without quotes)")
_NOT_TEXT = _says("is not a text (put it in quotes)")
_NOT_LIST = _says('is not a list (write ["...", "..."])')

# What pydantic-core calls an error, and the sentence for it: what is wrong, then the way out.
# https://docs.pydantic.dev/latest/errors/validation_errors/
_SENTENCES: dict[str, Callable[[Context], str]] = {
    "gpuwatch": lambda about: str(about["text"]),
    HIDDEN: lambda about: str(about["text"]),
    "greater_than_equal": lambda about: f"is below {about['limit']} (that is the least)",
    "less_than_equal": lambda about: f"is above {about['limit']} (that is the most)",
    "bool_type": _NOT_TRUE,
    "int_type": _NOT_WHOLE,
    "int_from_float": _NOT_WHOLE,
    "float_type": _NOT_NUMBER,
    "finite_number": _NOT_NUMBER,
    "string_type": _NOT_TEXT,
    "tuple_type": _NOT_LIST,
    "dict_type": _says('is not a table (write { "name" = value })'),
    "model_type": _says("is not a section (write its keys below [its name])"),
    "enum": lambda about: f"is none of {about['expected']} (write one of them)",
    "literal_error": lambda about: f"is none of {about['expected']} (write one of them)",
    "missing": _says("is missing (give it one)"),
    "too_short": _says("is empty (write at least one)"),
    "too_long": lambda about: f"has more than {about['max_length']} (write fewer)",
    "string_too_short": _says("is empty (write something)"),
    "string_too_long": lambda about: f"is longer than {about['max_length']} (shorten it)",
}


_WITHOUT_VALUE = frozenset({"missing", "model_type", HIDDEN})
_OF_A_KEY = "[key]"  # what the library appends to the place of an error in a table's key
_WRITTEN_OUT = (
    "is a secret, and whoever reads the configuration reads it (write it alone into a file of mode"
    " 600 and name that in password_file or kg_file, or set credential; and choose another)"
)


def problems(error: ValidationError, layers: Layers) -> Iterator[Problem]:
    """Every error with where its value stands, the value, and what to do about it."""
    for detail in error.errors(include_url=False):
        contradictions = detail.get("ctx", {}).get("problems")
        if isinstance(contradictions, dict):
            yield from _contradictions(contradictions, detail, layers)
        elif detail["type"] == "default_factory_not_called":
            continue  # of what it depends on, the error is reported already
        elif not (detail["type"] == "too_short" and detail["input"]):
            # A list whose items were refused is short by them: they are reported already.
            yield _problem(detail, layers)


def _problem(detail: ErrorDetails, layers: Layers) -> Problem:
    key = tuple(str(part) for part in detail["loc"] if part != _OF_A_KEY)
    entry = _entry(key, layers)
    if detail["type"] == "extra_forbidden":
        return Problem(_where(entry), _name(key, layers), "", _unknown(key, entry))
    say = _SENTENCES.get(detail["type"])
    context = {**detail.get("ctx", {}), "limit": limit(key, detail["type"])}
    text = say(context) if say else f"is refused: {detail['msg']} (correct it)"
    shows_value = detail["type"] not in _WITHOUT_VALUE and _OF_A_KEY not in detail["loc"]
    value = _value(detail["input"], entry) if shows_value else ""
    return Problem(_where(entry), _name(key, layers), value, text)


def _name(key: Key, layers: Layers) -> str:
    """The key for people: a window by its name, a list as a whole (the value shows which item)."""
    if key[0] in NAMED and len(key) > 1 and key[1].isdigit():
        table = layers.tables[key[0]][int(key[1])].value
        name = table.get("name") if isinstance(table, dict) else None
        key = (key[0], str(name or f"number {int(key[1]) + 1}"), *key[2:])
    return dotted(key[:-1] if len(key) > 2 and key[-1].isdigit() else key)  # noqa: PLR2004


def _contradictions(
    texts: Mapping[str, str], detail: ErrorDetails, layers: Layers
) -> Iterator[Problem]:
    """Keys of one section that do not go together; the section is the error's place."""
    section = tuple(str(part) for part in detail["loc"])
    for name, text in texts.items():
        key = (*section, *name.split(".", 1))
        entry = _entry(key, layers)
        given: object = detail["input"]
        for part in name.split(".", 1):
            given = given.get(part) if isinstance(given, dict) else None
        if given is None and (field := field_at(key)) is not None:
            given = field.get_default(call_default_factory=True, validated_data={})
        value = "" if given is None else _value(given, entry)
        yield Problem(_where(entry), _name(key, layers), value, text)


def _unknown(key: Key, entry: Entry | None) -> str:
    """An unknown key or section, with the nearest one that exists."""
    if key[0] in KEYED and key[-1] in SECRETS:
        return _WRITTEN_OUT
    choices = known(key[0] if len(key) > 1 else None)
    name, prefix = key[-1], ".".join(key[:-1])
    if len(key) == 1 and entry is not None and entry.is_text:
        # GPUWATCH_NVML_FAST: one underscore where two belong
        choices = tuple(
            f"{section}__{inner}" for section in known(None) for inner in known(section)
        )
        near = difflib.get_close_matches(name, choices, 1, 0.6)
        meant = f"did you mean GPUWATCH_{near[0].upper()}?" if near else "unset it"
        return f"is no setting ({meant})"
    near = difflib.get_close_matches(name, choices, 1, 0.6)
    if near:
        return f"is no setting (did you mean {'.'.join(filter(None, (prefix, near[0])))}?)"
    return f"is no setting (there are: {', '.join(choices)})"


def _entry(key: Key, layers: Layers) -> Entry | None:
    """The entry that gave the value at `key`: its own, the nearest above it, or one below it."""
    if key[0] in NAMED and len(key) > 1 and key[1].isdigit():
        return layers.tables[key[0]][int(key[1])]
    for length in range(len(key), 0, -1):
        if key[:length] in layers.entries:
            return layers.entries[key[:length]]
    if key[0] in KEYED and len(key) > 1:
        key = key[:2]  # a key that is missing: where the others of its name stand
    below = (entry for other, entry in layers.entries.items() if other[: len(key)] == key)
    alone = len(key) == 1 and key[0] in known(None) and key[0] not in KEYED
    return None if alone else next(below, None)


def _where(entry: Entry | None) -> str:
    return "default" if entry is None else entry.origin


def _value(value: object, entry: Entry | None) -> str:
    return "(hidden)" if entry is not None and entry.secret else shown(value)
