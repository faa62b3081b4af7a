"""Parser: the whole command line; what each command does is imported when it runs."""

import argparse

from gpuwatch import __version__
from gpuwatch.cli.exits import MEANINGS
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
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add(commands)
    return top
