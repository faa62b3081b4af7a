"""Deliveries: packages built from this tree, once for all tests that look at them."""

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from delivery.targets import MINORS
from tests.support.releases import Release
from tests.support.require import miss

ROOT = Path(__file__).parent.parent.parent
_BUILD_SECONDS = 280.0
_UNREACHED = "the way out: an index that pip can reach"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was built for this machine's architecture, and its Python unless others were named."""

    folder: Path

    @property
    def deb(self) -> Path:
        """The Debian package."""
        return self._one("*.deb")

    @property
    def rpm(self) -> Path:
        """The RPM package."""
        return self._one("*.rpm")

    @property
    def bundle(self) -> Path:
        """The bundle for air gaps."""
        return self._one("*airgap*.tar")

    @property
    def bill(self) -> Path:
        """The bill of materials."""
        return self._one("*.cdx.json")

    def _one(self, pattern: str) -> Path:
        (found,) = self.folder.glob(pattern)
        return found


def minor() -> str:
    """The minor of Debian's own Python here, which its minimal root has, too."""
    command = ["/usr/bin/python3", "-Ic", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except OSError:
        miss("/usr/bin/python3 (apt-get install python3)")
    return done.stdout.strip()


def architecture() -> str:
    """This machine, by Debian's name."""
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def delivered(release: int = 1, *words: str) -> Delivery:
    """A delivery that tests share and do not change; a later release is an upgrade.

    For this machine and its Python, unless the words of `make dist` name others.
    """
    return _delivered("--release", str(release), *words)


@functools.cache
def _delivered(*words: str) -> Delivery:
    folder = tempfile.mkdtemp(prefix="gpuwatch-delivery-")
    atexit.register(shutil.rmtree, folder)
    return deliver(Path(folder), *words)


def delivered_for(system: Release, release: int = 1) -> Delivery:
    """The same for a system: with every Python for another's, so that there is a choice."""
    pythons = [word for one in MINORS for word in ("--python", one)] if system.python else []
    return delivered(release, *pythons)


def python_of(system: Release) -> str:
    """The minor of the Python with which a system runs gpuwatch."""
    return system.python or minor()


def deliver(folder: Path, *words: str) -> Delivery:
    """Build for this machine, as `make dist` does; skips where packages cannot be had."""
    python = () if "--python" in words else ("--python", minor())
    chosen = (*python, "--architecture", architecture(), "--into", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "delivery", "dist", *chosen, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_BUILD_SECONDS,
    )
    if done.returncode != 0 and _UNREACHED in done.stderr:
        miss(f"packages to deliver: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr
    return Delivery(folder)
