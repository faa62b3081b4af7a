"""Releases: the systems that packages are tried on, this machine's own and others by their name.

A root of another one is made from its own archive, whose signature is checked: Debian's with the
keys that Debian has here, Ubuntu's with those that Debian's package ubuntu-keyring brings.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

# What every root has beside the essential packages: systemd as init, and the release's Python.
PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "udev", "procps")
# What others have beside: a reader of manual pages, and what the bundle makes its folder with.
_MORE = (*PACKAGES, "man-db", "python3-venv")


@dataclass(frozen=True, slots=True)
class Release:
    """A release; `python` is the minor that gpuwatch runs with, "" where only the machine knows it.

    `exposures` is what its own systemd-analyze says of gpuwatch.service and gpuwatch-sram.service;
    nothing where it is too old to tell without a running system. `keys_of` is the release whose
    root has the keys of this one's archive.
    """

    codename: str
    python: str = ""
    exposures: tuple[str, ...] = ()
    packages: tuple[str, ...] = PACKAGES
    components: str = "main"
    keys_of: "Release | None" = None


def _codename() -> str:
    path = Path("/etc/os-release")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    return told.get("VERSION_CODENAME", "").strip('"') or "stable"


OWN = Release(_codename())
BOOKWORM = Release("bookworm", "3.11", ("2.0", "1.2"), _MORE)
TRIXIE = Release("trixie", "3.13", ("2.0", "1.2"), (*_MORE, "ubuntu-keyring"))
# Apt is none of Ubuntu's required packages.
_UBUNTUS = (*_MORE, "apt")
NOBLE = Release("noble", "3.12", ("2.0", "1.2"), _UBUNTUS, "main,universe", keys_of=TRIXIE)
# Its python3 is 3.10: what gpuwatch runs with comes beside it.
_BESIDE = (*_UBUNTUS, "python3.11", "python3.11-venv")
JAMMY = Release("jammy", "3.11", (), _BESIDE, "main,universe", keys_of=TRIXIE)


def _named(release: Release) -> object:
    return pytest.param(release, id=release.codename, marks=pytest.mark.distros)


# For fixtures: those that `make distros` tries, and the same after what every test run tries.
NAMED = tuple(map(_named, (BOOKWORM, TRIXIE, NOBLE, JAMMY)))
OWN_AND_OTHERS = (pytest.param(OWN, id="own"), *map(_named, (TRIXIE, NOBLE, JAMMY)))
