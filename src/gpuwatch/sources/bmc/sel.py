"""SEL: what is new in a BMC's system event log since a remembered position; it is only ever read.

A position is the last entry that was told, its record number and its content, beside when the log
was last erased and by which BMC. An entry counts as the same by its content: some BMCs number
their records anew.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gpuwatch.sources.bmc import gate
from gpuwatch.sources.bmc.link import NOT_PRESENT, Link, RefusedError, read
from gpuwatch.sources.bmc.sel_entries import FIRST, entries

ENTRIES_AT_ONCE = 200
_CHUNK_SECONDS = 10.0  # a slow BMC's entries are told in smaller parts
_INFO_BYTES = 14
_VERSION = "1"
_NOTHING = "-"
_PREINIT = 0x2000_0000  # below it a stamp counts seconds since the BMC started
_SETTLED_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Info:
    """Get SEL Info: how full the log is, and its stamps by the BMC's clock, as raw numbers."""

    entries: int
    free_bytes: int
    added: int
    erased: int
    overflowed: bool

    @classmethod
    def read(cls, link: Link) -> "Info":
        """Raises RefusedError."""
        raw = read(link, gate.GET_SEL_INFO, least=_INFO_BYTES)
        return cls(
            entries=int.from_bytes(raw[1:3], "little"),
            free_bytes=int.from_bytes(raw[3:5], "little"),
            added=int.from_bytes(raw[5:9], "little"),
            erased=int.from_bytes(raw[9:13], "little"),
            overflowed=bool(raw[13] & 0x80),
        )


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a log was told. `record` is None before its first entry.

    `old` says that what follows is still part of the first sight of the log.
    """

    record: int | None
    content: str
    erased: int
    guid: str
    old: bool = False

    def __str__(self) -> str:
        """One line for whoever stores it."""
        record = _NOTHING if self.record is None else str(self.record)
        words = (_VERSION, record, self.content or _NOTHING, str(self.erased))
        return " ".join((*words, self.guid or _NOTHING, str(int(self.old))))

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """What `str` wrote; None for anything else, as if the log had never been seen."""
        match text.split():
            case [version, record, content, erased, guid, old] if version == _VERSION:
                try:
                    return cls(
                        record=None if record == _NOTHING else int(record),
                        content="" if content == _NOTHING else content,
                        erased=int(erased),
                        guid="" if guid == _NOTHING else guid,
                        old=bool(int(old)),
                    )
                except ValueError:
                    return None
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Part:
    """Entries to tell, at most ENTRIES_AT_ONCE, and the position behind them."""

    entries: tuple[bytes, ...]
    position: Position
    baseline: bool = False
    cleared: bool = False
    wrapped: bool = False


class EventLog:
    """The log of one BMC, followed."""

    def __init__(self, position: str = "") -> None:
        self._position = Position.parse(position)
        self._known: Info | None = None

    def new(self, link: Link, info: Info, clock: int, guid: str) -> Iterator[Part | None]:
        """What was not told before; None where nobody must wait longer. Raises RefusedError.

        `clock` is the BMC's, 0 where it is unknown, and `guid` the BMC's, "" likewise.
        """
        if info == self._known and self._position is not None:
            return
        for part in self._parts(link, info, guid):
            if part is not None:
                self._position = part.position
            yield part
        # Within a second of the last entry another may come that leaves every number as it is.
        settled = info.added + _SETTLED_SECONDS < clock
        self._known = info if settled else None

    def _parts(self, link: Link, info: Info, guid: str) -> Iterator[Part | None]:
        position = self._position
        if position is None or _is_another(position.guid, guid):
            start = Position(None, "", info.erased, guid, old=True)
            yield from _told(_all(link, info), start, Part((), start))
            return
        start = replace(position, erased=info.erased, guid=guid or position.guid)
        following = _after(link, info, position)
        if following is not None:
            yield from _told(following, start, None if start == position else Part((), start))
            return
        yield from self._from_the_start(link, info, start, position.erased)

    def _from_the_start(
        self, link: Link, info: Info, start: Position, erased: int
    ) -> Iterator[Part | None]:
        """The remembered entry is not where it was: was the log emptied, or did it run over?"""
        found: list[bytes] = []
        reading, ended = _all(link, info), False
        while not ended:
            chunk, ended, refused = _chunk(reading)
            if refused is not None:
                raise refused
            found += chunk
            yield None
        contents = [_content(entry) for entry in found]
        if erased == info.erased and start.content in contents:
            # The records were numbered anew; what was told before is not told again.
            last = len(contents) - contents[::-1].index(start.content)
            there = replace(start, record=_number(found[last - 1]))
            yield from _told(iter(found[last:]), there, Part((), there))
            return
        numbers = [_number(entry) for entry in found]
        grew = erased == info.erased and bool(numbers) and min(numbers) > (start.record or 0)
        wrapped = info.overflowed or grew
        empty = replace(start, record=None, content="", old=False)
        flags = Part((), empty, cleared=not wrapped, wrapped=wrapped)
        yield from _told(iter(found), empty, flags)


def _all(link: Link, info: Info) -> Iterator[bytes]:
    """The whole log. Not every BMC answers well when an empty one is read."""
    return entries(link, FIRST) if info.entries else iter(())


def _after(link: Link, info: Info, position: Position) -> Iterator[bytes] | None:
    """What follows the remembered entry; None when that is not there, or is another."""
    if position.record is None:
        return _all(link, info)
    if not info.entries:
        return None
    following = entries(link, position.record)
    try:
        remembered = next(following, None)
    except RefusedError as refused:
        if refused.code != NOT_PRESENT:
            raise
        return None
    if remembered is None or not _is_same(position.content, remembered):
        return None
    return following


def _told(found: Iterator[bytes], start: Position, first: Part | None) -> Iterator[Part]:
    """Entries as parts. The flags of `first` go on the first, which is told also when empty."""
    position, flags, ended = start, first, False
    while not ended:
        chunk, ended, refused = _chunk(found)
        before = position
        if chunk:
            last = chunk[-1]
            position = replace(position, record=_number(last), content=_content(last))
        if ended and refused is None:
            position = replace(position, old=False)
        if flags is not None or position != before:
            part = flags or Part((), start)
            yield replace(part, entries=chunk, position=position, baseline=start.old)
            flags = None
        if refused is not None:
            raise refused


def _chunk(found: Iterator[bytes]) -> tuple[tuple[bytes, ...], bool, RefusedError | None]:
    """What is told at once; whether the log ended, and whether by a refusal."""
    chunk: list[bytes] = []
    until = time.monotonic() + _CHUNK_SECONDS
    try:
        while len(chunk) < ENTRIES_AT_ONCE and (not chunk or time.monotonic() < until):
            chunk.append(next(found))
    except StopIteration:
        return tuple(chunk), True, None
    except RefusedError as refused:
        return tuple(chunk), True, refused
    return tuple(chunk), False, None


def _number(entry: bytes) -> int:
    return int.from_bytes(entry[:2], "little")


def _content(entry: bytes) -> str:
    """All but its number."""
    return entry[2:].hex()


def _is_same(content: str, entry: bytes) -> bool:
    """Whether it is the remembered one, also when the BMC has corrected a stamp of its start."""
    if content == entry[2:].hex():
        return True
    remembered = bytes.fromhex(content)
    stamped = int.from_bytes(remembered[1:5], "little") < _PREINIT
    return stamped and remembered[:1] + remembered[5:] == entry[2:3] + entry[7:]


def _is_another(known: str, guid: str) -> bool:
    """Whether the log is that of another BMC than the one that was remembered."""
    return bool(known and guid and known != guid)
