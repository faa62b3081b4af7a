"""Captures: what was known of a board when something happened to it, kept before anybody reboots.

The document of a capture is made of plain JSON values. Instants in it are texts, ISO 8601 in UTC
with milliseconds, as in every document; durations are seconds. Its keys, in version 1:

    version, told_at, boot_id, uptime_seconds (of the host), occasion, because (a sentence)
    host        the status document of the host, and what its firmware says of the `server`
    driver      version, load, library, cuda, condition, text
    board       the document of the GPU, without what stands beside it here
    readings    [{signal, value or null, unit, gap: null or why there is no value, code, read_at}]
    readings_before   the same of the sweeps before those in which the board answered
    minutes, hours    [{from, until, means, together, rises}]: by signal, in base units
    kernel_lines      [{at, priority or null, text, boot_id, usec}] as the kernel wrote them
    events      of the board, and of the host as a whole; the latest first
    findings    of the board; those of the host are in `host`
    bmcs        the documents of this host's BMCs: sensors, and the log `entries` of 24 hours
    others      [{uuid, serial, slot, pci_address, index, verdict, findings: [{code, sentence}]}]
    afterwards  null, or what followed: told_at, boot_id, uptime_seconds, present, verdict,
                readings, findings, minutes, hours. Lines and events that followed are among theirs
    cut         sentences: what of it was left out, and why

Lists are in order of time, the oldest first, where nothing else is said.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gpuwatch.domain.devices import BoardKey

VERSION: Final = 1
FOLLOWS_SECONDS = 1.0  # so long after it, lines and events told a moment later are added
SETTLES_SECONDS = 60.0  # so long after it, on the boot clock, what followed is added
FIRST_KEPT, LATEST_KEPT = 8, 24  # of one board

# Keys of the document, for who writes and who reads it.
TOLD_AT: Final = "told_at"
BOOT_ID: Final = "boot_id"
UPTIME: Final = "uptime_seconds"
BECAUSE: Final = "because"
OCCASION: Final = "occasion"
HOST: Final = "host"
DRIVER: Final = "driver"
BOARD: Final = "board"
READINGS: Final = "readings"
READINGS_BEFORE: Final = "readings_before"
MINUTES: Final = "minutes"
HOURS: Final = "hours"
KERNEL_LINES: Final = "kernel_lines"
EVENTS: Final = "events"
FINDINGS: Final = "findings"
BMCS: Final = "bmcs"
ENTRIES: Final = "entries"
OTHERS: Final = "others"
AFTERWARDS: Final = "afterwards"
CUT: Final = "cut"
INCIDENTS: Final = "incidents"  # of the board's document

# What a document may take as text; packed, it takes a tenth of that.
LIMIT_BYTES = 256 * 1024
FIRST_LIMIT_BYTES = 192 * 1024  # of what is told at once, so that what follows has room
SPACING_SECONDS = 3600.0
LONGEST = 512  # lines and events of one document
LEAST = 64  # of each list, however large the rest is: cutting more would cost the story


class Occasion(StrEnum):
    """What a capture was made for."""

    INCIDENT = "incident"
    OFF_BUS = "off_bus"
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What was known of `board` at `at`, Unix seconds.

    `settled` says that what followed in the next minute is in the `document` as well.
    """

    number: int
    board: BoardKey
    occasion: Occasion
    at: float
    settled: bool
    document: Mapping[str, Any]


def recently(captures: Iterable[tuple[Occasion, float]], occasion: Occasion, now: float) -> bool:
    """Whether another capture for `occasion` would tell nothing new.

    `captures` are those of the board there are, with their Unix seconds. A new incident is always
    captured; a fall off the bus once an hour; a flag where nothing was captured within the hour.
    """
    if occasion is Occasion.INCIDENT:
        return False
    counting = {occasion} if occasion is Occasion.OFF_BUS else set(Occasion)
    return any(made in counting and 0 <= now - at < SPACING_SECONDS for made, at in captures)


def bounded(document: Mapping[str, Any], limit_bytes: int = LIMIT_BYTES) -> dict[str, Any]:
    """The document with its lists cut until it is small enough, and a word on that.

    Cut are kernel lines, events, incidents and entries of logs, the oldest first; never what was
    read, and not the latest `LEAST` of each. One with many readings or sensors may be larger.
    """
    shorter, kept = dict(document), LONGEST
    while _size(shorter) > limit_bytes and kept > LEAST:
        kept //= 2
        shorter = _cut(document, kept)
    if kept < LONGEST:
        told = f"of kernel lines, events, incidents and log entries the latest {kept} each are kept"
        shorter[CUT] = [*shorter.get(CUT, ()), f"{told}: the document was too large"]
    return shorter


def fits(document: Mapping[str, Any]) -> bool:
    """Whether the document need not be cut."""
    return _size(document) <= LIMIT_BYTES


def _cut(document: Mapping[str, Any], kept: int) -> dict[str, Any]:
    board = document[BOARD]
    return {
        **document,
        KERNEL_LINES: _last(document[KERNEL_LINES], kept),
        EVENTS: document[EVENTS][:kept],
        BOARD: {**board, INCIDENTS: _last(board[INCIDENTS], kept)},
        BMCS: [{**bmc, ENTRIES: bmc[ENTRIES][:kept]} for bmc in document[BMCS]],
    }


def _last(items: Sequence[Any], kept: int) -> Sequence[Any]:
    return items[len(items) - kept :] if kept < len(items) else items


def _size(document: Mapping[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":")))
