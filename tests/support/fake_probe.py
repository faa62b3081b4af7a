"""Fake probe: a real process that speaks the wire's language and misbehaves on command.

    fake_probe.py --script FILE [--progress-fd N]

FILE is JSON and is read again before every answer, so that a test changes the world while the
process runs, and the next process finds it changed:

    {"driver": ..., "nvml": ..., "cuda": ..., "table": ..., "fail": {"stage", "code", "text"},
     "hang": WAY (at start), "hang_everywhere": WAY, "delay_seconds": 0.0,
     "gpus": [{"pci", "uuid", "serial", "lost": false, "denied": false, "hang": WAY, "value": 7}],
     "events": [...]}

WAY is {"mode": "sleep" | "stubborn" | "write-pid" | "read" | "exit" | "heir" | "garbage",
"path",
"function", "ask"}: sleep until a signal, sleep and ignore SIGTERM, stop in a frozen cgroup, read a
file that never answers, exit once (then `path` is there) while a process of its own holds the
output for some seconds, or what its name says; `ask` limits it to "inventory" or "sweep". Besides
the asks of the wire it answers {"ask": "misbehave", "how": ...} for the tests of the harness.
"""

import argparse
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources import child, wire
from gpuwatch.sources.nvml_signals import rows

_TICK_SECONDS = 0.02


class FakeProbe:
    """The process's whole life."""

    def __init__(self, script: Path, page: wire.ProgressPage | None) -> None:
        self._script = script
        self._page = page
        self._told_events = len(self._world().get("events", []))

    def run(self) -> int:
        """Until the input ends."""
        world = self._world()
        self._hang(world.get("hang"), "", "nvmlInit_v2", "start")
        if fail := world.get("fail"):
            say({"say": "failed", **fail})
            return 0
        self._ready(world)
        rest = b""
        while True:
            readable, _, _ = select.select([0], [], [], _TICK_SECONDS)
            self._events()
            if not readable:
                continue
            chunk = os.read(0, 65536)
            if not chunk:
                return 0
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._answer(wire.decode(line))

    def _world(self) -> dict[str, Any]:
        world: dict[str, Any] = json.loads(self._script.read_text())
        return world

    def _ready(self, world: dict[str, Any]) -> None:
        names = ("driver", "nvml", "cuda", "table")
        say({"say": "ready", "pid": os.getpid(), **{name: world.get(name) for name in names}})

    def _answer(self, ask: dict[str, Any]) -> None:
        match ask["ask"]:
            case "inventory":
                self._each(ask, "inventory", self._device)
            case "sweep":
                self._each(ask, "sweep", self._sweep)
            case "misbehave":
                MISBEHAVIOURS[ask["how"]]()

    def _each(
        self,
        ask: dict[str, Any],
        name: str,
        answer: Callable[[dict[str, Any], int, dict[str, Any]], dict[str, Any]],
    ) -> None:
        world = self._world()
        wanted = ask["devices"]
        count = 0
        for index, gpu in enumerate(world["gpus"]):
            if wanted is not None and gpu["pci"] not in wanted:
                continue
            for way in (world.get("hang_everywhere"), gpu.get("hang")):
                self._hang(way, gpu["pci"], "nvmlDeviceGetRemappedRows", name)
            time.sleep(world.get("delay_seconds", 0.0))
            say({"id": ask["id"], **answer(gpu, index, ask)})
            count += 1
        known = {gpu["pci"] for gpu in world["gpus"]}
        for pci in wanted or ():
            if pci not in known:
                say({"say": "lost-device", "id": ask["id"], "index": -1, "pci": pci, "code": 6})
        say({"say": "done", "id": ask["id"], "count": count})

    def _device(self, gpu: dict[str, Any], index: int, _: dict[str, Any]) -> dict[str, Any]:
        if gpu.get("lost"):
            return {"say": "lost-device", "index": index, "pci": gpu["pci"], "code": 15}
        if gpu.get("denied"):
            return {"say": "lost-device", "index": index, "pci": "", "code": 4}
        named = {"uuid": gpu["uuid"], "serial": gpu["serial"], "name": "NVIDIA H100 80GB HBM3"}
        texts = dict.fromkeys(("part_number", "vbios", "inforom", "chassis_serial"), "")
        numbers = dict.fromkeys(("mig", "module_id", "slot_number", "tray_index"))
        return {
            "say": "device",
            "index": index,
            "pci": gpu["pci"],
            **named,
            **texts,
            **numbers,
            "attributes": {"bus_type": "pcie"},
        }

    def _sweep(self, gpu: dict[str, Any], _: int, ask: dict[str, Any]) -> dict[str, Any]:
        count = len(rows({Cadence(name) for name in ask["cadences"]}))
        value = ["lost", 15] if gpu.get("lost") else gpu.get("value", 7)
        return {
            "say": "sweep",
            "pci": gpu["pci"],
            "boottime": time.clock_gettime(time.CLOCK_BOOTTIME),
            "cadences": ask["cadences"],
            "values": [value] * count,
        }

    def _events(self) -> None:
        events = self._world().get("events", [])
        for event in events[self._told_events :]:
            boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
            say({"say": "event", "boottime": boottime, **event})
        self._told_events = len(events)

    def _hang(self, way: dict[str, str] | None, pci: str, function: str, name: str) -> None:
        if way is None or way.get("ask", name) != name:
            return
        if self._page is not None:
            now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            self._page.enter(now, pci, way.get("function", function))
        HANGS[way["mode"]](way)
        if self._page is not None:
            self._page.leave()


