"""Fake BMC child: a real process in the real loop whose BMC answers, fails and hangs on command.

    fake_bmc.py SCRIPT

SCRIPT is JSON and is read again at every sweep, so that a test changes the world while it runs:

    {"ways": [WAY, ...], "trouble": {"reason", "text"}, "path": ..., "log": {...}}

WAY is "answer", "trouble", "sleep", "stubborn", "garbage", "long", "exit", "nonsense", "read" or
"write-pid".

The first sweep of a process follows the first way, and so on; the last way repeats. "read" and
"write-pid" are ways into state D, see unkillable.py. Beside SCRIPT it leaves SCRIPT.journal: a line
for every process that began, swept or logged out.
"""

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources import wire
from gpuwatch.sources.bmc_child import run
from gpuwatch.sources.bmc_loop import Message, Settings, Talk, Trouble

SCRIPT = Path(sys.argv[1])
JOURNAL = SCRIPT.with_suffix(".journal")


class FakeTalk:
    """Asks nobody and does what the script says."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._swept = 0
        _note("began")

    def sweep(self) -> Iterator[Message]:
        """What the script says of this sweep."""
        world: dict[str, Any] = json.loads(SCRIPT.read_text())
        way = world["ways"][min(self._swept, len(world["ways"]) - 1)]
        self._swept += 1
        _note(f"swept {way}")
        if way != "answer":
            WAYS[way](world)
        if log := world.get("log"):
            yield {"say": "log", "known": self._settings["positions"], **log}
        password = str(self._settings.get("password", ""))
        yield {
            "say": "sweep",
            "boottime": time.clock_gettime(time.CLOCK_BOOTTIME),
            "seconds": 0.25,
            "pid": os.getpid(),
            "password": hashlib.sha256(password.encode()).hexdigest(),
        }

    def idle(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Note it."""
        _note("logged out")


def _note(what: str) -> None:
    with JOURNAL.open("a", encoding="utf-8") as journal:
        journal.write(f"{os.getpid()} {what}\n")


def _sleep(_world: dict[str, Any]) -> None:
    while True:
        time.sleep(3_600)


def _stubborn(world: dict[str, Any]) -> None:
    while True:
        try:
            _sleep(world)
        except SystemExit:
            _note("refused to end")


def _trouble(world: dict[str, Any]) -> None:
    trouble = world["trouble"]
    raise Trouble(BmcTrouble(trouble["reason"]), trouble["text"])


def _write(text: bytes) -> None:
    while text:
        text = text[os.write(1, text) :]


def _write_pid(world: dict[str, Any]) -> None:
    Path(world["path"]).write_text(str(os.getpid()))
    _sleep(world)


def _read(world: dict[str, Any]) -> None:
    # FUSE waits interruptibly at first; any signal moves the wait into state D.
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    Path(world["path"]).read_bytes()
    _sleep(world)


def _nonsense(_world: dict[str, Any]) -> None:
    _write(wire.encode({"say": "sweep", "seconds": "soon"}))


WAYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "trouble": _trouble,
    "sleep": _sleep,
    "stubborn": _stubborn,
    "garbage": lambda _: _write(b"Segmentation fault\n"),
    "long": lambda _: _write(b"x" * (wire.LIMIT + 2)),
    "exit": lambda _: os._exit(9),
    "nonsense": _nonsense,
    "read": _read,
    "write-pid": _write_pid,
}


def build(settings: Settings) -> Talk:
    """The talk of this process."""
    return FakeTalk(settings)


if __name__ == "__main__":
    sys.exit(run(build))
