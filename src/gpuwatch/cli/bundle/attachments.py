"""Attachments: what a person puts beside the evidence, looked at before anything is written."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.control.requests import ControlError, ErrorKind

MOST_DIAGNOSTIC = 16 << 20
MOST_REPORT = 512 << 20  # compressed; such reports have a few MiB
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """The output of a diagnostic of the flagged board, as text."""

    name: str
    text: str
    sha256: str


def read_diagnostic(path: Path) -> Diagnostic:
    """What is in the file. Raises ControlError for one that is no text, or cannot be read."""
    content = _read(path, MOST_DIAGNOSTIC, "attach its summary")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        what = f"{path}: is no text (UTF-8)"
        raise ControlError(ErrorKind.USAGE, what, "attach the log of the diagnostic") from error
    return Diagnostic(path.name, text, hashlib.sha256(content).hexdigest())


def read_report(path: Path) -> bytes:
    """A bug report as nvidia-bug-report.sh writes it: gzip, whole; nothing in it is looked at."""
    content = _read(path, MOST_REPORT, "name the .log.gz that nvidia-bug-report.sh wrote")
    try:
        with gzip.open(path) as file:
            while file.read(_CHUNK):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise ControlError(
            ErrorKind.USAGE,
            f"{path}: is not gzip, or not whole",
            "name the .log.gz that nvidia-bug-report.sh wrote",
        ) from error
    return content


def _read(path: Path, most: int, remedy: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        what = f"{path}: {error.strerror}"
        raise ControlError(ErrorKind.USAGE, what, "name a file that you may read") from error
    if not content or len(content) > most:
        told = "is empty" if not content else f"is larger than {most >> 20} MiB"
        raise ControlError(ErrorKind.USAGE, f"{path}: {told}", remedy)
    return content
