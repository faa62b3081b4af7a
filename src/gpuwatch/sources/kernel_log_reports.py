"""Kernel-log reports: from what the child says to dated events and the position behind them."""

import math
from collections.abc import Mapping
from typing import Any

from gpuwatch.domain.events import Event
from gpuwatch.domain.moments import Moment
from gpuwatch.sources.base import LogPosition
from gpuwatch.sources.kernel_events import KernelEvents, LogClock, Stamp, compared
from gpuwatch.sources.kernel_lines import KernelLines, line_of
from gpuwatch.sources.kmsg import KernelRecord, looks_like_xid, matters, read_line

# Two boots are the same when they began at the same time, as well as a dump's date tells it.
_SAME_BOOT_SECONDS = 900.0
# A position without an event before it is worth no transaction of its own more often than this.
_POSITION_SECONDS = 60.0
_USEC = 1e-6
Report = Event | LogPosition


class KernelLogReports:
    """Puts together what one child after the other says. Time is passed in.

    `lines` are the latest lines as they were written, for who wants them: they are no reports.
    `position` is how far the log was read and delivered, over all children. `lost` counts records
    overwritten unread, `skipped` lines of floods that were not kept, `unread` lines that look like
    an Xid and are in no known shape.
    """

    def __init__(self, position: LogPosition | None) -> None:
        self.position = position
        self.lines = KernelLines()
        self.lost = 0
        self.skipped = 0
        self.unread = 0
        self._events = KernelEvents()
        self._said = -1  # the last record read in this life; a position may lag behind it
        self._kept = -1  # the last record among the lines: a new child says all of them again
        self._owed = False  # an event was delivered and no position behind it yet
        self._position_at = -math.inf  # seconds since boot when the last one was delivered
        self._clock = LogClock()

    def after(self, boot_id: str) -> int | None:
        """The last record known of this boot: it and those before are not to be delivered again."""
        known = self.position is not None and self.position.boot_id == boot_id
        stored = self.position.sequence if self.position is not None and known else -1
        last = max(stored, self._said)
        return last if last >= 0 else None

    def begin(self) -> None:
        """A new child reads from the start of what the kernel still has."""
        self._events = KernelEvents()

    def read(self, message: Mapping[str, Any], now: Moment) -> tuple[Report, ...]:
        """What to deliver, in order, for a message received `now`.

        Raises KeyError, TypeError or ValueError for a message out of the protocol.
        """
        match message["say"]:
            case "ready":
                return self._ready(message, now)
            case "record":
                return self._record(message, now)
            case "position":
                return self._position(message, now)
            case "dump":
                return self._dump(message)
            case "lost":
                self.lost += int(message["count"])
                return ()
            case "skipped":
                self.skipped += int(message["count"])
                return ()
            case other:
                raise ValueError(f"no message of the kernel-log reader: {other!r}")

    def _ready(self, message: Mapping[str, Any], now: Moment) -> tuple[Report, ...]:
        """A child reads from the start: what is known of the log's clock in this boot holds on."""
        position = self.position
        if message["kind"] != "kmsg":
            self._clock = LogClock(drift=0.0)
        elif position is not None and position.boot_id == now.boot_id:
            self._clock = LogClock(position.skew, position.skew_at)
        else:
            self._clock = LogClock(float(message["suspended"]))
        return ()

    def _record(self, message: Mapping[str, Any], now: Moment) -> tuple[Report, ...]:
        record = KernelRecord(
            priority=int(message["priority"]),
            sequence=int(message["sequence"]),
            usec=int(message["usec"]),
            flags=str(message["flags"]),
            text=str(message["text"]),
        )
        live = bool(message["live"])
        if live:
            self._clock = compared(record.usec, now)
        stamp = self._clock.stamp(record.usec, now, live=live)
        self._keep(record, stamp, seen=bool(message["seen"]))
        event = self._events.read(record, stamp) if matters(record.text) else None
        if message["seen"]:
            return ()
        self._said = record.sequence
        if event is None and looks_like_xid(record.text) and read_line(record.text) is None:
            self.unread += 1
        if event is None:
            return ()
        self._owed = True
        return (event,)

    def _keep(self, record: KernelRecord, stamp: Stamp, *, seen: bool) -> None:
        """Keep the line, once: an agent that was started anew finds in the log what it knew."""
        if not seen or record.sequence > self._kept:
            self._kept = record.sequence
            line = line_of(record, stamp.boot_id, stamp.at, priority=record.priority)
            self.lines.add(line)

    def _position(self, message: Mapping[str, Any], now: Moment) -> tuple[Report, ...]:
        fresh = self.position is None or self.position.boot_id != now.boot_id
        due = now.boottime - self._position_at >= _POSITION_SECONDS
        if message.get("live"):
            self._clock = compared(int(message["usec"]), now)
        if "sequence" not in message or not (fresh or due or self._owed):
            return ()
        self._owed, self._position_at = False, now.boottime
        self.position = LogPosition(
            boot_id=now.boot_id,
            sequence=int(message["sequence"]),
            usec=int(message["usec"]),
            booted_at=now.wall - now.boottime,
            skew=self._clock.skew,
            skew_at=self._clock.at,
        )
        return (self.position,)

    def _dump(self, message: Mapping[str, Any]) -> tuple[Report, ...]:
        """The end of an earlier boot's log: without what was read while that boot lived.

        A dump from before the boot that was read last was delivered at the start of that boot.
        """
        written_at, last = float(message["at"]), int(message["last"])
        boot_id, known_usec, position = f"dump-{int(written_at)}", -1, self.position
        if position is not None:
            began = written_at - last * _USEC
            if abs(began - position.booted_at) <= _SAME_BOOT_SECONDS:
                boot_id, known_usec = position.boot_id, position.usec
            elif written_at < position.booted_at:
                return ()
        events = KernelEvents()
        found = []
        for number, (usec, text) in enumerate(message["lines"]):
            record = KernelRecord(
                priority=0, sequence=number, usec=int(usec), flags="-", text=str(text)
            )
            stamp = Stamp(
                boot_id=boot_id,
                at=written_at - (last - record.usec) * _USEC,
                not_after=written_at,
            )
            self.lines.add(line_of(record, stamp.boot_id, stamp.at, priority=None))
            event = events.read(record, stamp) if matters(record.text) else None
            if event is not None and record.usec > known_usec:
                found.append(event)
        return tuple(found)
