"""Captures: what was known of a board when something happened to it, kept before anybody reboots.

The document of a capture is made of plain JSON values. Instants in it are texts, ISO 8601 in UTC
with milliseconds, as everywhere in documents; durations are seconds. Its keys, version 1:

    version, told_at, boot_id, uptime_seconds (of the host), because (a sentence), occasion
    host        name, labels, server, rules_version, agent_version and what the agent could not do
    driver      version, load, library, CUDA, when its epoch began, how it answers
    board       who it is, where it sits and what is remembered of it: the API's document of a GPU
    readings    [{signal, value or null, unit, gap: "" or why there is none, code, read_at}]
    readings_before   the same from the last sweep before that one in which the board answered
    minutes, hours    [{from, until, means, together, rises}], oldest first, by signal, base units
    kernel_lines      [{at, priority or null, text, boot_id, usec}], oldest first, as written
    events      of the board and of the host, the latest first
    findings    of the board; host_findings of the host
    bmcs        [{name, sensors, entries, ...}], the entries of 24 hours
    others      [{uuid, serial, slot, pci_address, verdict, findings: [{code, sentence}]}]
    afterwards  null, or what followed: told_at, boot_id, uptime_seconds, verdict, readings,
                findings, minutes, hours. Lines and events that followed are among the others
    cut         sentences, one for every list of which something was left out
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gpuwatch.domain.devices import BoardKey

VERSION: Final = 1
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
HOST_FINDINGS: Final = "host_findings"
BMCS: Final = "bmcs"
ENTRIES: Final = "entries"
OTHERS: Final = "others"
AFTERWARDS: Final = "afterwards"
CUT: Final = "cut"


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
