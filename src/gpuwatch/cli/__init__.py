"""Command line: one module for each group of commands."""

import importlib
import io
import os
import sys
from collections.abc import Sequence

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import print_error
from gpuwatch.cli.parser import parser
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


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the status for the shell. Only the command's own module is imported."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not know every letter
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args(words)
    module, function = arguments.command.split(":")
    try:
        status = int(getattr(importlib.import_module(module), function)(arguments))
        sys.stdout.flush()
    except ControlError as refused:
        print_error(refused.what, refused.remedy, as_json=arguments.json)
        return _STATUS[refused.kind]
    except AgentAbsentError as absent:
        remedy = "start it (systemctl start gpuwatch), or name its socket with --socket"
        print_error(str(absent), remedy, as_json=arguments.json)
        return Exit.UNAVAILABLE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as a shell counts it
    return status
