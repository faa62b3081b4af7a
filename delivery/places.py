"""Places: where the sources lie, where builds are kept, and the instant that a build carries."""

import os
import subprocess
from pathlib import Path

from gpuwatch import __version__

ROOT = Path(__file__).parent.parent
PACKAGING = ROOT / "packaging"
LOCK = ROOT / "requirements.lock"
BUILD = ROOT / "build" / "delivery"
VERSION = __version__


class DeliveryError(Exception):
    """A build that cannot go on: what is missing, and the way out."""


def commit_seconds() -> int:
    """The instant that everything built carries, in Unix seconds: the commit's, not the clock's.

    SOURCE_DATE_EPOCH takes its place, as for every reproducible build.
    """
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    if told:
        if not told.isdecimal():
            raise DeliveryError(f"SOURCE_DATE_EPOCH={told} is no number of seconds: unset it")
        return int(told)
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise DeliveryError(
            "the instant of the commit is not known, because this is no git checkout:"
            " set SOURCE_DATE_EPOCH to the Unix seconds of the release"
        ) from error