def say(message: dict[str, Any]) -> None:
    """Write one message at once."""
    os.write(1, wire.encode(message))


def _sleep(_: dict[str, str]) -> None:
    while True:
        time.sleep(3600)


def _stubborn(way: dict[str, str]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _sleep(way)


def _write_pid(way: dict[str, str]) -> None:
    Path(way["path"]).write_text(str(os.getpid()))
    _sleep(way)


def _read(way: dict[str, str]) -> None:
    # FUSE waits interruptibly at first; any signal moves the wait into state D.
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    Path(way["path"]).read_bytes()
    _sleep(way)


def _leave_heir(way: dict[str, str]) -> None:
    path = Path(way["path"])
    if path.exists():
        return
    path.touch()
    if not os.fork():
        time.sleep(8.0)
    os._exit(3)


def _flood_errors() -> None:
    for number in range(5_000):
        sys.stderr.write(f"line {number}\n")
    sys.stderr.write("x" * 100_000 + "\n")
    sys.stderr.flush()
    say({"say": "flooded"})


def _tell_environment() -> None:
    links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.exists()]
    say({"say": "environment", "names": sorted(os.environ), "links": links})


def _say_garbage() -> None:
    os.write(1, b"Segmentation fault\n")


def _say_in_pieces() -> None:
    os.write(1, b'{"say": "ha')
    time.sleep(0.1)
    os.write(1, b'lf"}\n')


def _close_output() -> None:
    os.close(1)
    _sleep({})


HANGS: dict[str, Callable[[dict[str, str]], None]] = {
    "sleep": _sleep,
    "stubborn": _stubborn,
    "write-pid": _write_pid,
    "read": _read,
    "exit": lambda _: os._exit(3),
    "heir": _leave_heir,
    "garbage": lambda _: _say_garbage(),
}

MISBEHAVIOURS: dict[str, Callable[[], object]] = {
    "garbage": _say_garbage,
    "a list": lambda: os.write(1, b"[1]\n"),
    "deep": lambda: os.write(1, b"[" * 60_000 + b"\n"),
    "long": lambda: [os.write(1, b"x" * 4096) for _ in range(wire.LIMIT // 4096 + 1)],
    "half": _say_in_pieces,
    "exit": lambda: os._exit(3),
    "abort": os.abort,
    "silence": lambda: _sleep({}),
    "stubborn": lambda: _stubborn({}),
    "close output": _close_output,
    "flood errors": _flood_errors,
    "environment": _tell_environment,
}


def main() -> int:
    """Run until the input ends."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--script", type=Path, required=True)
    arguments.add_argument("--progress-fd", type=int)
    options = arguments.parse_args()
    child.end_with_parent()
    page = None if options.progress_fd is None else wire.ProgressPage(options.progress_fd)
    return FakeProbe(options.script, page).run()


if __name__ == "__main__":
    sys.exit(main())
