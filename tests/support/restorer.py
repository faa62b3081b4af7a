"""A process that backs up one history and restores another, over and over, until it is killed.

python -m tests.support.restorer HISTORY BACKUP OTHER...

Each OTHER is restored in turn; before it, HISTORY as it is then is written to BACKUP.
"""

import itertools
import sys
from pathlib import Path

from gpuwatch.clock import SystemClock
from gpuwatch.history import Mark
from gpuwatch.history.backups import make
from gpuwatch.history.restoring import restore


def main() -> None:
    """Work until killed; says so once it has begun."""
    history, backup, *others = (Path(argument) for argument in sys.argv[1:])
    mark, clock = Mark(host="n1", made_at=1.0, version="1.0"), SystemClock()
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    for source in itertools.cycle(others):
        make(history, backup, mark)
        restore(source, history, clock, actor="uid 0 (root)", reason="a test")
        for aside in history.parent.glob("*.before-restore-*"):
            aside.unlink()


if __name__ == "__main__":
    main()
