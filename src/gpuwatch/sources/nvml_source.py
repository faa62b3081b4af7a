"""NVML source: the GPUs of this host, asked through child processes that may hang, by one thread.

What it delivers is in `sources.base`; who decides what is in `nvml_watch`. Its thread alone touches
the children; other threads leave their requests and wake it.
"""

import math
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

from gpuwatch.domain.moments import Clock
from gpuwatch.domain.signals import Cadence
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.base import Deliver, DriverCondition, Message
from gpuwatch.sources.nvml_log import Log
from gpuwatch.sources.nvml_settings import NvmlSettings
from gpuwatch.sources.nvml_signals import table_hash
from gpuwatch.sources.nvml_watch import Watch
from gpuwatch.sources.probe_wait import Wake, wait

GATHER_SECONDS = 0.005
RECOVER_SECONDS = 1.0  # between two failures that nobody foresaw: no spinning on them


def probe_command(settings: NvmlSettings) -> tuple[str, ...]:
    """The command line of the NVML child.

    -P: its module search path must not begin with the directory it runs in.
    """
    child = (sys.executable, "-P", "-m", "gpuwatch.sources.nvml")
    return (*child, "--table", table_hash(), "--sysfs", str(settings.sysfs))


def _silent(event: str, /, **facts: object) -> None:
    """Log nowhere."""


