r"""Kernel log: the child that follows /dev/kmsg and says what in it is about GPUs, line by line.

Started as `python -m gpuwatch.sources.kernel_log --path /dev/kmsg [--after SEQUENCE] [--dumps DIR
...] [--progress-fd N]`. It is asked nothing; end of its input ends it. It says (see wire.py):

    {"say": "dump", "name": ..., "at": Unix seconds, "last": usec, "lines": [[usec, text], ...]}
                                      one for every crash dump of an earlier boot, oldest first
    {"say": "ready", "pid": 1, "kind": "kmsg" | "fifo" | "file", "suspended": 0.0}
                                      once, the log is open; seconds since boot spent in suspend
    {"say": "failed", "reason": "denied" | "missing" | "failed", "code": errno, "text": ...}
                                                                          instead; it exits
    {"say": "record", "priority": 3, "sequence": 7, "usec": 5140900, "flags": "-", "text": ...,
     "live": true, "seen": false}
    {"say": "position", "sequence": 7, "usec": 5140900, "live": true}      all up to here was said
    {"say": "position"}                                        as before; at least every 60 s
    {"say": "lost", "count": 12}                               records were overwritten unread

    {"say": "skipped", "count": 40}                  lines of a flood that only tell were left out

`live` is true when the kernel's own log was read as it was written. A record at or before `--after`
is `seen`: said again, so that the parent can put lines together as it did before, and to be
delivered by nobody. What a process wrote into the log is left out. Records that no event can come
from, and that are kept as they are, have a budget: a bus that reports an error a thousand times a
second is not heard out.
"""

import errno
import os
import select
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from gpuwatch.sources import wire
from gpuwatch.sources.child import die_first, end_with_parent
from gpuwatch.sources.crash_dumps import read_dumps, worth_telling
from gpuwatch.sources.kmsg import (
    Freshness,
    KernelRecord,
    Ration,
    is_told_of,
    matters,
    parse_record,
)
from gpuwatch.sources.log_file import LogFile, LogKind

Say = Callable[[dict[str, Any]], None]

_OPTIONS = ("--path", "--after", "--dumps", "--progress-fd")
_BATCH = 256
_DUMP_LINE = 1_000  # characters
_POSITION_SECONDS = 60.0
_END_OF_FILE_SECONDS = 0.5  # a regular file cannot be waited for
_REPLACED_SECONDS = 5.0
_REASONS = {errno.EPERM: "denied", errno.EACCES: "denied", errno.ENOENT: "missing"}


class Follower:
    """Turns the records of one log into messages. `after` is the last sequence number known."""

    def __init__(self, log: LogFile, say: Say, after: int | None) -> None:
        self._log = log
        self._say = say
        self._after = after
        self._last = self._after
        self._read = -1
        self._usec = 0
        self._caught_up = False
        self._live = False
        self._freshness = Freshness()
        self._ration = Ration()
        self._skipped = 0
        self._told = False
        self._position: int | None = None
        self._said_at = 0.0

    def step(self) -> bool:
        """Read on; True when there is no more at present."""
        records, drained = self._log.read(_BATCH)
        for data in records:
            self._consider(data)
        started = drained and not self._caught_up
        if self._told or started or (records and self._quiet()):
            self._say_position(live=self._live and bool(records))
        self._caught_up = self._caught_up or drained
        return drained

    def sign_of_life(self) -> None:
        """Say something, when nothing was said for a minute."""
        if self._quiet():
            self._say_position(live=False)

    def _quiet(self) -> bool:
        return time.monotonic() - self._said_at >= _POSITION_SECONDS

    def _say_position(self, *, live: bool) -> None:
        """Say how far everything was said."""
        self._told, self._said_at = False, time.monotonic()
        if self._skipped:
            self._say({"say": "skipped", "count": self._skipped})
            self._skipped = 0
        if self._last is None or self._last == self._position or not self._usec:
            self._say({"say": "position"})
            return
        self._position = self._last
        said = {"say": "position", "sequence": self._last, "usec": self._usec, "live": live}
        self._say(said)

    def _consider(self, data: str) -> None:
        try:
            record = parse_record(data)
        except ValueError:
            return
        self._notice_new_log(record.sequence)
        self._count_lost(record.sequence)
        if self._after is None or record.sequence > self._after:
            self._last, self._usec = record.sequence, record.usec
        self._live = self._caught_up and self._is_fresh(record.usec)
        if not record.from_kernel:
            return
        if matters(record.text):
            self._say_record(record)
        elif is_told_of(record.text):
            if self._ration.allows(record):
                self._say_record(record)
            else:
                self._skipped += 1

    def _notice_new_log(self, sequence: int) -> None:
        """The kernel never counts backwards; who writes a FIFO may begin anew."""
        if sequence <= self._read:
            self._after = self._last = None
        self._read = sequence

    def _is_fresh(self, usec: int) -> bool:
        # A FIFO is filled after it is opened: its first records need not be new ones. It and a
        # file are dated by what stands in them.
        return self._log.kind is LogKind.KMSG and self._freshness.fresh(usec, time.monotonic())

    def _count_lost(self, sequence: int) -> None:
        """Sequence numbers tell exactly how many records were overwritten before being read."""
        overwritten, self._log.overwritten = self._log.overwritten, False
        lost = int(overwritten) if self._last is None else sequence - self._last - 1
        if lost > 0:
            self._told = True
            self._say({"say": "lost", "count": lost})

    def _say_record(self, record: KernelRecord) -> None:
        self._told = True
        self._say(
            {
                "say": "record",
                "priority": record.priority,
                "sequence": record.sequence,
                "usec": record.usec,
                "flags": record.flags,
                "text": record.text,
                "live": self._live,
                "seen": self._after is not None and record.sequence <= self._after,
            }
        )


