"""Command line: one module for each group of commands."""

import importlib
import sys
from argparse import Namespace
from collections.abc import Sequence

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import print_error
from gpuwatch.cli.parser import read_words
from gpuwatch.cli.streams import give_up_output, is_of_output, prepare
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind

_STATUS = {
    ErrorKind.USAGE: Exit.USAGE,
    ErrorKind.NOT_FOUND: Exit.USAGE,
    ErrorKind.DENIED: Exit.DENIED,
    ErrorKind.BUSY: Exit.TEMPORARY,
    ErrorKind.REFUSED: Exit.ATTENTION,
    ErrorKind.FAILED: Exit.ATTENTION,
}
_ABSENT = "start it: systemctl start gpuwatch; or name its socket with --socket"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the status for the shell. Only the command's own module is imported."""
    prepare()
    arguments = read_words(sys.argv[1:] if words is None else words)
    try:
        return _run(arguments)
    except BrokenPipeError:
        give_up_output()
        return Exit.PIPE
    except OSError as error:
        if not is_of_output(error):
            raise
        give_up_output()
        what = f"the output cannot be written: {error.strerror}"
        print_error(what, "is there room where it goes?", as_json=False)
        return Exit.ATTENTION
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def _run(arguments: Namespace) -> int:
    module, function = arguments.command.split(":")
    try:
        status = int(getattr(importlib.import_module(module), function)(arguments))
    except ControlError as refused:
        print_error(refused.what, refused.remedy, as_json=arguments.json)
        status = _STATUS[refused.kind]
    except AgentAbsentError as absent:
        print_error(str(absent), _ABSENT, as_json=arguments.json)
        status = Exit.UNAVAILABLE
    sys.stdout.flush()
    return status
