"""BMC source: keeps the child of one BMC alive and delivers what it tells, in order."""

import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpuwatch.domain.bmc import BmcFailure, BmcProtocol, BmcSweep, BmcTrouble
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.moments import Clock, Moment
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.bmc_loop import BACKOFF_SECONDS, LOCK_OUT_SECONDS, Pace
from gpuwatch.sources.bmc_standing import Standing
from gpuwatch.sources.one_child import ABANDONED_LIMIT, OneChild
from gpuwatch.sources.probe import Probe, ProbeFailed
from gpuwatch.sources.probe_end import EndOrder

Translate = Callable[[Mapping[str, Any], Moment, str], BmcSweep | LogBatch]

_MISSED = 3  # sweeps without one make the last too old
_IPMI = (sys.executable, "-I", "-m", "gpuwatch.sources.bmc")
_REDFISH = (sys.executable, "-I", "-m", "gpuwatch.sources.redfish")
COMMANDS = {
    BmcProtocol.IPMI: _IPMI,
    BmcProtocol.IPMI_LOCAL: _IPMI,
    BmcProtocol.REDFISH: _REDFISH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BmcSettings:
    """One BMC. `name` is the operator's; `asked` is what its child is told, without any secret.

    `start_after` seconds pass before its first child, so that many do not start at once. A child
    that says nothing for `silence_seconds` (it gives a sign of life every 15 s) is ended in the
    `end` order, which leaves it the time to log out, and replaced. What fails is tried again after
    the pauses of `backoff`, one after the other, a refused password after `lock_out` (seconds).
    """

    name: str
    command: tuple[str, ...]
    asked: Mapping[str, object]
    interval: float
    required: bool = False
    start_after: float = 0.0
    silence_seconds: float = 60.0
    backoff: tuple[float, ...] = BACKOFF_SECONDS
    lock_out: float = LOCK_OUT_SECONDS
    end: EndOrder = field(default_factory=lambda: EndOrder(1.0, 1.2, 0.2))

    @property
    def stale_seconds(self) -> float:
        """The age at which a sweep is not trusted any more."""
        return _MISSED * self.interval + self.silence_seconds


class BmcSource(OneChild):
    """A thread with one child that asks one BMC (`sources.base.Source`).

    It delivers `LogBatch`, `BmcSweep` and `BmcFailure`. `positions` say how far each log was read
    before; what is delivered moves them on, so that a fresh child goes on where the last one left.
    `log` gets what the child writes to standard error.
    """

    def __init__(
        self,
        clock: Clock,
        settings: BmcSettings,
        translate: Translate,
        *,
        positions: Mapping[str, str],
        log: Callable[[str], None],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.name = f"bmc.{settings.name}"
        super().__init__(self.name, settings.end)
        self._clock = clock
        self._settings = settings
        self._translate = translate
        self._positions = dict(positions)
        self._log = log
        self._pace = Pace(settings.interval, draw, backoff=settings.backoff)
        self._standing = Standing(
            self.name, required=settings.required, stale_seconds=settings.stale_seconds
        )
        self._told_pause = 0.0

    def state(self) -> SourceState:
        """How the source is doing at this instant. Cheap and thread-safe."""
        return self._standing.state()

    def _run(self) -> None:
        self._pause(self._settings.start_after)
        while self._stop_at is None:
            # A BMC has one child at a time, and one session: the next waits for its end.
            self._pause(self._serve_telling(), alone=True)
            if self._stop_at is None:
                self._standing.restarted()
        self._finish(self._stop_at)

    def _serve_telling(self) -> float:
        """One child's life, and why it ended; how many seconds to wait before the next."""
        self._told_pause = 0.0
        try:
            self._serve()
        except ProbeFailed as error:
            if not self._told_pause:
                return self._fail(BmcTrouble.FAILED, f"its process failed: {error}")
        except Exception as error:  # noqa: BLE001 - a dead thread would go on looking like a source
            return self._fail(BmcTrouble.FAILED, f"the source failed and goes on: {error!r}")
        # It said why it ends. Starting another costs more than it does, so that waits longer too.
        return max(self._told_pause, self._pace.after_failure(BmcTrouble.FAILED))

    def _serve(self) -> None:
        """Run one child until it fails (ProbeFailed), falls silent, or the source stops."""
        if self._is_full:
            raise ProbeFailed(
                f"{ABANDONED_LIMIT} that asked it hang and cannot be ended, so no more is started"
                " (cat /proc/PID/stack says where; restart the host if nothing else helps)"
            )
        silence = self._settings.silence_seconds
        probe = Probe(self._settings.command, log=self._say)
        with self._ended(probe):
            probe.send(self._first_line())
            if not self._listen(probe, lambda: silence):
                stuck = probe.describe_stuck(silence)
                text = f"its process says nothing, {stuck} (a fresh one is started)"
                self._tell(BmcTrouble.TIMED_OUT, text)

    def _first_line(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "ask": "serve",
            **settings.asked,
            "interval": settings.interval,
            "backoff": settings.backoff,
            "lock_out": settings.lock_out,
            "positions": self._positions,
        }

    def _hear(self, message: Mapping[str, Any]) -> None:
        self._told_pause = 0.0
        match message.get("say"):
            case "ready" | "alive":
                pass
            case "log" | "sweep":
                self._take(message)
            case "failed":
                self._take_failure(message)
            case other:
                raise ProbeFailed(f"it said what is no report: {other!r}")

    def _take(self, message: Mapping[str, Any]) -> None:
        moment = self._clock.now()
        try:
            told = self._translate(message, moment, self._settings.name)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            said = message["say"]
            text = f"what it said ({said}) makes no sense: {error!r} (is its firmware up to date?)"
            self._fail(BmcTrouble.PROTOCOL, text)
            return
        self._deliver(self.name, told)
        match told:
            case LogBatch():
                self._positions[told.log] = told.position
            case BmcSweep():
                self._pace.failures = 0
                self._standing.swept(told.seconds, moment.wall)

    def _take_failure(self, message: Mapping[str, Any]) -> None:
        """The child goes on by itself; or it ends, and the next is started when it said."""
        try:
            trouble = BmcTrouble(message["reason"])
            text, pause = str(message["text"]), float(message["retry_seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise ProbeFailed(f"it said what is no failure: {error!r}") from error
        self._tell(trouble, text)
        self._told_pause = pause

    def _fail(self, trouble: BmcTrouble, text: str) -> float:
        """Tell a failure that the child did not; how many seconds to wait before the next."""
        self._tell(trouble, text)
        return self._pace.after_failure(trouble)

    def _tell(self, trouble: BmcTrouble, text: str) -> None:
        self._standing.failed(trouble, text)
        failure = BmcFailure(
            bmc=self._settings.name, at=self._clock.now(), trouble=trouble, text=text
        )
        self._deliver(self.name, failure)

    def _say(self, line: str) -> None:
        self._log(f"{self.name}: {line}")

    def _abandoned(self, number: int) -> None:
        self._standing.abandoned(number)
