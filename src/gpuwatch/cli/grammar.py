"""Grammar: the command line as data, read from the parser: for shell completion and man pages."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from gpuwatch.cli.words.common import Commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option with its names; `value` is what it takes, "" for nothing."""

    names: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def longest(self) -> str:
        """The name that explains itself."""
        return max(self.names, key=len)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An argument without a name."""

    value: str
    help: str
    choices: tuple[str, ...] = ()
    required: bool = True
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command or a group of commands; `words` are how it is called, () for gpuwatch itself."""

    words: tuple[str, ...]
    help: str
    description: str
    epilog: str
    options: tuple[Option, ...]
    places: tuple[Place, ...]
    commands: tuple["Command", ...]

    def walk(self) -> Iterator["Command"]:
        """This command and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()


def grammar(parser: argparse.ArgumentParser) -> Command:
    """The whole command line. Commands that are added without help are for machines: left out."""
    return _command(parser, (), "")


def _command(parser: argparse.ArgumentParser, words: tuple[str, ...], text: str) -> Command:
    # argparse has no public way to ask a parser what it knows.
    actions = parser._actions  # noqa: SLF001
    told = [action for action in actions if action.help is not argparse.SUPPRESS]
    below = [action for action in told if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    return Command(
        words=words,
        help=text,
        description=parser.description or text,
        epilog=parser.epilog or "",
        options=tuple(_option(action) for action in told if action.option_strings),
        places=tuple(
            _place(action) for action in told if not action.option_strings and action not in below
        ),
        commands=tuple(command for group in below for command in _below(group, words)),
    )


def _below(group: Commands, words: tuple[str, ...]) -> Iterator[Command]:
    helps = {choice.dest: choice.help or "" for choice in group._choices_actions}  # noqa: SLF001
    for name, parser in group.choices.items():
        if name in helps:
            yield _command(parser, (*words, name), helps[name])


def _option(action: argparse.Action) -> Option:
    return Option(
        names=tuple(action.option_strings),
        value="" if action.nargs == 0 else _value(action),
        help=_help(action),
        choices=_choices(action),
        required=action.required,
    )


def _place(action: argparse.Action) -> Place:
    return Place(
        value=_value(action),
        help=_help(action),
        choices=_choices(action),
        required=action.nargs not in ("?", "*"),
        repeated=action.nargs in ("*", "+"),
    )


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "|".join(_choices(action)) or action.dest.upper()


def _choices(action: argparse.Action) -> tuple[str, ...]:
    return tuple(map(str, action.choices or ()))


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")
