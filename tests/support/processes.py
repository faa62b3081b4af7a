"""Processes as /proc shows them: children, whether one is gone, what it costs."""

import os
import re
import resource
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_GONE = frozenset("ZX")  # dead, whether or not somebody has taken note


@dataclass(frozen=True, slots=True)
class Child:
    """A process that cannot be mistaken for a later one with its number."""

    pid: int
    started: str
    command: str

    @property
    def program(self) -> str:
        """The module that it runs, "" when it is no Python child."""
        return self.command.partition(" -m ")[2].partition(" ")[0]

    @property
    def gone(self) -> bool:
        """Whether it has ended, all of its threads included (the first may end before others)."""
        stat = _stat(self.pid)
        if stat is None or stat[19] != self.started:
            return True
        return stat[0] in _GONE and len(_threads(self.pid)) <= 1


def children_of(pid: int) -> tuple[Child, ...]:
    """The children of a process at this instant."""
    found = []
    for place in _PROC.iterdir():
        if not place.name.isdecimal():
            continue
        stat = _stat(int(place.name))
        if stat is not None and int(stat[1]) == pid and stat[0] not in _GONE:
            found.append(Child(int(place.name), stat[19], _command(place)))
    return tuple(found)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, in clock ticks of 10 ms; 0 for one that is gone."""
    stat = _stat(pid)
    return 0.0 if stat is None else (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int | None:
    """Its proportional share of memory (PSS); None where the kernel does not tell."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return None
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def address_space(pid: int) -> int:
    """What the limit of its memory counts (VmSize), in bytes."""
    status = (_PROC / str(pid) / "status").read_text()
    found = re.search(r"^VmSize:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def bound_memory(pid: int, size: int) -> None:
    """Let a process, and what it starts from now on, have so many bytes of address space."""
    hard = resource.prlimit(pid, resource.RLIMIT_AS)[1]
    resource.prlimit(pid, resource.RLIMIT_AS, (size, hard))


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (proc(5)); None when there is none."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _threads(pid: int) -> tuple[Path, ...]:
    try:
        return tuple((_PROC / str(pid) / "task").iterdir())
    except FileNotFoundError:
        return ()


def _command(place: Path) -> str:
    try:
        return (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
