"""Commands: the command line as a real process."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str


def run(
    *words: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Outcome:
    """Run `gpuwatch` with these words, without what steers tests in its environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GPUWATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "gpuwatch", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
        cwd=cwd,
        env=kept | dict(environment or {}),
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
