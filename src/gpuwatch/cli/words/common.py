"""Common: what every command of the command line takes, and how a duration is written."""

import argparse
from pathlib import Path
from typing import TypeAlias

from gpuwatch.config.durations import parse_duration

GPU = "index, UUID or its beginning, serial, or PCI address"

# argparse gives this type no public name.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def group(commands: Commands, name: str, text: str) -> Commands:
    """A word that other words follow: `gpuwatch boards list`."""
    one = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    return one.add_subparsers(metavar="VERB", required=True)


def command(commands: Commands, name: str, function: str, text: str) -> argparse.ArgumentParser:
    """A command, done by `function` of `gpuwatch.cli`, written "module:function"."""
    one = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    one.set_defaults(command=f"gpuwatch.cli.{function}", parser=one)
    one.add_argument("--json", action="store_true", help="print JSON for scripts")
    one.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration (default: GPUWATCH_CONFIG, else /etc/gpuwatch/gpuwatch.toml)",
    )
    return one


def client(commands: Commands, name: str, function: str, text: str) -> argparse.ArgumentParser:
    """A command that talks to the agent."""
    one = command(commands, name, function, text)
    one.add_argument(
        "--socket",
        type=Path,
        metavar="PATH",
        help="the agent's socket (default: control.sock in agent.runtime_directory)",
    )
    return one


def duration(text: str) -> object:
    """The type of an option such as `--for 2h`."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'"{text}" {error}') from error
