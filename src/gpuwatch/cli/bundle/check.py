"""Check: whether an archive of evidence is what its manifest lists, without unpacking it.

An archive may come from anybody. Nothing in it makes this take more memory or time than a whole one
would, and no name in it that would lead out of its folder is called whole.
"""

import gzip
import hashlib
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self, cast

from gpuwatch.cli.archives import MANIFEST

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_MOST_MANIFEST = 4 << 20
_MOST_FILES = 10_000
_MOST_BYTES = 2 << 30  # unpacked; a bug report has 512 MiB at most, all else 100 MiB
_MOST_HEADER = 64 << 10  # of a long name or of further attributes, which are read at once
_CHUNK = 1 << 20
_MEMBERS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
_HEADERS = (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME)


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
        with gzip.open(path) as packed:
            bounded = _Bounded(packed)
            stream = cast("BinaryIO", bounded)  # of which nothing but `read` is used
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as tar:
                found = _read(tar)
            while bounded.read(_CHUNK):  # to its end, where its own sum stands
                pass
    except EOFError as error:
        raise NoBundleError("it ends early") from error
    # Of headers that contradict themselves the library says no more than ValueError.
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, ValueError) as error:
        raise NoBundleError(f"it is no .tar.gz, or damaged ({error})") from error
    return _compared(found)


class _Bounded:
    """What was packed, up to more than any such archive holds: a few KiB may unpack to years."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        self._packed = packed
        self._left = _MOST_BYTES

    def read(self, size: int) -> bytes:
        """The next bytes. Raises NoBundleError, OSError, EOFError."""
        chunk = self._packed.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise NoBundleError(f"it is larger than {_MOST_BYTES >> 30} GiB unpacked")
        return chunk


class _Member(tarfile.TarInfo):
    """A member of such an archive, looked at before anything behind its header is read."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Self:
        """As the library reads a header. Raises NoBundleError for what nobody here has written."""
        member = super().frombuf(buf, encoding, errors)  # type: ignore[arg-type]  # as it is given
        if member.type in _HEADERS and member.size <= _MOST_HEADER:
            return member
        if member.type not in _MEMBERS:
            raise NoBundleError(f"{_shown(member.name)} does not belong into such an archive")
        return member


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
        if folder != found.folder or entry.issparse() or not _stays_inside(entry.name):
            raise NoBundleError(f"{_shown(entry.name)} does not belong into such an archive")
        if entry.isdir():
            continue
        if not name or name in found.digests or len(found.digests) >= _MOST_FILES:
            raise NoBundleError(f"{_shown(entry.name)} is there twice, or one file too many")
        found.digests[name] = _digest(tar, entry, found)
    return found


def _stays_inside(name: str) -> bool:
    """Whether a name leads into the archive's own folder wherever it is unpacked."""
    return "\\" not in name and not {"", ".", ".."} & set(name.removesuffix("/").split("/"))


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
    listed: dict[str, str] = {}
    for name, digest in _listed(found.manifest):
        if listed.setdefault(name, digest) != digest:
            raise NoBundleError(f"its {MANIFEST} has two sums for {_shown(name)}")
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
