"""Hanging: work in processes of its own that hangs, fails and succeeds, told as JSON.

Run as `python -m tests.support.hanging FILE`; FILE is where the work that hangs writes who it is.
"""

import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from gpuwatch.cli.doctor.apart import Work, apart


def _hang(told: Path, *, deaf: bool) -> str:
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    told.write_text(str(os.getpid()))
    time.sleep(600)
    return "never"


def _fail() -> str:
    raise ValueError("no such thing")


def _vanish() -> str:
    os._exit(7)


def main(place: str) -> None:
    """Print what became of each."""
    folder = Path(place)
    works: dict[str, Work[str]] = {
        "hangs": Work(partial(_hang, folder / "hangs", deaf=False), 0.5),
        "deaf": Work(partial(_hang, folder / "deaf", deaf=True), 0.5),
        "fails": Work(_fail, 30.0),
        "vanishes": Work(_vanish, 30.0),
        "large": Work(lambda: "x" * 1_000_000, 30.0),
    }
    print("before", flush=True)  # noqa: T201 - what a pipe of ours must carry once
    told = {name: got if isinstance(got, str) else repr(got) for name, got in apart(works).items()}
    print(json.dumps(told))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1])
