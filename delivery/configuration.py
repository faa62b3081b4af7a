"""Configuration: the file that packages install, with every setting and its default."""

import textwrap
from collections.abc import Iterator

from pydantic.fields import FieldInfo

from gpuwatch.config.document import bounds_of
from gpuwatch.config.layers import KEYED, NAMED
from gpuwatch.config.models import Settings
from gpuwatch.config.schema import heading, sections, shown

_WIDTH = 98
_INTRODUCTION = (
    "gpuwatch: every setting with its default. A line that begins with # and a key is what holds"
    " already; take the # away and change the value. gpuwatch check-config prints what would hold,"
    " or every problem; systemctl reload gpuwatch has the agent read it again. Changes are better"
    " put into files of their own, /etc/gpuwatch/conf.d/*.toml, which no package ever touches:"
    " see gpuwatch.toml(5)."
)


def defaults() -> str:
    """The whole file."""
    models = dict(sections())
    parts = [_comment(_INTRODUCTION)]
    for name in Settings.model_fields:
        model = models[name]
        several = name in KEYED or name in NAMED
        mark = "#" if several else ""
        purpose = _comment((model.__doc__ or "").strip())
        settings = "\n\n".join(_setting(key, field) for key, field in model.model_fields.items())
        parts.append(f"{purpose}\n{mark}{heading(name)}\n\n{settings}")
    return "\n\n\n".join(parts) + "\n"


def _setting(key: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    told = " ".join(_told(field, unset=default is None))
    value = "" if field.is_required() or default is None else f" {shown(default)}"
    return f"{_comment(told)}\n#{key} ={value}"


def _told(field: FieldInfo, *, unset: bool) -> Iterator[str]:
    yield field.description or ""
    bounds = ", ".join(bound.replace("`", "") for bound in bounds_of(field))
    if bounds:
        yield f"{bounds[0].upper()}{bounds[1:]}."
    if field.is_required():
        yield "Required."
    elif unset:
        yield "Not set."


def _comment(text: str) -> str:
    one_line = " ".join(text.split())
    return "\n".join(f"# {line}" for line in textwrap.wrap(one_line, _WIDTH))