class NvmlSource:
    """Implements `sources.base.Source`. Its public methods may be called from any thread.

    `command` is the child's command line, by default the NVML child's; it gets `--progress-fd N`
    appended and speaks `sources.wire`.
    """

    name = "nvml"

    def __init__(
        self,
        settings: NvmlSettings,
        clock: Clock,
        *,
        command: Sequence[str] | None = None,
        log: Log = _silent,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._command = probe_command(settings) if command is None else tuple(command)
        self._log = log
        self._wake: Wake | None = Wake()
        self._lock = threading.Lock()
        self._requests: list[Callable[[Watch, float], None]] = []
        self._thread: threading.Thread | None = None
        self._stop_by: float | None = None
        self._let_go = threading.Event()
        self._asked_release = ""
        self._released_until: float | None = None
        self._reason = ""
        self._swept_at = -math.inf
        self._apart: dict[str, str] = {}
        self._state = SourceState(
            name=self.name, up=False, fresh=False, required=settings.required, problem="starting"
        )

    def start(self, deliver: Deliver) -> None:
        """Start the thread. Returns at once, also when there is no driver."""
        self._thread = threading.Thread(
            target=self._run, args=(deliver,), name="nvml-source", daemon=True
        )
        self._thread.start()

    def stop(self, within_seconds: float) -> None:
        """End thread and children; a child that cannot be ended is left behind in time."""
        deadline = time.monotonic() + within_seconds
        self._request(lambda _watch, _now: self._stop(deadline))
        if self._thread is not None:
            self._thread.join(within_seconds)
        with self._lock:
            if self._wake is not None and not (self._thread and self._thread.is_alive()):
                self._wake.close()
                self._wake = None

    def state(self) -> SourceState:
        """How the source is doing at this instant."""
        state = self._state
        if self._thread is not None and not self._thread.is_alive() and self._stop_by is None:
            return replace(state, up=False, fresh=False, problem="its thread ended: see the log")
        fresh = time.monotonic() - self._swept_at <= self._settings.stale_after
        return state if state.fresh == fresh else replace(state, fresh=fresh)

    def set_apart(self) -> dict[str, str]:
        """The GPUs that are not asked with the others because they hung, with the reason."""
        return dict(self._apart)

    @property
    def asked_release(self) -> str:
        """Why it was asked to let go, until a `resume` or the end: what was asked, not what is."""
        return self._asked_release

    def release(self, reason: str, until: float) -> None:
        """Let go of the driver until Unix second `until`: every child is ended, none is started.

        It ends by itself. A second call replaces the first. `wait_released` tells when it is done.
        """
        seconds = max(until - self._clock.now().wall, 0.0)
        self._let_go.clear()
        self._request(lambda watch, now: self._release(watch, now, seconds, reason), asked=reason)

    def resume(self) -> None:
        """Take the driver up again; as soon as one is loaded, that is."""
        self._request(self._resume, asked="")

    def wait_released(self, within_seconds: float) -> bool:
        """Whether the driver is let go of, waiting for that; False when a child does not end."""
        return self._let_go.wait(within_seconds)

    def ask_soon(self, pci_address: str, cadences: frozenset[Cadence]) -> None:
        """Ask one GPU's rows of `cadences` now, out of turn."""
        self._request(lambda watch, _: watch.agenda.want(pci_address, cadences))

    def _request(self, request: Callable[[Watch, float], None], asked: str | None = None) -> None:
        with self._lock:
            if self._wake is not None:
                self._asked_release = self._asked_release if asked is None else asked
                self._requests.append(request)
                self._wake.set()

    # From here on: the source's own thread.

    def _run(self, deliver: Deliver) -> None:
        def hand_over(message: Message) -> None:
            deliver(self.name, message)

        watch = Watch(self._settings, self._command, self._clock, hand_over, self._log)
        while self._stop_by is None:
            try:
                until = self._turn(watch, hand_over)
            except Exception as error:  # noqa: BLE001 - a thread that died would watch no GPU again
                until = self._recover(watch, error)
            woken = wait(watch.children.probes, until, self._wake)
            if not woken and time.monotonic() < until:
                # A child said something and mostly has more to say, a GPU at a time: read it
                # together. A wake-up for each would cost more than what is done with it.
                wait((), time.monotonic() + GATHER_SECONDS, self._wake)
        self._end(watch, self._stop_by)

    def _turn(self, watch: Watch, deliver: Callable[[Message], None]) -> float:
        """Do what is due; the monotonic second at which to look again."""
        self._obey(watch)
        now = time.monotonic()
        if self._released_until is not None and now >= self._released_until:
            self._resume(watch, now)
        watch.step(now, released=self._released_until is not None)
        self._publish(watch, now, deliver)
        return min(watch.due(time.monotonic()), self._released_until or math.inf)

    def _recover(self, watch: Watch, error: Exception) -> float:
        """Start over with fresh children after what nobody foresaw; when to look again."""
        trace = " / ".join(traceback.format_exception(error)[-2:])
        self._log("nvml-source-failed", error=repr(error), trace=trace)
        now = time.monotonic()
        watch.start_over(now)
        watch.children.put_off(now, lived_seconds=0.0)
        watch.trouble = f"the source failed and starts over: {error!r}"
        return now + RECOVER_SECONDS

    def _obey(self, watch: Watch) -> None:
        with self._lock:
            requests, self._requests = self._requests, []
        for request in requests:
            request(watch, time.monotonic())

    def _stop(self, deadline: float) -> None:
        self._stop_by = deadline

    def _release(self, watch: Watch, now: float, seconds: float, reason: str) -> None:
        self._log("nvml-released", reason=reason, seconds=seconds)
        self._released_until, self._reason = now + seconds, reason
        watch.start_over(now)

    def _resume(self, watch: Watch, now: float) -> None:
        if self._released_until is None:
            return
        with self._lock:
            if not self._requests:  # else somebody asks for something new
                self._asked_release = ""
        self._log("nvml-resumed", reason=self._reason)
        self._released_until, self._reason = None, ""
        self._let_go.clear()
        watch.start_over(now)

    def _publish(self, watch: Watch, now: float, deliver: Callable[[Message], None]) -> None:
        """Make the state known; deliver it after every sweep and whenever it says something new."""
        released = self._released_until is not None and not watch.children.ending
        if released and not watch.children.abandoned:
            self._let_go.set()
        swept_again = watch.swept_at != self._swept_at
        self._swept_at = watch.swept_at
        self._apart = {
            member.pci_address: member.sentence(now) for member in watch.alone.quarantine
        }
        main = watch.children.main
        state = watch.meter.state(
            up=watch.gate.ready and main is not None and main.answers > 0,
            fresh=now - watch.swept_at <= self._settings.stale_after,
            released=released,
            reason=self._reason,
            problem=problem_of(watch, released=self._released_until is not None),
        )
        if swept_again or state != self._state:
            self._state = state
            deliver(state)

    def _end(self, watch: Watch, deadline: float) -> None:
        watch.children.hurry(time.monotonic(), deadline)
        while watch.children.ending and (now := time.monotonic()) < deadline:
            watch.children.advance_endings(now)
            time.sleep(0.01)


def problem_of(watch: Watch, *, released: bool) -> str:
    """What is wrong with the source, in a sentence for people; "" when nothing is."""
    children = watch.children
    if children.full:
        return (
            f"{children.abandoned} probes cannot be ended, and no more are started until one ends"
            " (a reboot of the host ends them)"
        )
    if released:
        return ""
    if watch.gate.state.condition not in {"", DriverCondition.READY}:
        return watch.gate.state.text
    if watch.trouble or not watch.gate.ready:
        return watch.trouble or watch.gate.state.text
    apart = sorted(member.pci_address for member in watch.alone.quarantine)
    if apart:
        return f"set apart because they hung: GPU {', '.join(apart)}"
    return _denied(sorted(watch.agenda.census.denied))


def _denied(addresses: Sequence[str]) -> str:
    """What to do about GPUs that our user may not open; "" when there are none."""
    if not addresses:
        return ""
    return (
        f"the driver does not let us open GPU {', '.join(addresses)} (NVML code 4, no permission):"
        " is DeviceAllow= of the unit, or what the container was given, without /dev/nvidiaN?"
    )
