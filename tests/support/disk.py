"""Disks for tests: small file systems of their own that fill up."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.require import require


@contextmanager
def small_disk(directory: Path, mebibytes: int = 2) -> Iterator[Path]:
    """A tmpfs mounted on a new `directory`; skips the test where that is not permitted."""
    directory.mkdir()
    command = [require("mount", "mount"), "-t", "tmpfs", "-o", f"size={mebibytes}m", "none"]
    mounted = subprocess.run([*command, str(directory)], check=False, capture_output=True)
    if mounted.returncode:
        text = "missing: the right to mount a tmpfs (run as root)"
        if os.environ.get("GPUWATCH_REQUIRE") == "all":
            pytest.fail(text)
        pytest.skip(text)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)  # noqa: S607 - of the system


def fill(directory: Path) -> Path:
    """Write a file until the disk is full; the file, to be removed."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512):
            _write_until_full(file.fileno(), size)
    return filler


def _write_until_full(descriptor: int, size: int) -> None:
    try:
        while os.write(descriptor, bytes(size)):
            pass
    except OSError:
        return
