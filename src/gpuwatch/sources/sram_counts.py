"""SRAM counts: the file in which root hands over what the driver tells to root only.

One JSON object: `format`, the boot and the seconds since it (CLOCK_BOOTTIME) at which the driver
was asked, and by UUID what it said, by the keys of the signal table: whole numbers in the row's own
unit. Its reader takes it from root alone: whoever else could write it could have a
board replaced, or keep one from it.
"""

import json
import math
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpuwatch.domain.moments import Moment

FORMAT = 1
_LIMIT = 262_144  # bytes; a GPU takes 800
_MOST = 2**64 - 1
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe would keep us for ever
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_SLACK_SECONDS = 1.0


class CountsRefused(Exception):  # noqa: N818 - says what is wrong with the file
    """The file cannot be trusted or understood: what, and the way out."""


@dataclass(frozen=True, slots=True)
class SramCounts:
    """What the driver said at `boottime` of the boot `boot_id`: by UUID, by `Signal.key`."""

    boot_id: str
    boottime: float
    gpus: Mapping[str, Mapping[str, int]]


def write(path: Path, counts: SramCounts) -> None:
    """Put the file in the place of the one before, whole. Raises OSError."""
    gpus = {uuid: dict(told) for uuid, told in counts.gpus.items()}
    body = {"format": FORMAT, "boot_id": counts.boot_id, "boottime": counts.boottime, "gpus": gpus}
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(scratch, flags, 0o644), "w") as file:
        file.write(json.dumps(body) + "\n")
    scratch.replace(path)


def read(path: Path, now: Moment, owners: Collection[int]) -> SramCounts:
    """The file's counts. Raises FileNotFoundError, and CountsRefused for one that is no good.

    `owners` are the user ids that may have written it.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CountsRefused(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        _judge(path, os.fstat(descriptor), owners)
        body = file.read(_LIMIT + 1)
    if len(body) > _LIMIT:
        raise CountsRefused(f"{path} is larger than {_LIMIT} bytes (is it the right file?)")
    try:
        counts = _parse(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CountsRefused(
            f"{path} is not understood: {error!r} (are both of one version of gpuwatch?)"
        ) from error
    if counts.boot_id != now.boot_id:
        raise CountsRefused(f"{path} is of another boot (its timer writes it again)")
    if counts.boottime > now.boottime + _SLACK_SECONDS:
        raise CountsRefused(f"{path} says that it comes from the future (remove it)")
    return counts


def _judge(path: Path, file: os.stat_result, owners: Collection[int]) -> None:
    if not stat.S_ISREG(file.st_mode):
        raise CountsRefused(f"{path} is not a file (remove it)")
    if file.st_uid not in owners:
        raise CountsRefused(f"{path} belongs to user {file.st_uid}, and not to root (remove it)")
    if file.st_mode & _OF_OTHERS:
        raise CountsRefused(f"{path} can be written by others than its owner (remove it)")


def _parse(body: Any) -> SramCounts:  # noqa: ANN401 - JSON
    if body["format"] != FORMAT:
        raise ValueError(f"format {body['format']!r}, not {FORMAT}")
    boottime = float(body["boottime"])
    if not math.isfinite(boottime):
        raise ValueError(f"{boottime} is no instant")
    gpus = {
        str(uuid): {str(key): _count(value) for key, value in told.items()}
        for uuid, told in body["gpus"].items()
    }
    return SramCounts(str(body["boot_id"]), boottime, gpus)


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"{value!r} is no count")
    return value
