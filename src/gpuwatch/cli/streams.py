"""Streams: standard input, output and errors that are closed, full, or read by nobody any more."""

import errno
import io
import os
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def prepare() -> None:
    """Lead each stream that was closed before we began to nowhere; write what a terminal lacks.

    Python has None for a closed one: errors would go to standard output, and the first file that
    is opened would take its number.
    """
    for name, mode in _STREAMS:
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not know every letter
        sys.stdout.reconfigure(errors="backslashreplace")


def give_up_output() -> None:
    """Let go of standard output: Python writes what is left once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_of_output(error: OSError) -> bool:
    """Whether it is standard output that cannot be written; errors of files name their file."""
    return error.filename is None and error.errno in _UNWRITABLE
