"""Manual: the manual pages, written from the parser and from the settings; `make man` keeps them.

A page for gpuwatch, one for each of its commands with all their verbs, and one for the
configuration. They are troff with the macros of man(7), which every system renders.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from gpuwatch import __version__
from gpuwatch.cli.exits import MEANINGS
from gpuwatch.cli.grammar import Command, Option, Place, grammar
from gpuwatch.cli.parser import parser
from gpuwatch.config.document import bounds_of
from gpuwatch.config.layers import DEFAULT_FILE, FILE_VARIABLE
from gpuwatch.config.models import Settings
from gpuwatch.config.schema import heading, sections, shown

_SETTINGS_PAGE = "gpuwatch.toml.5"
_ABOUT = (
    "gpuwatch watches the NVIDIA GPUs of one host, remembers every board by its serial number,"
    " exports metrics for Prometheus, and says which boards to replace in a planned maintenance"
    " window. It runs as one daemon; every other command talks to that, or reads its history while"
    " it does not run."
)
_ABOUT_SETTINGS = (
    "Everything has a default. gpuwatch check-config prints each effective value and where it came"
    " from, or every problem. The strongest first: the command line (--set SECTION.KEY=VALUE), the"
    " environment (GPUWATCH_SECTION__KEY), systemd credentials (gpuwatch.section.key), drop-ins"
    " (conf.d/*.toml beside the file; a later name is stronger), the file, the default. A duration"
    ' is a text of numbers with units: "10s", "1h30m", "14d".'
)
_FILES = (
    (str(DEFAULT_FILE), "the configuration, see gpuwatch.toml(5); drop-ins in conf.d beside it"),
    ("/var/lib/gpuwatch/history.db", "the history"),
    ("/run/gpuwatch/control.sock", "where the agent answers"),
    ("/run/gpuwatch/maintenance.d", "work that other programs announce"),
)


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    top = grammar(parser())
    told = {"gpuwatch.1": _overview(top)}
    for command in top.commands:
        told[f"gpuwatch-{command.words[0]}.1"] = _page(command)
    return told | {_SETTINGS_PAGE: _settings()}


def write(folder: Path) -> None:
    """Write every page into `folder`, and remove pages of commands that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    told = pages()
    for path in folder.iterdir():
        if path.name not in told and re.fullmatch(r"gpuwatch.*\.[15]", path.name):
            path.unlink()
    for name, text in told.items():
        (folder / name).write_text(text, encoding="utf-8")


def _overview(top: Command) -> str:
    lines = [
        *_title("gpuwatch", 1),
        *_section("name", ["gpuwatch \\- " + _plain(_lower(top.description))]),
        *_section("synopsis", ["\\fBgpuwatch\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]"]),
        *_section(
            "description",
            [_plain(_ABOUT)],
        ),
        ".SH COMMANDS",
    ]
    for command in top.commands:
        lines += _entry(f"\\fBgpuwatch\\-{_plain(command.words[0])}\\fR(1)", command.help)
    lines += [".SH OPTIONS", *_options(top.options)]
    lines += [".SH EXIT STATUS"]
    for status, meaning in MEANINGS.items():
        lines += _entry(f"\\fB{int(status)}\\fR", meaning)
    lines += [".SH ENVIRONMENT"]
    lines += _entry(f"\\fB{FILE_VARIABLE}\\fR", f"the configuration in place of {DEFAULT_FILE}")
    lines += _entry("\\fBGPUWATCH_SECTION__KEY\\fR", "one setting, see gpuwatch.toml(5)")
    lines += [".SH FILES"]
    for path, text in _FILES:
        lines += _entry(f"\\fI{_plain(path)}\\fR", text)
    return _joined([*lines, ".SH SEE ALSO", "\\fBgpuwatch.toml\\fR(5)"])


