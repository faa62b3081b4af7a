"""BMC loop: what the child of every BMC does all its life: ask, tell, wait, and log out at the end.

Shared by the children of all protocols; how a BMC is asked is their `Talk`'s matter. A child reads
one line, its settings, and then writes by itself (see wire.py for the lines):

    {"say": "ready", "pid": 1}
    {"say": "log", ...}, {"say": "sweep", ...}              what its Talk tells, every interval
    {"say": "failed", "reason": a BmcTrouble, "text": "...", "retry_seconds": 30.0}     it goes on
    {"say": "alive"}                                        while there is nothing else to say

It ends by itself, after it said why, only where a fresh child does better: with a password that was
changed, or with its memory empty. End of input and SIGTERM end it: it logs out first, because BMCs
have few sessions to lose.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources import wire

JITTER = 0.1  # of every pause, to both sides: hundreds of hosts must not ask at once
BACKOFF_SECONDS = (30.0, 60.0, 120.0, 240.0, 300.0)
LOCK_OUT_SECONDS = 300.0  # what asks a BMC with a wrong password too often is locked out
ALIVE_SECONDS = 15.0
CLOSE_SECONDS = 10  # for logging out; then the kernel ends the process
MEMORY_BYTES = 768 << 20
FRESH = 3  # exit status: it said why, and a fresh child does better

_LOCKING = frozenset({BmcTrouble.PASSWORD, BmcTrouble.PRIVILEGE})
_SHORTEST_REST = 0.25  # of the interval: a BMC that is slower than it is not asked without pause
_TWICE_SECONDS = 1.0
SECRETS = ("password", "kg")  # settings that nothing may quote

Settings = Mapping[str, Any]
Message = dict[str, Any]


class Trouble(Exception):  # noqa: N818 - says what happened; the only error that a Talk raises
    """A BMC cannot be asked: why, and a sentence for people with the way out."""

    def __init__(self, reason: BmcTrouble, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Talk(Protocol):
    """How one BMC is asked. Used from the main thread only."""

    def sweep(self) -> Iterator[Message]:
        """Connect if need be; tell log messages and one sweep. Raises Trouble.

        What takes longer than 20 s says {"say": "alive"} between two steps.
        """
        ...

    def idle(self, seconds: float) -> None:
        """Wait so long, and keep the session, if there is one, alive."""
        ...

    def close(self) -> None:
        """Log out. Never raises."""
        ...


class Line(Protocol):
    """Where lines go."""

    def write(self, line: bytes, /) -> object:
        """Write a whole line."""
        ...

    def flush(self) -> None:
        """Send it."""
        ...


class Described(Protocol):
    """What has a file descriptor."""

    def fileno(self) -> int:
        """The descriptor."""
        ...


@dataclass(slots=True)
class Pace:
    """How long to wait after a sweep, in seconds. `draw` gives numbers from 0 to below 1."""

    interval: float
    draw: Callable[[], float]
    failures: int = 0
    backoff: tuple[float, ...] = BACKOFF_SECONDS
    lock_out: float = LOCK_OUT_SECONDS

    def after_success(self, took: float) -> float:
        """Until the next sweep, after one that `took` so long."""
        self.failures = 0
        return max(self._jittered(self.interval) - took, _SHORTEST_REST * self.interval)

    def after_failure(self, reason: BmcTrouble) -> float:
        """Until the next attempt: longer from time to time, and at once long where it locks out."""
        pause = self.backoff[min(self.failures, len(self.backoff) - 1)]
        self.failures += 1
        if reason in _LOCKING:
            # Never earlier than that: jitter only makes it longer.
            return self.lock_out * (1 + JITTER * self.draw())
        return self._jittered(pause)

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + JITTER * (2 * self.draw() - 1))


class Ending:
    """End of input and SIGTERM, as SystemExit in the main thread, which makes this.

    For the rest of the process: signals are not given back. With None for `asked`, none is touched.
    """

    def __init__(self, asked: Described | None) -> None:
        self._asked = asked
        self._ended_at: float | None = None
        if asked is not None:
            signal.signal(signal.SIGTERM, self._end)
            watch = threading.Thread(target=self._watch, args=(asked.fileno(),), daemon=True)
            watch.start()

    def check(self) -> None:
        """Raise SystemExit when the end was asked for: a library may have swallowed the first."""
        if self._ended_at is not None:
            raise SystemExit(0)

    def begin(self) -> None:
        """Nothing interrupts what is left to do, and the kernel ends it when it takes too long."""
        if self._asked is not None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.alarm(CLOSE_SECONDS)

    def _watch(self, descriptor: int) -> None:
        """Wait for the end of input, in a thread of its own."""
        while os.read(descriptor, wire.PAGE_BYTES):
            pass
        # Also where the main thread sits in a call that no signal interrupts.
        signal.alarm(2 * CLOSE_SECONDS)
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signal.SIGTERM)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        first, self._ended_at = self._ended_at is None, self._ended_at or now
        # An agent that dies closes our input and has the kernel signal us in the same moment: the
        # second of the two must not interrupt what the first began.
        if first or now - self._ended_at > _TWICE_SECONDS:
            raise SystemExit(0)


class Loop:
    """Asks and tells until it is ended. `monotonic` is the clock, `draw` as in `Pace`."""

    def __init__(
        self,
        settings: Settings,
        talk: Talk,
        output: Line,
        ending: Ending,
        *,
        monotonic: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._talk = talk
        self._output = output
        self._ending = ending
        self._monotonic = monotonic
        self._pace = Pace(
            float(settings["interval"]),
            draw,
            backoff=tuple(settings.get("backoff", BACKOFF_SECONDS)),
            lock_out=float(settings.get("lock_out", LOCK_OUT_SECONDS)),
        )
        self._refused = False
        self._secrets = [str(settings[name]) for name in SECRETS if settings.get(name)]

    def run(self) -> int:
        """Until a fresh child would do better; the exit status."""
        self._say({"say": "ready", "pid": os.getpid()})
        while True:
            try:
                pause = self._sweep()
            except MemoryError:
                limit = f"{MEMORY_BYTES >> 20} MiB"
                text = f"it says what needs more than {limit} to read; asked anew by a fresh child"
                self._say(self._failure(BmcTrouble.PROTOCOL, text))
                return FRESH
            if self._refused and self._settings.get("secrets"):
                return FRESH  # reads the password again, which somebody may have changed
            self._wait(pause)

    def _sweep(self) -> float:
        """One sweep, told; how long to wait after it."""
        began = self._monotonic()
        try:
            for message in self._talk.sweep():
                self._ending.check()
                self._say(message)
        except Trouble as trouble:
            failure = self._failure(trouble.reason, trouble.text)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a library's surprise must not end the child
            text = f"its child met what it does not expect: {error!r} (it is tried again)"
            failure = self._failure(BmcTrouble.FAILED, text)
        else:
            return self._pace.after_success(self._monotonic() - began)
        self._ending.check()
        self._refused = failure["reason"] == BmcTrouble.PASSWORD
        self._say(failure)
        return float(failure["retry_seconds"])

    def _failure(self, reason: BmcTrouble, text: str) -> Message:
        for secret in self._secrets:
            text = text.replace(secret, "(hidden)")
        pause = self._pace.after_failure(reason)
        return {"say": "failed", "reason": reason.value, "text": text, "retry_seconds": pause}

    def _wait(self, seconds: float) -> None:
        until = self._monotonic() + seconds
        while True:
            self._ending.check()
            left = until - self._monotonic()
            if left <= 0:
                return
            self._talk.idle(min(left, ALIVE_SECONDS))
            if left > ALIVE_SECONDS:
                self._say({"say": "alive"})

    def _say(self, message: Message) -> None:
        line = wire.encode(message)
        if len(line) > wire.LIMIT:
            text = f"it says {len(line)} bytes at once, more than {wire.LIMIT}"
            raise Trouble(BmcTrouble.PROTOCOL, text)
        try:
            self._output.write(line)
            self._output.flush()
        except BrokenPipeError:
            raise SystemExit(0) from None  # the agent is gone


def refuse(reason: BmcTrouble, text: str, output: Line) -> int:
    """Say why a BMC cannot even be asked; the exit status."""
    pause = BACKOFF_SECONDS[0]
    failed = {"say": "failed", "reason": reason.value, "text": text, "retry_seconds": pause}
    output.write(wire.encode(failed))
    output.flush()
    return FRESH


def serve(
    settings: Settings,
    talk: Talk,
    output: Line,
    asked: Described | None,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    draw: Callable[[], float] = random.random,
) -> int:
    """Ask a BMC until the end of input `asked`, or SIGTERM; the exit status.

    Needs `interval` of the settings, takes `backoff` and `lock_out` (all seconds), and hides
    `password` and `kg` in what it says. With None for `asked` no signal is touched, and SystemExit
    out of `talk` ends it.
    """
    ending = Ending(asked)
    try:
        return Loop(settings, talk, output, ending, monotonic=monotonic, draw=draw).run()
    except SystemExit:
        return 0
    finally:
        ending.begin()
        talk.close()
