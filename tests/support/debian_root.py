"""Debian roots: a minimal Debian or Ubuntu in a folder, for packages and for units.

Its archive is made once, by mmdebstrap, and kept below build/; every test unpacks its own copy.
Debian's comes from the mirror that this machine's apt uses.
"""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.releases import OWN, Release
from tests.support.require import miss, require

_ROOTS = Path(__file__).parent.parent.parent / "build" / "roots"
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_UBUNTUS_KEYS = "./usr/share/keyrings/ubuntu-archive-keyring.gpg"
_MAKE_SECONDS = 280.0
_MAKE_OTHER_SECONDS = 900.0  # from a mirror that may be far away
_COMMAND_SECONDS = 120.0


def archive(release: Release = OWN) -> Path:
    """The archive of a minimal root, made at the first call; about 260 MB.

    Skips, or fails where every group is required, without root, mmdebstrap or the release's mirror.
    """
    if os.geteuid() != 0:
        miss("root, to make a minimal Debian root")
    mmdebstrap = require("mmdebstrap", "mmdebstrap")
    told = " ".join((release.codename, *release.packages))
    made = _ROOTS / f"{release.codename}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.tar"
    _ROOTS.mkdir(parents=True, exist_ok=True)
    keys = _keys(release)
    with (_ROOTS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _make([mmdebstrap, *keys, *_options(release)], release, made)
    return made


def unpack(directory: Path, release: Release = OWN) -> Path:
    """A root of its own in `directory`, which should lie on a real file system."""
    directory.mkdir(parents=True, exist_ok=True)
    packed = str(archive(release))
    _run(["tar", "--numeric-owner", "-xpf", packed, "-C", str(directory)], check=True)
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


def _keys(release: Release) -> list[str]:
    """What has mmdebstrap check the signature of an archive whose keys this machine has not."""
    if release.keys_of is None:
        return []
    keys = _ROOTS / f"{release.codename}-keys"
    keys.mkdir(exist_ok=True)
    packed = str(archive(release.keys_of))
    _run(["tar", "-xf", packed, "-C", str(keys), _UBUNTUS_KEYS], check=True)
    return [f"--keyring={keys / _UBUNTUS_KEYS}"]


def _options(release: Release) -> list[str]:
    """Of another release's root apt is asked what it would install: it keeps its lists."""
    asked = [] if release == OWN else ["--skip=cleanup/apt/lists"]
    wanted = f"--include={','.join(release.packages)}"
    chosen = ["--quiet", "--mode=root", "--variant=minbase", f"--components={release.components}"]
    return [*chosen, wanted, *asked]


def _mirror(release: Release) -> list[str]:
    """This machine's own, for a release of Debian; else the one that mmdebstrap knows."""
    if release.keys_of is not None or not _SOURCES.exists():
        return []
    sources = _ROOTS / f"{release.codename}.sources"
    sources.write_text(_SOURCES.read_text().replace(OWN.codename, release.codename))
    return [str(sources)]


def _make(command: list[str], release: Release, made: Path) -> None:
    unfinished = made.with_suffix(".unfinished.tar")
    seconds = _MAKE_SECONDS if release == OWN else _MAKE_OTHER_SECONDS
    words = [*command, release.codename, str(unfinished), *_mirror(release)]
    done = _run(words, seconds=seconds)
    if done.returncode != 0:
        said = done.stderr.strip()[-300:]
        miss(f"a minimal root of {release.codename}; mmdebstrap said: {said}")
    unfinished.rename(made)


def _run(
    command: list[str], *, check: bool = False, seconds: float = _COMMAND_SECONDS
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    if check and done.returncode != 0:
        raise AssertionError(f"{command[-4:]} gave {done.returncode}:\n{done.stdout}{done.stderr}")
    return done
