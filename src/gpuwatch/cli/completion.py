"""Completion: scripts for bash, zsh and fish, and the names that they ask a running agent for."""

import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.grammar import Command, Option, Place, grammar
from gpuwatch.cli.output import clean, print_json
from gpuwatch.cli.session import request
from gpuwatch.cli.shells import BASH, FISH, ZSH
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError
from gpuwatch.exposition.runbooks import codes

if TYPE_CHECKING:
    from gpuwatch.exposition.bmc_shapes import BmcShape
    from gpuwatch.exposition.flag_shapes import FlagShape
    from gpuwatch.exposition.shapes import GpuShape

# A shell waits for the answer while a person waits for the shell.
_PATIENCE_SECONDS = 2.0
# What a value is completed with, by its name in the help.
_KINDS = {
    "GPU": "gpus",
    "SERIAL": "gpus",
    "BMC": "bmcs",
    "GPU|BMC": "subjects",
    "NUMBER": "flags",
    "CODE": "runbooks",
    "FILE": "files",
    "PATH": "files",
}


def completion(arguments: Namespace) -> int:
    """Print the script for a shell, to be sourced or put where it looks for such."""
    # The parser knows this module by name only: it is asked when all is loaded.
    from gpuwatch.cli.parser import parser  # noqa: PLC0415

    scripts = {"bash": bash, "zsh": zsh, "fish": fish}
    script = scripts[arguments.shell](grammar(parser()))
    if arguments.json:
        print_json({"shell": arguments.shell, "script": script})
    else:
        print(script, end="")
    return Exit.OK


def names(arguments: Namespace) -> int:
    """Print names for a script to choose from, one a line; none when no agent answers.

    Runbooks come with the package: no agent is asked for them.
    """
    if arguments.kind == "runbooks":
        _print(codes())
        return Exit.OK
    with contextlib.suppress(AgentAbsentError, ControlError, OSError):
        answer = request(arguments, "status", within_seconds=_PATIENCE_SECONDS)
        _print(_NAMES[arguments.kind](answer))
    return Exit.OK


def _print(told: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{clean(name)}{os.linesep}" for name in told))


def _gpus(answer: object) -> Iterator[str]:
    """Index, serial and UUID of every GPU; an address has colons, at which shells break words."""
    for gpu in cast("dict[str, list[GpuShape]]", answer)["gpus"]:
        index = "" if gpu["index"] is None or not gpu["present"] else str(gpu["index"])
        yield from filter(None, (index, gpu["serial"], gpu["uuid"]))


def _flags(answer: object) -> Iterator[str]:
    for flag in cast("dict[str, list[FlagShape]]", answer)["flags"]:
        if flag["state"] not in ("closed", "dismissed"):
            yield str(flag["number"])


def _bmcs(answer: object) -> Iterator[str]:
    for bmc in cast("dict[str, list[BmcShape]]", answer)["bmcs"]:
        yield bmc["name"]


def _subjects(answer: object) -> Iterator[str]:
    """What findings are of."""
    yield from _gpus(answer)
    yield from (f"bmc.{name}" for name in _bmcs(answer))


_NAMES: Mapping[str, Callable[[object], Iterator[str]]] = {
    "gpus": _gpus,
    "flags": _flags,
    "bmcs": _bmcs,
    "subjects": _subjects,
}


def bash(top: Command) -> str:
    """The script for bash."""
    return BASH.replace("@FACTS@", _facts(top))


def zsh(top: Command) -> str:
    """The script for zsh."""
    return ZSH.replace("@FACTS@", _facts(top))


def fish(top: Command) -> str:
    """The script for fish."""
    lines = [line for command in top.walk() for line in _of_fish(command)]
    return FISH.replace("@LINES@", "\n".join(lines))


def _facts(top: Command) -> str:
    """One branch of a case for each command: what may follow it."""
    return "\n".join(_branch(command) for command in top.walk())


def _branch(command: Command) -> str:
    takes = (f"{name}={_kind(option)}" for option in command.options for name in _taking(option))
    facts = {
        "subs": (sub.words[-1] for sub in command.commands),
        "options": (name for option in command.options for name in option.names),
        "takes": takes,
        "places": (_kind(place) + ("*" if place.repeated else "") for place in command.places),
    }
    told = " ".join(f"{name}='{' '.join(values)}'" for name, values in facts.items())
    return f"        '{' '.join(command.words)}') {told} ;;"


def _taking(option: Option) -> tuple[str, ...]:
    return option.names if option.value else ()


def _kind(argument: Option | Place) -> str:
    """`=a,b` for a choice, a kind that the shell knows, or `none`."""
    if argument.choices:
        return "=" + ",".join(argument.choices)
    return _KINDS.get(argument.value, "none")


def _of_fish(command: Command) -> Iterator[str]:
    here = _condition(command)
    for sub in command.commands:
        yield f"complete -c gpuwatch -n {here} -f -a {sub.words[-1]} -d {_quoted(sub.help)}"
    for option in command.options:
        flags = " ".join(_fish_flag(name) for name in option.names)
        value = f" -r{_fish_values(_kind(option))}" if option.value else ""
        yield f"complete -c gpuwatch -n {here} {flags}{value} -d {_quoted(option.help)}"
    for place in command.places:
        yield f"complete -c gpuwatch -n {here}{_fish_values(_kind(place))}"


def _condition(command: Command) -> str:
    word = "__gpuwatch_is" if command.commands else "__gpuwatch_at"
    return _quoted(f"{word} {' '.join(command.words)}".strip())


def _fish_flag(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _fish_values(kind: str) -> str:
    if kind.startswith("="):
        return f" -f -a {_quoted(kind[1:].replace(',', ' '))}"
    return {
        "files": " -F",
        "none": " -f",
    }.get(kind, f" -f -a '(__gpuwatch_names {kind})'")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
