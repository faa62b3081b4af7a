"""System: what the service manager and the table of processes say, each in bounded time."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

UNIT = "gpuwatch.service"
SECONDS = 8.0
_OUTPUT_LIMIT = 2 << 20  # bytes
_SHOWN = (
    "LoadState,ActiveState,SubState,Result,UnitFileState,ExecMainCode,ExecMainStatus,NRestarts,"
    "MainPID,NeedDaemonReload,FragmentPath,DropInPaths"
)
_STANDARD = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"}


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its name as the kernel has it, its parent, and its state letter."""

    pid: int
    name: str
    parent: int
    state: str


def said(*command: str) -> str | None:
    """What a program wrote to standard output; None where it is not there, failed or hung."""
    path = shutil.which(command[0], path=_STANDARD["PATH"])
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
            env=_STANDARD,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout[-_OUTPUT_LIMIT:].decode(errors="replace")


def is_systemds(root: Path = Path("/")) -> bool:
    """Whether systemd runs the services here (sd_booted(3))."""
    return (root / "run" / "systemd" / "system").is_dir()


def unit_properties(unit: str = UNIT) -> Mapping[str, str] | None:
    """What systemd knows of a unit; None where it does not say."""
    text = said("systemctl", "show", "--no-pager", f"--property={_SHOWN}", unit)
    if text is None:
        return None
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def journal(lines: int, *matches: str) -> str | None:
    """The latest lines of the journal, without the name of the host."""
    form = ("--no-pager", "--no-hostname", "--output=short-iso", f"--lines={lines}")
    return said("journalctl", "--quiet", *form, *matches)


def processes(proc: Path) -> Iterator[Process]:
    """Every process that can be seen; one that ends meanwhile is left out.

    Nothing is read that needs a lock of the process: one that hangs would hang whoever looks.
    """
    for home in proc.iterdir():
        if not home.name.isdecimal():
            continue
        try:
            stat = (home / "stat").read_text(errors="replace")
        except OSError:
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        fields = rest.split()
        yield Process(int(home.name), name, int(fields[1]), fields[0])


def below(listed: Mapping[int, Process], ancestor: int) -> frozenset[int]:
    """The processes that descend from one, itself included."""
    found = {ancestor}
    while more := {pid for pid, one in listed.items() if one.parent in found} - found:
        found |= more
    return frozenset(found)


def opened(home: Path, prefix: str) -> bool:
    """Whether a process holds a file whose name begins so. Raises PermissionError."""
    for entry in (home / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if str(entry.readlink()).startswith(prefix):
                return True
    return False
