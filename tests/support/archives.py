"""Archives: what lies in a package, asked of the packagers' own tools."""

import re
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tests.support.require import require

_RPM_FILE = "[%{FILENAMES}\t%{FILEMODES:octal}\t%{FILEUSERNAME}\t%{FILEGROUPNAME}\t%{FILEFLAGS}\n]"
_RPM_SETTINGS = 1 | 16  # RPMFILE_CONFIG and RPMFILE_NOREPLACE


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a package: its mode with its kind as a number, and its owners."""

    mode: int
    owner: str
    group: str
    settings: bool
    data: bytes = b""


def debian(package: Path) -> dict[str, Entry]:
    """Every path of a Debian package but for the folders of the system."""
    marked = debian_control(package, "conffiles").split()
    dpkg = require("dpkg-deb", "dpkg")
    packed = subprocess.run([dpkg, "--fsys-tarfile", str(package)], capture_output=True, check=True)
    found = {}
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        for member in archive.getmembers():
            path = member.name.removeprefix(".").rstrip("/")
            inner = archive.extractfile(member) if member.isfile() else None
            kind = {tarfile.DIRTYPE: 0o40000, tarfile.SYMTYPE: 0o120000}.get(member.type, 0o100000)
            found[path] = Entry(
                kind | member.mode,
                member.uname,
                member.gname,
                path in marked,
                inner.read() if inner else b"",
            )
    return found


def debian_control(package: Path, name: str) -> str:
    """One of the control files of a Debian package."""
    command = [require("dpkg-deb", "dpkg"), "--info", str(package), name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def rpm(package: Path) -> dict[str, Entry]:
    """Every path of an RPM package; without its data."""
    found = {}
    for line in rpm_query(package, f"--queryformat={_RPM_FILE}").splitlines():
        path, mode, owner, group, flags = line.split("\t")
        marked = int(flags) & _RPM_SETTINGS == _RPM_SETTINGS
        found[path] = Entry(int(mode, 8), owner, group, marked)
    return found


def rpm_query(package: Path, *words: str) -> str:
    """What rpm says of a package file."""
    command = [require("rpm", "rpm"), "--query", "--nosignature", *words, "--package", str(package)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def said(pattern: str, text: str) -> str:
    """The first group of the only match."""
    (found,) = re.findall(pattern, text)
    return str(found)