def follow(path: str, after: int | None, say: Say) -> int:
    """Follow the log until the end of input; the exit status."""
    while True:
        try:
            log = LogFile(path)
        except OSError as error:
            return _fail(say, error)
        try:
            say(
                {
                    "say": "ready",
                    "pid": os.getpid(),
                    "kind": log.kind.value,
                    "suspended": _suspended() if log.kind is LogKind.KMSG else 0.0,
                }
            )
            if not _follow_one(log, Follower(log, say, after), sys.stdin.fileno()):
                return 0
        except BrokenPipeError:
            raise
        except OSError as error:
            return _fail(say, error)
        finally:
            log.close()


def _follow_one(log: LogFile, follower: Follower, asked: int) -> bool:
    """Until the log was replaced (True), or the end of input (False)."""
    looked = time.monotonic()
    while True:
        drained = follower.step()
        follower.sign_of_life()
        now = time.monotonic()
        if log.kind is not LogKind.KMSG and now - looked >= _REPLACED_SECONDS:
            looked = now
            if log.replaced():
                return True
        if _ended(log, asked, _pause(log) if drained else 0.0):
            return False


def _suspended() -> float:
    """Seconds of this boot spent in suspend, in which the log's clock stands still."""
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    return max(boottime - time.clock_gettime(time.CLOCK_MONOTONIC), 0.0)


def _pause(log: LogFile) -> float:
    """How long to wait for the log at most, in seconds."""
    if not log.pollable:
        return _END_OF_FILE_SECONDS
    return _POSITION_SECONDS if log.kind is LogKind.KMSG else _REPLACED_SECONDS


def _ended(log: LogFile, asked: int, seconds: float) -> bool:
    """Wait for the log; True at the end of input."""
    poller = select.poll()
    poller.register(asked, select.POLLIN)
    if log.pollable:
        poller.register(log.descriptor, select.POLLIN)
    ready = [descriptor for descriptor, _ in poller.poll(seconds * 1_000)]
    return asked in ready and not os.read(asked, wire.PAGE_BYTES)


def _fail(say: Say, error: OSError) -> int:
    code = error.errno or 0
    text = error.strerror or str(error)
    say({"say": "failed", "reason": _REASONS.get(code, "failed"), "code": code, "text": text})
    return 1


def _say_dumps(directories: Sequence[str], page: wire.ProgressPage | None, say: Say) -> None:
    """What earlier boots left. The parent sees on the page when a bad disk never answers."""
    if page is not None and directories:
        page.enter(time.clock_gettime_ns(time.CLOCK_BOOTTIME), "", "read crash dumps")
    for dump in read_dumps(directories, time.time()):
        lines = [[usec, text[:_DUMP_LINE]] for usec, text in worth_telling(dump)]
        if lines:
            say(
                {
                    "say": "dump",
                    "name": dump.name,
                    "at": dump.at,
                    "last": dump.last_usec,
                    "lines": lines,
                }
            )
    if page is not None:
        page.leave()


def _say_on_output(message: dict[str, Any]) -> None:
    line = memoryview(wire.encode(message))
    while line:
        line = line[os.write(sys.stdout.fileno(), line) :]


def _options(arguments: Sequence[str]) -> dict[str, list[str]]:
    """The values given for each option. Not argparse, which costs more memory than the rest."""
    options: dict[str, list[str]] = {name: [] for name in _OPTIONS}
    if len(arguments) % 2 or not options.keys() >= set(arguments[::2]):
        raise SystemExit(f"every option of {', '.join(_OPTIONS)} takes one value")
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        options[name].append(value)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the child; the exit status."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    path = options["--path"][-1] if options["--path"] else "/dev/kmsg"
    after = int(options["--after"][-1]) if options["--after"] else None
    shared = options["--progress-fd"]
    end_with_parent()
    die_first()
    page = wire.ProgressPage(int(shared[-1])) if shared else None
    try:
        _say_dumps(options["--dumps"], page, _say_on_output)
        return follow(path, after, _say_on_output)
    except BrokenPipeError:  # the agent is gone
        return 0


if __name__ == "__main__":
    sys.exit(main())
