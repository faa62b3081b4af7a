"""Parser: the whole command line; what each command does is imported when it runs."""

import argparse
import difflib
from collections.abc import Sequence

from gpuwatch import __version__
from gpuwatch.cli.exits import MEANINGS, Exit
from gpuwatch.cli.grammar import grammar
from gpuwatch.cli.output import print_error
from gpuwatch.cli.words import (
    backtest,
    bmcs,
    boards,
    doctor,
    flags,
    looking,
    maintenance,
    release,
    running,
    shell,
    tables,
    upkeep,
)

# The groups in the order in which `gpuwatch --help` and the manual page tell them.
GROUPS = (
    running,
    doctor,
    looking,
    flags,
    boards,
    bmcs,
    maintenance,
    release,
    upkeep,
    tables,
    backtest,
    shell,
)


_COMMAND = "COMMAND"


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    epilog = "exit status:\n" + "".join(f"  {int(k):>3}  {v}\n" for k, v in MEANINGS.items())
    top = argparse.ArgumentParser(
        prog="gpuwatch",
        description="Watches GPUs, remembers every board, flags boards to replace in a window.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"gpuwatch {__version__}")
    commands = top.add_subparsers(metavar=_COMMAND, required=True)
    for group in GROUPS:
        group.add(commands)
    return top


def read_words(words: Sequence[str]) -> argparse.Namespace:
    """What the words of a command line ask for. Raises SystemExit(2) after telling what is wrong.

    What the library would say itself is put right in two places: of a command that does not exist
    it lists all others, those that are for machines too, and what one command does not take it
    tells with the usage of gpuwatch as a whole.
    """
    top = parser()
    top.exit_on_error = False
    try:
        arguments, unknown = top.parse_known_args(words)
    except argparse.ArgumentError as error:
        if error.argument_name != _COMMAND:
            top.error(str(error))
        named = next(word for word in words if not word.startswith("-"))
        print_error(f"there is no command {named}", _meant(top, named), as_json=False)
        raise SystemExit(Exit.USAGE) from error
    if unknown:
        behind = " (write -- before COMMAND)" if getattr(arguments, "run", None) else ""
        asked = getattr(arguments, "parser", top)
        asked.error(f"it does not take {' '.join(unknown)}{behind}")
    return arguments


def _meant(top: argparse.ArgumentParser, named: str) -> str:
    known = [command.words[0] for command in grammar(top).commands]
    near = " or ".join(difflib.get_close_matches(named, known))
    return f"did you mean {near}? " * bool(near) + "gpuwatch --help lists them"
