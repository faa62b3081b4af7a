"""Probe stuck: what can be told of a child that does not answer, without asking it."""

import re
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.sources.wire import Progress

GONE = frozenset({"", "Z", "X"})  # states of a child that has ended, reaped or not
_UNINTERRUPTIBLE = "D"
_NANOSECONDS = 1e9
_SYMBOL = re.compile(r"\[<[0-9a-fx]+>\] ([^+\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """Where a child sits: the thread of it that no signal ends, where there is one, else its first.

    `state` is the kernel's state letter ("D": uninterruptible, no signal ends it; "" when the child
    is gone, "Z" when it has just died), `where` the kernel function it waits in ("" where not
    readable), `call` and `device` what it last said on its progress page ("" when nothing),
    `seconds` how long.
    """

    pid: int
    state: str
    where: str
    call: str
    device: str
    seconds: float

    def __str__(self) -> str:
        """A sentence's part for people, for example:

        `stuck for 94 s in state D, in nvmlDeviceGetRemappedRows, GPU 0000:03:00.0`.
        """  # noqa: D415 - an example ends it
        if self.state in GONE:
            parts = [f"ended after {self.seconds:.0f} s"]
        else:
            parts = [f"stuck for {self.seconds:.0f} s in state {self.state}"]
        if self.call:
            parts.append(f"in {self.call}")
        if self.device:
            parts.append(f"GPU {self.device}")
        if self.where:
            parts.append(f"kernel function {self.where}")
        return ", ".join(parts)


def describe_stuck(
    pid: int,
    progress: Progress | None,
    *,
    waiting: Progress | None = None,
    boottime: float,
    waited_seconds: float,
    proc: Path = Path("/proc"),
) -> Stuck:
    """Look at process `pid` from outside (30 us).

    `progress` is what its first thread last said, `waiting` its second, which waits for events.
    `boottime` is CLOCK_BOOTTIME now, in seconds; `waited_seconds` is told where the progress page
    tells nothing. Only files are read that need no lock of the process: its cmdline, environ and
    maps can block for ever on the memory lock of a task in state D.
    """
    home = proc / str(pid)
    state = _state(_read(home / "stat"))
    if state != _UNINTERRUPTIBLE and (thread := _uninterruptible(home)) is not None:
        # The first one may wait for a lock that this holds, or have ended: the process has not.
        home, state = thread, _UNINTERRUPTIBLE
        progress = waiting if waiting and waiting.device else progress or waiting
    seconds = waited_seconds
    if progress is not None:
        seconds = max(boottime - progress.since_ns / _NANOSECONDS, 0.0)
    return Stuck(
        pid=pid,
        state=state,
        where=_where(_read(home / "wchan"), _read(home / "stack")),
        call=progress.function if progress else "",
        device=progress.device if progress else "",
        seconds=seconds,
    )


def _uninterruptible(home: Path) -> Path | None:
    """The first thread of a process that is in state D; None where none is."""
    try:
        threads = sorted((home / "task").iterdir(), key=lambda thread: thread.name)
    except OSError:  # gone
        return None
    return next(
        (each for each in threads if _state(_read(each / "stat")) == _UNINTERRUPTIBLE), None
    )


def _state(stat: str) -> str:
    # The second field is the command in brackets and may hold anything, brackets included.
    fields = stat.rpartition(")")[2].split()
    return fields[0] if fields else ""


def _where(wchan: str, stack: str) -> str:
    """The wait channel; where it is hidden (it reads 0), the innermost frame of the stack."""
    if wchan not in {"", "0"}:
        return wchan
    innermost = _SYMBOL.search(stack)
    return innermost.group(1) if innermost else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:  # gone, or not permitted: part of what can be told is enough
        return ""
