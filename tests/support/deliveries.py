"""Deliveries: packages built from this tree, once for all tests that look at them."""

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.require import miss

ROOT = Path(__file__).parent.parent.parent
_BUILD_SECONDS = 280.0
_UNREACHED = "the way out: an index that pip can reach"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was built for this machine's Python and architecture."""

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


@functools.cache
def delivered(release: int = 1) -> Delivery:
    """A delivery that tests share and do not change; a later release is an upgrade."""
    folder = tempfile.mkdtemp(prefix="gpuwatch-delivery-")
    atexit.register(shutil.rmtree, folder)
    return deliver(Path(folder), "--release", str(release))


def deliver(folder: Path, *words: str) -> Delivery:
    """Build for this machine, as `make dist` does; skips where packages cannot be had."""
    chosen = ("--python", minor(), "--architecture", architecture(), "--into", str(folder))
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
