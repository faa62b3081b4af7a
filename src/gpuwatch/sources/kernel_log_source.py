"""Kernel-log source: keeps a reader of the kernel log alive and delivers its events in order."""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gpuwatch.domain.kernel_lines import KernelLine
from gpuwatch.domain.moments import Clock
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.base import LogPosition
from gpuwatch.sources.crash_dumps import DIRECTORIES
from gpuwatch.sources.kernel_log_reports import KernelLogReports
from gpuwatch.sources.one_child import ABANDONED_LIMIT, OneChild
from gpuwatch.sources.probe import Probe, ProbeFailed
from gpuwatch.sources.probe_end import EndOrder

_BACKOFF_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
_DUMP_TRIES = 2  # children that may die over what earlier boots left
_HEALTHY_SECONDS = 60.0  # a child that lived this long starts the back-off anew
_REMEDIES = {
    "denied": "reading it needs CAP_SYSLOG: AmbientCapabilities=CAP_SYSLOG in the unit, and "
    "DeviceAllow=/dev/kmsg r where devices are restricted",
    "missing": "is [kernel_log] path right, and the device visible in this container?",
    "failed": "it is tried again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelLogSettings:
    """What to read. `dumps` are directories in which an earlier boot may have left its log.

    A child that is not ready within `ready_seconds`, or then silent for `silence_seconds` (it gives
    a sign of life every 60 s), is replaced, and ended in the `end` order.
    """

    path: str = "/dev/kmsg"
    dumps: tuple[str, ...] = DIRECTORIES
    required: bool = False
    ready_seconds: float = 30.0
    silence_seconds: float = 180.0
    end: EndOrder = field(default_factory=EndOrder)


class KernelLogSource(OneChild):
    """A thread with one child that follows the kernel log (`sources.base.Source`).

    It delivers an `Event` for every occurrence and, behind them, a `LogPosition`: whoever stores
    events stores the position in the same transaction, and passes the stored one as `position` at
    the next start. What was delivered but not stored is then delivered again, with the same
    identities. `log` gets sentences for the journal, and what the child writes to standard error.
    """

    name = "kernel_log"

    def __init__(
        self,
        clock: Clock,
        settings: KernelLogSettings,
        *,
        position: LogPosition | None,
        log: Callable[[str], None],
    ) -> None:
        super().__init__("kernel-log", settings.end)
        self._clock = clock
        self._settings = settings
        self._log = log
        self._reports = KernelLogReports(position)
        self._dump_tries = _DUMP_TRIES
        self._heard_at = 0.0
        self._lock = threading.Lock()
        self._state = SourceState(name=self.name, up=False, fresh=False, required=settings.required)

    @property
    def lost(self) -> int:
        """Records that the kernel overwrote before they were read, since the agent started."""
        return self._reports.lost

    @property
    def unread(self) -> int:
        """Lines that look like an Xid in a shape that is not known, since the agent started."""
        return self._reports.unread

    @property
    def skipped(self) -> int:
        """Lines of floods that were not kept as they were, since the agent started."""
        return self._reports.skipped

    def lines(self) -> tuple[KernelLine, ...]:
        """The latest lines as the kernel wrote them, in order (any thread)."""
        return self._reports.lines.latest()

    @property
    def readable(self) -> bool:
        """Whether the kernel log is being read: then it alone counts Xids."""
        return self.state().up

    def state(self) -> SourceState:
        """How the source is doing at this instant. Cheap and thread-safe."""
        with self._lock:
            silent = time.monotonic() - self._heard_at
            fresh = self._state.up and silent <= self._settings.silence_seconds
            state = self._state
            return state if state.fresh == fresh else replace(state, fresh=fresh)

    def _run(self) -> None:
        failures = 0
        while self._stop_at is None:
            began = time.monotonic()
            if self._is_full:
                self._note(f"{ABANDONED_LIMIT} readers hang and cannot be ended; no more start")
            else:
                self._serve_noting()
            if time.monotonic() - began >= _HEALTHY_SECONDS:
                failures = 0
            self._pause(_BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)])
            failures += 1
            if self._stop_at is None:
                self._change(restarts=self._state.restarts + 1)
        self._finish(self._stop_at)

    def _serve_noting(self) -> None:
        try:
            self._serve()
        except ProbeFailed as error:
            self._note(str(error))
        except Exception as error:  # noqa: BLE001 - a dead thread would go on looking like a reader
            self._note(f"the source failed and goes on: {error!r}")
        self._change(up=False)

    def _serve(self) -> None:
        """Run one child until it fails (ProbeFailed) or the source stops."""
        probe = Probe(self._command(), log=self._log, progress=True, kernel_log=True)
        self._reports.begin()
        with self._ended(probe):
            try:
                if not self._listen(probe, self._patience):
                    self._time_out(probe)
            except ProbeFailed:
                # One that dies over the dumps, for memory say, would do so for ever.
                self._dump_tries -= not self._state.up
                raise

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message.get("say") in {"ready", "failed"}:
            self._dump_tries = 0  # they have been told
        if message.get("say") == "failed":
            reason, text = str(message.get("reason")), str(message.get("text"))
            remedy = _REMEDIES.get(reason, _REMEDIES["failed"])
            raise ProbeFailed(f"{self._settings.path} is {reason} ({text}): {remedy}")
        moment = self._clock.now()
        with self._lock:
            self._heard_at = time.monotonic()
        if message.get("say") == "ready":
            if self._state.problem:
                self._log("kernel log: it is read again")
            self._change(up=True, problem="")
        if self._state.up:  # what earlier boots left is told before the log can be opened
            self._change(last_success=moment.wall)
        try:
            reports = self._reports.read(message, moment)
        except (KeyError, TypeError, ValueError) as error:
            raise ProbeFailed(f"it said what is no report: {error!r}") from error
        for report in reports:
            self._deliver(self.name, report)

    def _patience(self) -> float:
        """How long the child may say nothing, in seconds."""
        settings = self._settings
        return settings.silence_seconds if self._state.up else settings.ready_seconds

    def _time_out(self, probe: Probe) -> None:
        # Before it is ready, only the dumps can hold it up: a bad disk. The log is worth more.
        self._dump_tries = self._dump_tries if self._state.up else 0
        self._change(timeouts=self._state.timeouts + 1)
        stuck = probe.describe_stuck(self._patience())
        raise ProbeFailed(f"the reader says nothing, {stuck}")

    def _command(self) -> list[str]:
        after = self._reports.after(self._clock.now().boot_id)
        command = [sys.executable, "-I", "-m", "gpuwatch.sources.kernel_log"]
        command += ["--path", self._settings.path]
        if after is not None:
            command += ["--after", str(after)]
        elif self._dump_tries > 0:
            # What earlier boots left is read once in a boot: a position of this boot says it was.
            command += [part for path in self._settings.dumps for part in ("--dumps", path)]
        return command

    def _note(self, problem: str) -> None:
        """Remember why the log is not read; said once, however often it is tried."""
        problem = f"kernel log: {problem}"
        if problem != self._state.problem:
            self._log(problem)
        self._change(up=False, problem=problem)

    def _change(self, **changes: object) -> None:
        with self._lock:
            self._state = replace(self._state, **changes)  # type: ignore[arg-type]

    def _abandoned(self, number: int) -> None:
        if number != self._state.unkillable:
            self._change(unkillable=number)
