"""The world file: `key = value` lines that say what the simulated server is like now."""

import fcntl
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_GENERATION = struct.Struct("@Q")
_HEADER = (
    "# The simulated server: see simulator/README.md. Replace this file, do not truncate it.\n"
)

Section = dict[str, str]


@dataclass(slots=True)
class World:
    """The world in memory while it is being changed; `kernel` and `events` go out at the commit.

    `kernel` holds (priority, text) of kernel-log records, `events` holds
    (slot, uuid, type, data, GPU instance, compute instance) of NVML events.
    """

    server: Section = field(default_factory=dict)
    every: Section = field(default_factory=dict)
    gpus: dict[int, Section] = field(default_factory=dict)
    kernel: list[tuple[int, str]] = field(default_factory=list)
    events: list[tuple[int, str, int, int, int, int]] = field(default_factory=list)

    def text(self, gpu: int, key: str) -> str | None:
        """A value of one GPU: its own, else what every GPU has, else None."""
        return self.gpus[gpu].get(key, self.every.get(key))

    def number(self, gpu: int, key: str) -> int | None:
        """The same as an integer; None where it is absent or no plain integer."""
        text = self.text(gpu, key)
        try:
            return None if text is None else int(text, 0)
        except ValueError:
            return None

    def add(self, gpu: int, key: str, amount: int = 1) -> None:
        """Raise a counter. A board that does not have it keeps not having it."""
        before = self.number(gpu, key)
        if before is not None:
            self.gpus[gpu][key] = str(before + amount)

    def put(self, gpu: int, key: str, value: object) -> None:
        """Set a value of one GPU, if boards of its kind have it at all."""
        if self.text(gpu, key) is not None:
            self.gpus[gpu][key] = str(value)

    def forget(self, gpu: int, *prefixes: str) -> None:
        """Go back to what every GPU has for all keys that start so (counters at birth)."""
        own = self.gpus[gpu]
        for key in [key for key in own if key.startswith(prefixes)]:
            del own[key]


def parse(text: str) -> World:
    """A world from its file's text. Raises ValueError naming the line that is none."""
    world = World()
    section: Section | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = _section(world, line)
            continue
        key, equals, value = line.partition("=")
        if section is None or not equals:
            raise ValueError(f"world: line {number} is no `key = value` in a section: {line!r}")
        section[key.strip()] = value.strip()
    return world


def _section(world: World, header: str) -> Section:
    match header.strip("[]").split():
        case ["server"]:
            return world.server
        case ["every", "gpu"]:
            return world.every
        case ["gpu", slot]:
            return world.gpus.setdefault(int(slot), {})
    raise ValueError(f"world: unknown section {header!r} (use [server], [every gpu] or [gpu N])")


def render(world: World) -> str:
    """The file's text for a world."""
    sections = [("server", world.server), ("every gpu", world.every)]
    sections += [(f"gpu {slot}", world.gpus[slot]) for slot in sorted(world.gpus)]
    return _HEADER + "".join(
        f"\n[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in sorted(section.items()))
        for name, section in sections
    )


class WorldFile:
    """One directory's world: whole transactions under a lock, the file replaced at once.

    The lock is a file's, so that tools in other processes wait, and a thread's, so that threads do.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "world"
        self._lock_path = directory / "lock"
        self._generation = directory / "generation"
        self._events = directory / "events"
        self._thread_lock = threading.RLock()
        self._depth = 0

    def create(self, world: World) -> None:
        """Write the first world and the files that stand beside it."""
        self._events.touch()
        self._generation.write_bytes(_GENERATION.pack(1))
        self._store(world)

    def read(self) -> World:
        """The world as it stands; changes to it go nowhere."""
        return parse(self.path.read_text())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other thread and process from changing the world. May be nested."""
        with self._thread_lock, ExitStack() as outermost:
            if not self._depth:  # a second lock on the file would wait for the first
                lock = outermost.enter_context(self._lock_path.open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    def replace(self, world: World) -> None:
        """Replace the file, append its events, tell every client. Call it under the lock."""
        self._store(world)
        self._append_events(world)
        self.bump()

    def bump(self) -> None:
        """Make every client look again at its next call, and wake those that wait for events."""
        with self._generation.open("r+b") as page:
            (generation,) = _GENERATION.unpack(page.read(_GENERATION.size))
            os.pwrite(page.fileno(), _GENERATION.pack(generation + 1), 0)
        os.utime(self._events)

    def _store(self, world: World) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(render(world))
        fresh.replace(self.path)

    def _append_events(self, world: World) -> None:
        if not world.events:
            return
        sequence = len(self._events.read_bytes().splitlines())
        lines = [
            " ".join(map(str, (sequence + number, *event))) + "\n"
            for number, event in enumerate(world.events)
        ]
        with self._events.open("a") as events:
            events.write("".join(lines))
        world.events.clear()
