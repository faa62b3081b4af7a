"""Requests: the closed table of what can be asked of the agent over the control socket.

A request is one JSON object on one line, at most `REQUEST_LIMIT` bytes:

    {"do": NAME, FIELDS..., "claims": {"SUDO_USER": "alice"}}

The answer is one JSON object on one line, at most `ANSWER_LIMIT` bytes: what the row's `answer`
says, or `{"error": {"kind": KIND, "what": ..., "remedy": ...}}`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gpuwatch.control.bmc_forms import BMC_FORMS
from gpuwatch.control.board_forms import BOARD_FORMS
from gpuwatch.control.flag_forms import FLAG_FORMS
from gpuwatch.control.forms import (
    TEXT_LIMIT,
    YEAR_3000,
    Access,
    Field,
    FieldKind,
    RequestForm,
    text,
)
from gpuwatch.control.upkeep_forms import UPKEEP_FORMS
from gpuwatch.control.work_forms import WORK_FORMS

REQUEST_LIMIT = 2 << 20  # a diagnostic of 1 MiB in base64, and a margin
ANSWER_LIMIT = 16 << 20
_CLAIMS = ("SUDO_USER",)


class ErrorKind(StrEnum):
    """Why a request was refused; the command line's exit status follows from it."""

    USAGE = "usage"
    NOT_FOUND = "not-found"
    DENIED = "denied"
    BUSY = "busy"
    REFUSED = "refused"
    FAILED = "failed"


class ControlError(Exception):
    """A request that is refused: what is wrong, then the way out."""

    def __init__(self, kind: ErrorKind, what: str, remedy: str) -> None:
        self.kind, self.what, self.remedy = kind, what, remedy
        super().__init__(f"{what} ({remedy})")

    def document(self) -> dict[str, object]:
        """The answer that says so."""
        error = {"kind": self.kind.value, "what": self.what, "remedy": self.remedy}
        return {"error": error}


_GPU = text("gpu")  # an index, UUID or unique beginning of one, serial or PCI address

# fmt: off - a table reads by rows
FORMS: tuple[RequestForm, ...] = (
    RequestForm(
        "status",
        Access.READING,
        "The host, its GPUs, flags, windows and sources.",
        "documents.snapshot_document",
    ),
    RequestForm(
        "gpu",
        Access.READING,
        "One GPU with its findings and readings.",
        "documents.gpu_document",
        (_GPU,),
    ),
    RequestForm(
        "explain",
        Access.READING,
        "One GPU explained: what to do, whether it can wait, and why.",
        "explanation.explanation",
        (_GPU,),
    ),
    RequestForm(
        "windows",
        Access.READING,
        "The windows and blackouts to come, and which flags go where.",
        "window_documents.plan_document",
    ),
    RequestForm(
        "history",
        Access.READING,
        "What is remembered of one board.",
        '{"gpu": documents.gpu_document, "flags": [...], "events": [...]} of that board',
        (_GPU,),
    ),
    RequestForm(
        "preview",
        Access.READING,
        "What the installed rules say of the whole history.",
        "agent.preview.preview",
        (Field("since", FieldKind.NUMBER, default=0.0, least=0.0, most=YEAR_3000),),
    ),
    *BOARD_FORMS,
    *WORK_FORMS,
    *FLAG_FORMS,
    *BMC_FORMS,
    *UPKEEP_FORMS,
)
# fmt: on
BY_NAME: Mapping[str, RequestForm] = {form.do: form for form in FORMS}


@dataclass(frozen=True, slots=True)
class Request:
    """A request that keeps to its form: every field is there, of its kind and within bounds.

    `claims` is what the client says of itself: recorded as a claim, never trusted.
    """

    form: RequestForm
    values: Mapping[str, str | float | bool] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)

    @property
    def do(self) -> str:
        """The word of the request."""
        return self.form.do

    def text(self, name: str) -> str:
        """A field of kind text."""
        return str(self.values[name])

    def number(self, name: str) -> float:
        """A field of kind number."""
        return float(self.values[name])

    def flag(self, name: str) -> bool:
        """A field of kind flag."""
        return bool(self.values[name])


def parse(line: bytes) -> Request:
    """The request on one line. Raises ControlError(USAGE) for anything that keeps to no form."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _misuse(f"not a JSON object: {error}") from error
    if not isinstance(message, dict):
        raise _misuse("not a JSON object")
    do = message.pop("do", None)
    form = BY_NAME.get(do) if isinstance(do, str) else None
    if form is None:
        raise _misuse(f"{_short(do)} is no request; there are: {', '.join(BY_NAME)}")
    claims = message.pop("claims", {})
    known = {one.name for one in form.fields}
    unknown = sorted(message.keys() - known)
    if unknown:
        raise _misuse(f"{form.do} has no field {_short(unknown[0])}")
    values = {one.name: _value(form, one, message.get(one.name)) for one in form.fields}
    return Request(form, values, _claims(claims))


def _value(form: RequestForm, one: Field, value: object) -> str | float | bool:
    """The value of one field, checked."""
    if value is None:
        if one.default is None:
            raise _misuse(f"{form.do} needs the field {one.name}")
        return one.default
    match one.kind:
        case FieldKind.TEXT if isinstance(value, str) and _is_sound(value.strip(), one.longest):
            empty = one.default is None and not value.strip()
            if not empty and (not one.choices or value in one.choices):
                return value.strip()
        case FieldKind.NUMBER if isinstance(value, int | float) and not isinstance(value, bool):
            if one.least <= value <= one.most and abs(value) != float("inf"):
                return float(value)
        case FieldKind.FLAG if isinstance(value, bool):
            return value
        case _:
            pass
    raise _misuse(f"{form.do}: {one.name} = {_short(value)} is no {_wanted(one)}")


def _is_sound(text: str, longest: int = TEXT_LIMIT) -> bool:
    return len(text) <= longest and (text.isprintable() or not text)


def _wanted(one: Field) -> str:
    if one.choices:
        return f"choice of {', '.join(one.choices)}"
    if one.kind is FieldKind.NUMBER and one.most != float("inf"):
        return f"number from {one.least:g} to {one.most:g}"
    return {
        FieldKind.TEXT: f"text of 1 to {one.longest} printable characters",
        FieldKind.NUMBER: "finite number",
        FieldKind.FLAG: "true or false",
    }[one.kind]


def _claims(claims: object) -> dict[str, str]:
    """The claims that are known; others are left out, they prove nothing anyway."""
    if not isinstance(claims, dict):
        return {}
    return {
        name: value
        for name in _CLAIMS
        if isinstance(value := claims.get(name), str) and value and _is_sound(value)
    }


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:60] + "..."  # noqa: PLR2004 - enough to recognise it


def _misuse(what: str) -> ControlError:
    return ControlError(ErrorKind.USAGE, what, "see gpuwatch --help; are both of one version?")
