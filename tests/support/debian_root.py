"""Debian roots: a minimal Debian system in a folder, for packages and for units.

Its archive is made once, by mmdebstrap from the mirror that this machine's apt uses, and kept below
build/; every test unpacks its own copy.
"""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.require import miss, require

# What every root has beside the essential packages: systemd as init, and Debian's Python.
PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "udev", "procps")
_ROOTS = Path(__file__).parent.parent.parent / "build" / "roots"
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_MAKE_SECONDS = 280.0
_COMMAND_SECONDS = 120.0


def archive() -> Path:
    """The archive of a minimal root, made at the first call; about 260 MB.

    Skips, or fails where every group is required, without root, mmdebstrap or a Debian mirror.
    """
    if os.geteuid() != 0:
        miss("root, to make a minimal Debian root")
    mmdebstrap = require("mmdebstrap", "mmdebstrap")
    release = _codename()
    named = hashlib.sha256(" ".join((release, *PACKAGES)).encode()).hexdigest()[:12]
    made = _ROOTS / f"{release}-{named}.tar"
    _ROOTS.mkdir(parents=True, exist_ok=True)
    with (_ROOTS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _make(mmdebstrap, release, made)
    return made


def unpack(directory: Path) -> Path:
    """A root of its own in `directory`, which should lie on a real file system."""
    directory.mkdir(parents=True, exist_ok=True)
    _run(["tar", "--numeric-owner", "-xpf", str(archive()), "-C", str(directory)], check=True)
    return directory


def inside(
    root: Path, *command: str, check: bool = True, environment: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command in the root without any network, in process and mount namespaces of its own.

    Its environment is what a service gets, and `environment`, each as NAME=VALUE. All that it
    started ends with it.
    """
    return _run([*entered(root, environment), *command], check=check)


def entered(root: Path, environment: Sequence[str] = ()) -> list[str]:
    """The words before a command that make it run in the root, as `inside` does."""
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return [
        *("unshare", "--net", "--mount", "--ipc", "--pid", "--fork", "--kill-child"),
        *(f"--mount-proc={root}/proc", "chroot", str(root)),
        *("env", "-i", path, "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *environment),
    ]


def _make(mmdebstrap: str, release: str, made: Path) -> None:
    unfinished = made.with_suffix(".unfinished.tar")
    mirror = [str(_SOURCES)] if _SOURCES.exists() else []
    wanted = ",".join(PACKAGES)
    done = _run(
        [
            mmdebstrap,
            *("--quiet", "--mode=root", "--variant=minbase", f"--include={wanted}"),
            *(release, str(unfinished), *mirror),
        ],
        seconds=_MAKE_SECONDS,
    )
    if done.returncode != 0:
        miss(f"a minimal Debian root; mmdebstrap said: {done.stderr.strip()[-300:]}")
    unfinished.rename(made)


def _codename() -> str:
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    return told.get("VERSION_CODENAME", "").strip('"') or "stable"


def _run(
    command: list[str], *, check: bool = False, seconds: float = _COMMAND_SECONDS
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    if check and done.returncode != 0:
        raise AssertionError(f"{command[-4:]} gave {done.returncode}:\n{done.stdout}{done.stderr}")
    return done
