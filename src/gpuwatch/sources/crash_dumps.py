"""Crash dumps: what an earlier boot could still write of its kernel log before it died.

The kernel keeps the end of its log in firmware or reserved memory and shows it in /sys/fs/pstore
after the next boot; systemd moves it to /var/lib/systemd/pstore. Journal files are binary and are
not read. https://docs.kernel.org/admin-guide/abi-testing.html (pstore)
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.sources.kmsg import is_told_of, matters

DIRECTORIES = ("/var/lib/systemd/pstore", "/sys/fs/pstore")
_FILE_BYTES = 1 << 20
_ALL_BYTES = 16 << 20  # of which ten times as much becomes in memory
_FILES = 200
_TELLING_LINES, _OTHER_LINES = 256, 100
_DEPTH = 3
_WHOLE = "dmesg.txt"  # systemd's assembly of all parts in its directory
_PART = re.compile(r"^(\w+#\d+) Part ?\d+", re.MULTILINE)
_LINE = re.compile(r"^(?:<\d+>)?\[ *(\d+)\.(\d{6})\](?:\[[^\]]*\])? (.*)$", re.MULTILINE)
# EFI names a record by its Unix time; the part and count follow.
_DATE = re.compile(r"(?<!\d)(1\d{9})")
_EARLIEST = 1.2e9


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashDump:
    """The end of the log of a boot that crashed.

    `at` is when it was written (Unix seconds), `last_usec` the log's clock then; `lines` are
    microseconds on that clock and text, in order.
    """

    name: str
    at: float
    last_usec: int
    lines: tuple[tuple[int, str], ...]


def parse_lines(text: str) -> tuple[tuple[int, str], ...]:
    """The lines of a dump: microseconds since boot, and the message."""
    return tuple(
        (int(seconds) * 1_000_000 + int(usec), message)
        for seconds, usec, message in _LINE.findall(text)
    )


def parse_date(path: str, modified: float, now: float) -> float:
    """When a dump was written: the time in its name where there is one, else its file's."""
    for found in _DATE.findall(path):
        date = float(found)
        if _EARLIEST <= date <= now:
            return date
    return min(modified, now)


def read_dumps(
    directories: Iterable[str], now: float, most: int = _ALL_BYTES
) -> tuple[CrashDump, ...]:
    """All dumps that can be read, oldest first, every line once. Never raises for a bad file.

    Of more than `most` bytes the files that were written last.
    """
    found: dict[tuple[str, str], list[tuple[str, float, str]]] = {}
    for path in reversed(_files(directories)):
        read = _read(path) if most > 0 else None
        if read is not None:
            text, modified = read
            most -= len(text)
            part = _PART.search(text)
            key = (str(path.parent), part[1] if part else "")
            date = parse_date(str(path), modified, now)
            found.setdefault(key, []).append((path.name, date, text))
    dumps = (_dump(key, files) for key, files in found.items())
    ordered = sorted((dump for dump in dumps if dump.lines), key=lambda dump: dump.at)
    return tuple(_without_repeats(ordered))


def worth_telling(dump: CrashDump) -> list[tuple[int, str]]:
    """Its latest lines that events may come from, and between them the latest that only tell."""
    places = range(len(dump.lines))
    telling = [place for place in places if matters(dump.lines[place][1])]
    known = set(telling)
    others = [place for place in places if place not in known and is_told_of(dump.lines[place][1])]
    chosen = sorted((*telling[-_TELLING_LINES:], *others[-_OTHER_LINES:]))
    return [dump.lines[place] for place in chosen]


def _dump(key: tuple[str, str], files: list[tuple[str, float, str]]) -> CrashDump:
    directory, part = key
    whole = [file for file in files if file[0] == _WHOLE]
    lines = {line for _, _, text in whole or files for line in parse_lines(text)}
    return CrashDump(
        name=f"{directory} {part}".strip(),
        at=max(date for _, date, _ in files),
        last_usec=max((usec for usec, _ in lines), default=0),
        lines=tuple(sorted(lines)),
    )


def _without_repeats(dumps: Iterable[CrashDump]) -> Iterable[CrashDump]:
    """While systemd moves a dump, it stands in both places."""
    seen: set[tuple[int, str]] = set()
    for dump in dumps:
        fresh = tuple(line for line in dump.lines if line not in seen)
        seen.update(fresh)
        if fresh:
            yield CrashDump(name=dump.name, at=dump.at, last_usec=dump.last_usec, lines=fresh)


def _files(directories: Iterable[str]) -> list[Path]:
    paths: list[Path] = []
    for root in directories:
        for directory, below, names in os.walk(root):
            if directory.removeprefix(root).count(os.sep) >= _DEPTH:
                below.clear()
            below.sort()
            paths += [
                Path(directory, name)
                for name in sorted(names)
                # A name that ends in .z is compressed with what the kernel could not undo.
                if name.startswith(("dmesg", "console-")) and not name.endswith(".z")
            ]
    return sorted(paths, key=_modified)[-_FILES:]


def _modified(path: Path) -> tuple[float, str]:
    """When a file was written, and its name where several were at once: the latest matter most."""
    try:
        return path.stat().st_mtime, str(path)
    except OSError:  # moved in between
        return 0.0, str(path)


def _read(path: Path) -> tuple[str, float] | None:
    try:
        if not path.is_file():  # opening a FIFO would wait for its writer
            return None
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES)
            return data.decode(errors="replace"), os.fstat(file.fileno()).st_mtime
    except OSError:  # not permitted, or moved in between: what can be read is enough
        return None
