"""Check: whether an archive of evidence is what its manifest lists, without unpacking it."""

import gzip
import hashlib
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from gpuwatch.cli.archives import MANIFEST

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_MOST_MANIFEST = 4 << 20
_MOST_FILES = 10_000
_CHUNK = 1 << 20


class NoBundleError(Exception):
    """A file that is no archive of evidence, or a damaged one: what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: names that differ from the manifest, that it lists in vain, or lacks."""

    folder: str
    files: int
    differ: tuple[str, ...]
    missing: tuple[str, ...]
    unlisted: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all is as the manifest lists it."""
        return not (self.differ or self.missing or self.unlisted)


def check(path: Path) -> Checked:
    """Look at the whole archive. Raises NoBundleError, OSError."""
    try:
        with gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            found = _read(tar)
            while packed.read(_CHUNK):  # to its end, where its own sum stands
                pass
    except EOFError as error:
        raise NoBundleError("it ends early") from error
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error) as error:
        raise NoBundleError(f"it is no .tar.gz, or damaged ({error})") from error
    return _compared(found)


@dataclass(slots=True)
class _Found:
    folder: str
    digests: dict[str, str]
    manifest: str | None


def _read(tar: tarfile.TarFile) -> _Found:
    """The sum of every file. Nothing is written anywhere, whatever the names say."""
    found = _Found("", {}, None)
    for entry in tar:
        folder, _, name = entry.name.partition("/")
        found.folder = found.folder or folder
        if folder != found.folder or not (entry.isreg() or entry.isdir()):
            raise NoBundleError(f"{_shown(entry.name)} does not belong into such an archive")
        if entry.isdir():
            continue
        if not name or name in found.digests or len(found.digests) >= _MOST_FILES:
            raise NoBundleError(f"{_shown(entry.name)} is there twice, or one file too many")
        found.digests[name] = _digest(tar, entry, found)
    return found


def _digest(tar: tarfile.TarFile, entry: tarfile.TarInfo, found: _Found) -> str:
    file = cast("BinaryIO", tar.extractfile(entry))  # never None for a regular file
    if entry.name == f"{found.folder}/{MANIFEST}":
        if entry.size > _MOST_MANIFEST:
            raise NoBundleError(f"its {MANIFEST} is larger than any")
        content = file.read()
        found.manifest = content.decode(errors="replace")
        return hashlib.sha256(content).hexdigest()
    total = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        total.update(chunk)
    return total.hexdigest()


def _compared(found: _Found) -> Checked:
    if found.manifest is None:
        raise NoBundleError(f"it has no {MANIFEST}")
    listed = dict(_listed(found.manifest))
    there = {name: digest for name, digest in found.digests.items() if name != MANIFEST}
    both = listed.keys() & there.keys()
    return Checked(
        folder=_shown(found.folder),
        files=len(there),
        differ=tuple(sorted(_shown(name) for name in both if listed[name] != there[name])),
        missing=tuple(sorted(map(_shown, listed.keys() - there.keys()))),
        unlisted=tuple(sorted(map(_shown, there.keys() - listed.keys()))),
    )


def _listed(manifest: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(manifest.splitlines(), 1):
        told = _LINE.fullmatch(line)
        if told is None:
            raise NoBundleError(f"line {number} of its {MANIFEST} is no sum and name")
        yield told[2], told[1]


def _shown(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name)[:200]
