"""Processes: what the kernel says of a process's CPU time, memory, descriptors and threads."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, counted behind the name.
_PPID, _UTIME, _STIME, _CUTIME, _CSTIME = 1, 11, 12, 13, 14


@dataclass(frozen=True, slots=True)
class Size:
    """What some processes hold: memory in bytes (proportional and unique), and how many things."""

    pss: int
    uss: int
    descriptors: int
    threads: int


def cpu_seconds(pids: tuple[int, ...]) -> float:
    """User and system time of all threads, also of those that ended."""
    return sum(_seconds(pid, _UTIME, _STIME) for pid in pids)


def cpu_seconds_with_ended(pid: int) -> float:
    """The same of one process and of all its children that have ended."""
    return _seconds(pid, _UTIME, _STIME, _CUTIME, _CSTIME)


def _seconds(pid: int, *places: int) -> float:
    fields = _stat(pid)
    return sum(int(fields[place]) for place in places) / _TICK


def family(pid: int) -> tuple[int, ...]:
    """A process and its children, the children in order of their ids."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            parent = int(_stat(int(entry.name))[_PPID])
        except OSError:
            continue
        if parent == pid:
            found.append(int(entry.name))
    return (pid, *sorted(found))


def command(pid: int) -> str:
    """A process's command line."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def size(pids: tuple[int, ...]) -> Size:
    """What these processes hold together."""
    rollups = [_rollup(pid) for pid in pids]
    return Size(
        pss=sum(rollup["Pss"] for rollup in rollups),
        uss=sum(rollup["Private_Clean"] + rollup["Private_Dirty"] for rollup in rollups),
        descriptors=sum(_count(f"/proc/{pid}/fd") for pid in pids),
        threads=sum(_count(f"/proc/{pid}/task") for pid in pids),
    )


def _count(directory: str) -> int:
    return sum(1 for _ in Path(directory).iterdir())


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _rollup(pid: int) -> dict[str, int]:
    """The rows of smaps_rollup in bytes."""
    _, *lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    rows = (line.split() for line in lines)
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}
