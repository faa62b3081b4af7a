"""Kill -9 while backups are made and restored: the old one or the new one is there, never half."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from gpuwatch.history import Mark
from gpuwatch.history.backups import examine, make
from gpuwatch.history.restoring import STAGE, restore
from tests.support.histories import Bench, HandClock

ROOT = Path(__file__).parents[3]
KILLS = 200 if os.environ.get("GPUWATCH_SOAK") else 8
MARK = Mark(host="n1", made_at=1.0, version="1.0")


def _backup(folder: Path, boards: int) -> Path:
    path = folder / f"{boards}" / "history.db"
    Bench.open(path, boards=boards).history.close()
    make(path, folder / f"{boards}.db", MARK)
    return folder / f"{boards}.db"


def _work_and_kill(seconds: float, *arguments: Path) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.support.restorer", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        assert worker.poll() is None
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate()


def test_a_kill_at_any_moment_leaves_a_whole_backup_and_a_whole_history(tmp_path: Path) -> None:
    """Both of one of the two states that there are; and the next one cleans up."""
    chance = random.Random(11)
    others = _backup(tmp_path, 3), _backup(tmp_path, 7)
    history, backup = tmp_path / "state" / "history.db", tmp_path / "out" / "b.db"
    backup.parent.mkdir()
    restore(others[0], history, HandClock(), actor="uid 0 (root)", reason="the first")
    make(history, backup, MARK)

    for _ in range(KILLS):
        _work_and_kill(chance.uniform(0.0, 0.3), history, backup, *others)

        assert examine(history).boards in {3, 7}
        assert examine(backup).boards in {3, 7}

    restore(others[1], history, HandClock(), actor="uid 0 (root)", reason="the last")
    make(history, backup, MARK)
    assert examine(backup).boards == 7
    assert not (history.parent / STAGE).exists()
    assert [path.name for path in backup.parent.iterdir()] == ["b.db"]
