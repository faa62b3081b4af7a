"""Archives: a tar.gz that is the same for the same content, with a manifest of SHA-256 sums."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.history.backups import trouble
from gpuwatch.history.placing import placed

MANIFEST = "MANIFEST.sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What was written: the file, its size in bytes, its SHA-256, and the names of its members."""

    path: Path
    size: int
    sha256: str
    names: tuple[str, ...]


def refuse_target(target: Path, *, overwrite: bool) -> None:
    """Raise ControlError(USAGE) where nothing may be written; asked before long work is begun."""
    # os.path says no, and raises nothing, where it cannot be looked at: writing tells why.
    if os.path.isdir(target):  # noqa: PTH112
        raise ControlError(ErrorKind.USAGE, f"{target} is a folder", "name a file in it")
    if not overwrite and os.path.lexists(target):
        raise ControlError(ErrorKind.USAGE, f"{target} exists", "name another, or --force")


def write(
    target: Path, folder: str, content: Mapping[str, bytes], *, at: float, overwrite: bool = False
) -> Archive:
    """Write `content`, by names relative to `folder`, and a manifest, as `target` with mode 0600.

    `at` (Unix seconds) is the time of every member, so that equal content makes equal bytes. Inside
    the unpacked folder `sha256sum -c MANIFEST.sha256` says whether all is whole. Raises
    ControlError.
    """
    body = packed(folder, content, at=at)
    refuse_target(target, overwrite=overwrite)
    try:
        with placed(target) as made:
            made.write_bytes(body)
            refuse_target(target, overwrite=overwrite)  # somebody else may have written meanwhile
    except OSError as error:
        told = trouble(target, error)
        raise ControlError(
            ErrorKind.FAILED, f"{told.what}; nothing was written", told.remedy
        ) from error
    names = (*sorted(content), MANIFEST)
    return Archive(
        path=target, size=len(body), sha256=hashlib.sha256(body).hexdigest(), names=names
    )


def packed(folder: str, content: Mapping[str, bytes], *, at: float) -> bytes:
    """The archive's bytes: members by name, the manifest last, owned by nobody in particular."""
    ordered = {name: content[name] for name in sorted(content)}
    whole = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=whole, mtime=int(at)) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, each in {**ordered, MANIFEST: manifest(ordered)}.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(each), int(at), 0o600
            tar.addfile(member, io.BytesIO(each))
    return whole.getvalue()


def manifest(content: Mapping[str, bytes]) -> bytes:
    """A line for each file, as `sha256sum -c` reads it."""
    lines = (
        f"{hashlib.sha256(each).hexdigest()}  {name}\n" for name, each in sorted(content.items())
    )
    return "".join(lines).encode()
