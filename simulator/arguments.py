"""Arguments: what a command of the simulator takes, in a row of a table."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command, as argparse takes it."""

    name: str
    type: Callable[[str], object] = str
    default: object = None
    choices: tuple[str, ...] | None = None
    nargs: str | None = None
    flag: bool = False

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Tell argparse."""
        if self.flag:
            parser.add_argument(self.name, action="store_true")
        elif self.nargs:
            parser.add_argument(self.name, type=self.type, default=self.default, nargs=self.nargs)
        elif self.name.startswith("--"):
            parser.add_argument(
                self.name, type=self.type, default=self.default, choices=self.choices
            )
        else:
            parser.add_argument(self.name, type=self.type, choices=self.choices)