def _page(command: Command) -> str:
    name = f"gpuwatch-{command.words[0]}"
    leaves = [one for one in command.walk() if not one.commands]
    lines = [
        *_title(name, 1),
        *_section("name", [f"{_plain(name)} \\- {_plain(_lower(command.help))}"]),
        ".SH SYNOPSIS",
    ]
    for place, leaf in enumerate(leaves):
        lines += [*([".br"] if place else []), _synopsis(leaf)]
    lines += _section("description", [_plain(command.description)])
    if command.commands:
        for leaf in leaves:
            lines += [f".SS {_plain(' '.join(leaf.words))}", _plain(leaf.description)]
            lines += [*_places(leaf.places), *_options(leaf.options)]
    else:
        lines += [".SH OPTIONS", *_places(command.places), *_options(command.options)]
    also = "\\fBgpuwatch\\fR(1), \\fBgpuwatch.toml\\fR(5)"
    status = "See \\fBgpuwatch\\fR(1)."
    return _joined([*lines, ".SH EXIT STATUS", status, ".SH SEE ALSO", also])


def _settings() -> str:
    lines = [
        *_title("gpuwatch.toml", 5),
        *_section("name", ["gpuwatch.toml \\- configuration of gpuwatch"]),
        *_section("synopsis", [f"\\fI{_plain(str(DEFAULT_FILE))}\\fR"]),
        *_section(
            "description",
            [_plain(_ABOUT_SETTINGS)],
        ),
    ]
    models = dict(sections())
    for name in Settings.model_fields:
        model = models[name]
        live = " Takes effect at a reload." if name in Settings.LIVE else ""
        lines += [f".SH {_plain(heading(name))}", _plain((model.__doc__ or "").strip() + live)]
        for key, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            told = "required" if field.is_required() else f"default {shown(default)}"
            limits = "".join(f", {bound.replace('`', '')}" for bound in bounds_of(field))
            description = f"{field.description or ''} ({told}{limits})".strip()
            lines += _entry(f"\\fB{_plain(key)}\\fR", description)
    return _joined([*lines, ".SH SEE ALSO", "\\fBgpuwatch\\fR(1)"])


def _title(name: str, section: int) -> list[str]:
    return [
        '.\\" Written by "make man" from the parser and the settings: change those.',
        f'.TH {name.upper()} {section} "" "gpuwatch {__version__}" "gpuwatch"',
        ".nh",
        ".ad l",
    ]


def _section(heading: str, paragraphs: Iterable[str]) -> list[str]:
    return [f".SH {heading.upper()}", *paragraphs]


def _synopsis(command: Command) -> str:
    words = " ".join(("gpuwatch", *command.words))
    required = [option for option in command.options if option.required]
    parts = [f"\\fB{_plain(words)}\\fR", "[\\fIOPTION\\fR...]"]
    parts += [f"\\fB{_plain(one.longest)}\\fR \\fI{_plain(one.value)}\\fR" for one in required]
    for place in command.places:
        told = f"\\fI{_plain(place.value)}\\fR" + ("..." if place.repeated else "")
        parts.append(told if place.required else f"[{told}]")
    return " ".join(parts)


def _places(places: Iterable[Place]) -> Iterator[str]:
    for place in places:
        yield from _entry(f"\\fI{_plain(place.value)}\\fR", place.help)


def _options(options: Iterable[Option]) -> Iterator[str]:
    for option in options:
        names = ", ".join(f"\\fB{_plain(name)}\\fR" for name in option.names)
        value = f" \\fI{_plain(option.value)}\\fR" if option.value else ""
        yield from _entry(f"{names}{value}", option.help)


def _entry(term: str, text: str) -> list[str]:
    """A term, and what it means, indented; a term alone where nothing is said of it."""
    return [".TP", term, _plain(text)] if text else [".TP", term, "\\&"]


def _plain(text: str) -> str:
    """`text` as troff prints it: no macro, no escape, and hyphens that can be copied."""
    one_line = " ".join(text.split())
    escaped = one_line.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _lower(text: str) -> str:
    """A sentence as part of another: without its capital and full stop, but for a name's."""
    sentence = text.removesuffix(".")
    first = sentence.split(" ", 1)[0]
    return sentence if first.isupper() else sentence[:1].lower() + sentence[1:]


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
