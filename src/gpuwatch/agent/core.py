"""Core: the agent's one thread, from what sources deliver to what readers are given."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from gpuwatch.agent.alert_tests import AlertTests
from gpuwatch.agent.blindness import Blindness, BlindWatch
from gpuwatch.agent.clockwatch import ClockWatch
from gpuwatch.agent.decide import Decisions
from gpuwatch.agent.guard import LOOK, MESSAGE, SWEEP, FatalError, Guard
from gpuwatch.agent.healthwatch import HealthWatch
from gpuwatch.agent.inbox import Errand, Inbox
from gpuwatch.agent.maintenance import MaintenanceDirectory
from gpuwatch.agent.picture import picture
from gpuwatch.agent.publish import Frame, status_text
from gpuwatch.agent.recollections import history_lost, unattributed
from gpuwatch.agent.releases import Releasable, follow
from gpuwatch.agent.remember import Memory
from gpuwatch.agent.systemd import Notifier
from gpuwatch.agent.views import Situation, host_view, tells_nothing, under_maintenance
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.hooks import HookState
from gpuwatch.domain.moments import Clock, Moment
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.servers import Identity
from gpuwatch.domain.signals import Cadence
from gpuwatch.domain.snapshot import BackupState, Maintenance, Snapshot, WebState
from gpuwatch.domain.verdicts import gravest
from gpuwatch.history import History
from gpuwatch.policy.judge import HOST, Judgement
from gpuwatch.sources.base import Source

_LOGGER = "gpuwatch.agent"
log = structlog.get_logger(_LOGGER)

LOOK_SECONDS = 1.0
_STEPS = 2  # of a flag in one sweep: its board was replaced, and what came in is refused
JUDGE_SECONDS = 30.0  # for what time alone makes true


@dataclass(slots=True, kw_only=True)
class Agent:
    """Owns everything that changes. Only `inbox`, `snapshot` and `heartbeat` are for other threads.

    `stale_seconds` is the age at which a GPU's readings are not trusted any more; `cadences` say
    how often a GPU is expected to answer; `ended_thread` names one that must run and does not.
    `stopping` and `reload_asked` are plain: signal handlers set them, which may hold no lock.
    """

    clock: Clock
    history: History
    decisions: Decisions
    memory: Memory
    sources: tuple[Source, ...]
    nvml: Releasable | None
    works: MaintenanceDirectory
    identity: Identity
    notifier: Notifier
    health: HealthWatch
    stale_seconds: float
    cadences: Mapping[Cadence, float]
    expected_gpus: int | None = None
    kernel_log_lost: Callable[[], int] = lambda: 0
    web_state: Callable[[], WebState] = WebState
    on_reload: Callable[[], None] = lambda: None
    on_clock_step: Callable[[], None] = lambda: None
    ended_thread: Callable[[], str] = lambda: ""
    backups: Callable[[], BackupState | None] = lambda: None
    hooks: Callable[[], tuple[HookState, ...]] = tuple
    alert_tests: AlertTests = field(default_factory=AlertTests)
    inbox: Inbox = field(default_factory=Inbox)
    guard: Guard = field(default_factory=Guard)
    blind: BlindWatch = field(default_factory=BlindWatch)
    stopping: bool = False
    reload_asked: bool = False
    maintenance: tuple[Maintenance, ...] = ()
    snapshot: Snapshot = field(init=False)
    started: Moment = field(init=False)
    clocks: ClockWatch = field(init=False)
    _beat: float = 0.0
    _born: float = 0.0
    _looked: float = 0.0
    _swept: float = 0.0
    _absences_counted: float = 0.0
    _version: int = 0
    _judged: float = -math.inf

    def __post_init__(self) -> None:
        self.started = self.clock.now()
        self.clocks = ClockWatch.start(self.clock)
        self._beat = self._born = time.monotonic()
        records = self.history.records()
        self.snapshot = self._snapshot(self.started, self.decisions.judgement, records)

    def run(self) -> None:
        """Work until `stopping` is set. Feeds the watchdog at every turn.

        Raises FatalError.
        """
        self.decisions.restore(self.started)
        self.memory.captures.begin(self.started)
        self.guard.run(LOOK, self._look_around)  # before a source starts: one may be released
        for source in self.sources:
            source.start(self.inbox.deliver)
        self.guard.run(SWEEP, self.sweep, changed=True)
        while not self.stopping:
            self.turn()

    def turn(self) -> None:
        """One turn of the loop: take what arrived, look around, and decide when there is reason."""
        self._beat = time.monotonic()
        changed, arrived = False, False
        for item in self.inbox.take(LOOK_SECONDS):
            if isinstance(item, Errand):
                item.run()
                changed = True
                continue
            arrived = True
            changed |= self.guard.run(MESSAGE, self.memory.take, item.message, self.clock.now())
        looked = self.guard.run(LOOK, self._look_around)
        if arrived or changed or looked:
            self.guard.run(SWEEP, self.sweep, changed=changed or looked)
        self.capture()
        self.notifier.turned(knows=self.nvml is None or self.memory.knows(self.nvml.state()))

    def capture(self) -> None:
        """Keep what is known of the boards to which something happened, after it was judged."""
        captures, now = self.memory.captures, self.clock.now()
        captures.look_at_flags(self.decisions.flags, now)
        captures.work(self, now)

    def heartbeat_age(self) -> float:
        """Seconds since the loop last turned (any thread)."""
        return time.monotonic() - self._beat

    def sweep(self, *, changed: bool) -> bool:
        """From history to readers: history -> verdict -> flag/window -> exposition; if decided.

        Rules are asked when what they look at `changed`, while a condition holds, and now and then.
        """
        now = self.clock.now()
        self._swept = time.monotonic()
        records = self.history.records()
        judgement, decided = self.decisions.judgement, False
        if changed or self._judging_due(now):
            self._judged = now.boottime
            view = host_view(records, self.memory.live, self._situation(now))
            judgement, decided = self.decisions.decide(view, records)
        # Judged again at once: nobody is told what a swap, or the refusal of what came in, settles.
        for _ in range(_STEPS):
            if not self.decisions.follow_boards(records, self.memory.live, now):
                break
            self._judged, decided = -math.inf, True
            view = host_view(records, self.memory.live, self._situation(now))
            judgement, _ = self.decisions.decide(view, records)
        self.snapshot = self._snapshot(now, judgement, records)
        if (news := changed and decided) or logging.getLogger(_LOGGER).isEnabledFor(logging.DEBUG):
            (log.info if news else log.debug)(
                "swept",
                gpus=len(self.snapshot.gpus),
                verdict=gravest(verdict for _, verdict, _ in judgement.by_subject()).value,
                findings=sum(len(found) for _, _, found in judgement.by_subject()),
                flags=sum(flag.is_open for flag in self.decisions.flags),
            )
        live, driver, bmcs = self.memory.live, self.memory.driver, len(self.snapshot.bmcs)
        self.notifier.status(status_text(live, driver, bmcs, judgement))
        return decided

    def _judging_due(self, now: Moment) -> bool:
        followed = self.decisions.judge.following or self.memory.live.missing
        return followed or not 0 <= now.boottime - self._judged < JUDGE_SECONDS

    def _look_around(self) -> bool:
        """Once a second: the clock, maintenance files, absent boards, the disk; whether new."""
        instant = time.monotonic()
        if instant - self._looked < LOOK_SECONDS:
            return False
        self._looked = instant
        if thread := self.ended_thread():
            raise FatalError(f"agent: its {thread} thread ended (see the log; it is started anew)")
        now = self.clock.now()
        stepped = self._watch_clock(now) | self.memory.settle(now)
        work = self.works.read(now.wall)
        changed = stepped or work != self.maintenance
        self.note_maintenance(work, now)
        self.memory.sram.look(now)
        if self.reload_asked:
            self.reload_asked = False
            self.on_reload()
            changed = True
        if instant - self._absences_counted >= self.cadences[Cadence.FAST]:
            self._absences_counted = instant
            changed |= self.memory.live.count_absences()
        ticked = self.memory.note(self.history.tick(now))
        changed |= self.health.look(self.history.degraded)
        # Findings ripen by the passing of time, also while no GPU answers.
        overdue = instant - self._swept >= self.cadences[Cadence.FAST]
        stale = self.memory.live.staleness_changed(self.stale_seconds)
        stale |= self.memory.bmcs.freshness_changed(now)
        return ticked or stale or changed or overdue

    def _watch_clock(self, now: Moment) -> bool:
        step = self.clocks.look(now)
        if step is None:
            return False
        log.warning("clock-stepped", seconds=round(step, 3))
        self.memory.happened(EventKind.CLOCK_STEP, now, f"{step:+.0f} s")
        self.decisions.calendar.forget()
        self.on_clock_step()
        return True

    def note_maintenance(self, work: tuple[Maintenance, ...], now: Moment) -> None:
        """Take up who works on what: events, and the driver let go of as long as anyone asks."""
        before = {item.identity: item for item in self.maintenance}
        after = {item.identity: item for item in work}
        self.maintenance = work
        for identity in after.keys() - before.keys():
            item = after[identity]
            what = " ".join(filter(None, (item.scope, item.board or item.bmc, item.reason)))
            self.memory.happened(EventKind.MAINTENANCE_BEGAN, now, what)
        for identity in before.keys() - after.keys():
            self.memory.happened(EventKind.MAINTENANCE_ENDED, now, before[identity].reason)
        if self.nvml is not None and follow(self.nvml, before.values(), work):
            self.memory.disturb(now)

    def _situation(self, now: Moment) -> Situation:
        disturbed = self.memory.disturbed
        quiet = now.boottime - disturbed.boottime if disturbed else now.boottime
        released = bool(self.memory.released) or any(one.state().released for one in self.sources)
        return Situation(
            now=now,
            driver=self.memory.driver,
            epoch_started=self.memory.epoch_started,
            released=released,
            clock_settled=self.clocks.settled(now),
            quiet_seconds=quiet,
            resumed=self.memory.resumed,
            stale_seconds=self.stale_seconds,
            cadences=self.cadences,
            expected_gpus=self.expected_gpus,
            settling=time.monotonic() - self._born < self.stale_seconds,
            maintenance=self.maintenance,
            unattributed=unattributed(self.history, now),
            history_lost=history_lost(self.history, now),
            switch_errors=self.history.sxid_traces(),
            calendar_problem=self.decisions.calendar.problem,
            blindness=self._blindness(now, released=released),
            bmcs=self.memory.bmcs.views(now),
            clock_synchronized=self.clocks.synchronized,
            nvml_asked=self.nvml is not None,
        )

    def _blindness(self, now: Moment, *, released: bool) -> Blindness:
        """Who tells nothing, and for how long; nobody while the driver is let go of."""
        known = self.history.records().values()
        bmcs = self.memory.bmcs.watched
        worked_on = frozenset(under_maintenance(self.maintenance, known, bmcs))
        return self.blind.look(
            now,
            self.memory.live.boards.values(),
            [source.state() for source in self.sources],
            lambda board: tells_nothing(board, now, self.stale_seconds, self.cadences),
            worked_on | {HOST} if released else worked_on,
        )

    def frame(self, now: Moment) -> Frame:
        """What was decided, for a snapshot of this instant."""
        return self.decisions.frame(now, self.stale_seconds, self.cadences)

    def _snapshot(
        self, now: Moment, judgement: Judgement, records: Mapping[BoardKey, BoardRecord]
    ) -> Snapshot:
        self._version += 1
        return picture(self, self._version, now, judgement, records)
