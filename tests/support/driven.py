"""A driven agent: its own loop, history and rules on simulated boards, turned by hand.

Nothing runs beside it: no child process, no thread, and time passes when told. What sources would
deliver is handed to the agent's memory, as its inbox would; what measures real seconds in the loop
is moved along with the simulated ones.
"""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

from gpuwatch.agent.assembly import assemble
from gpuwatch.agent.core import Agent
from gpuwatch.agent.maintenance import MaintenanceDirectory
from gpuwatch.agent.systemd import Notifier
from gpuwatch.config.loading import Loaded, load
from gpuwatch.domain.devices import BoardKey, Device
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.signals import Cadence, Role, Signal
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.history import History, HistorySettings
from gpuwatch.policy.agenda import Agenda
from gpuwatch.policy.views import PolicySettings
from gpuwatch.sources.base import (
    Deliver,
    DriverCondition,
    DriverState,
    Inventory,
    LogPosition,
    Message,
)
from tests.support.histories import DAY, START, HandClock, board_key, device, row

FAST_SECONDS = 10.0
STALE_SECONDS = 40.0
MAX_GAP_SECONDS = 8 * DAY
_HOUR_SECONDS = 3600.0
LOST = Gap(GapReason.LOST, 15)
FAILED = Gap(GapReason.FAILED, 999)
UNSUPPORTED = Gap(GapReason.UNSUPPORTED, 3)
# Every step commits, and what is tested here is not the disk.
MEMORY_DISK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
DRIVER_VERSION = "580.95.05"

FAST = (
    row("ecc_uncorrected_volatile_errors_total", Role.ECC_VOLATILE),
    row("ecc_uncorrected_aggregate_errors_total", Role.ECC_AGGREGATE),
    row("rows_remapped_uncorrectable_total", Role.ROWS_REMAPPED),
    row("row_remap_pending", Role.REMAP_PENDING),
    row("row_remap_failed"),
    row("recovery_action", Role.RECOVERY_ACTION),
)
SLOW = tuple(
    replace(row(f"ecc_uncorrected_{counter}_memory_errors_total", role, memory), every=Cadence.SLOW)
    for memory in ("dram", "sram")
    for counter, role in (("volatile", Role.ECC_VOLATILE), ("aggregate", Role.ECC_AGGREGATE))
)
FAST_AND_SLOW = FAST + SLOW
# Rows that can become unreadable together.
COUNTER_PLACES, FLAG_PLACES = (0, 1, 2, 6, 7, 8, 9), (3, 4, 5)
NEEDED = tuple(signal.key for signal in FAST)


class Counters(StrEnum):
    """Which error counters a board has."""

    BOTH = "both"
    VOLATILE = "volatile"
    AGGREGATE = "aggregate"


@dataclass(slots=True)
class Part:
    """One board as hardware: what its counters stand at and what of it cannot be read.

    A board whose aggregate `lags` shows what it stood at when it was read before. `gaps` are the
    places of the table that cannot be read. A `fallen` board is listed by the driver and is lost;
    one that is `gone` is on no bus.
    """

    number: int
    counters: Counters = Counters.BOTH
    lags: bool = False
    volatile: int = 0
    aggregate: int = 0
    dram: int = 0
    sram: int = 0
    shown: tuple[int, int, int] = (0, 0, 0)
    rows: int = 0
    pending: int = 0
    failed: int = 0
    action: int = 0
    fallen: bool = False
    gone: bool = False
    gaps: frozenset[int] = frozenset()

    @property
    def key(self) -> BoardKey:
        """The board's key."""
        return board_key(self.number)

    @property
    def real(self) -> tuple[int, int, int]:
        """What the aggregate counters really stand at."""
        return self.aggregate, self.dram, self.sram

    def fail(self, memory: str, count: int) -> None:
        """Count uncorrectable errors."""
        self.volatile += count
        self.aggregate += count
        setattr(self, memory, getattr(self, memory) + count)

    def reset(self) -> None:
        """A reset of the board, or a new load of its driver."""
        self.volatile = self.pending = self.action = 0

    def answer(self) -> tuple[Value | Gap, ...]:
        """The answers to FAST_AND_SLOW; the first of them are those to FAST."""
        if self.fallen:
            return (LOST,) * len(FAST_AND_SLOW)
        shown, self.shown = (self.shown if self.lags else self.real), self.real
        total, dram, sram = shown
        has_volatile = self.counters is not Counters.AGGREGATE
        has_aggregate = self.counters is not Counters.VOLATILE
        values: tuple[Value | Gap, ...] = (
            self.volatile if has_volatile else UNSUPPORTED,
            total if has_aggregate else UNSUPPORTED,
            self.rows,
            self.pending,
            self.failed,
            self.action,
            UNSUPPORTED,
            dram if has_aggregate else UNSUPPORTED,
            UNSUPPORTED,
            sram if has_aggregate else UNSUPPORTED,
        )
        if not self.gaps:
            return values
        return tuple(
            FAILED if place in self.gaps and value is not UNSUPPORTED else value
            for place, value in enumerate(values)
        )


@dataclass(slots=True)
class DrivenClock(HandClock):
    """A clock that also knows true time, and what the agent was last told of each boot."""

    true: float = 0.0
    offsets: dict[str, float] = field(default_factory=dict)
    true_offsets: dict[str, float] = field(default_factory=dict)

    @property
    def disagrees(self) -> bool:
        """Whether some boot's clock was wrong by more than an hour, as seen from another."""
        wrong = [self.offsets[boot] - self.true_offsets[boot] for boot in self.offsets]
        return max(wrong, default=0.0) - min(wrong, default=0.0) > _HOUR_SECONDS

    def now(self) -> Moment:
        """The present instant, as the agent is told it."""
        self.offsets[self.boot_id] = self.wall - self.boottime
        self.true_offsets[self.boot_id] = self.true - self.boottime
        return Moment(wall=self.wall, boottime=self.boottime, boot_id=self.boot_id)

    def pass_seconds(self, seconds: float) -> Moment:
        """Let time pass."""
        self.true += seconds
        self.wall += seconds
        self.boottime += seconds
        return Moment(wall=self.wall, boottime=self.boottime, boot_id=self.boot_id)

    def boot(self, boot_id: str, down_seconds: float = 300.0) -> None:
        """Start the host anew after a while."""
        self.true += down_seconds
        HandClock.boot(self, boot_id, down_seconds)


@dataclass(slots=True)
class ReleasedNvml:
    """What the agent lets go of: it stops delivering while released."""

    clock: HandClock
    name: str = "nvml"
    reason: str = ""
    until: float = 0.0

    def start(self, deliver: Deliver) -> None:
        """Nothing starts: sweeps are handed over by the test."""

    def stop(self, within_seconds: float) -> None:
        """Nothing runs."""

    @property
    def asked_release(self) -> str:
        """As it was told."""
        return self.reason

    def release(self, reason: str, until: float) -> None:
        """Let go."""
        self.reason, self.until = reason, until

    def resume(self) -> None:
        """Take up again."""
        self.reason, self.until = "", 0.0

    def wait_released(self, within_seconds: float) -> bool:  # noqa: ARG002 - the protocol's
        """It is let go of at once."""
        return True

    def state(self) -> SourceState:
        """How it does: up unless let go of."""
        released = self.clock.wall < self.until
        return SourceState(
            name=self.name,
            up=not released,
            fresh=not released,
            released=released,
            released_reason=self.reason if released else "",
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the kernel log; `true` is when it was written, in true time."""

    true: float
    boot_id: str
    sequence: int
    event: Event


@cache
def _loaded() -> Loaded:
    options = ("nvml.enabled=false", "kernel_log.enabled=false")
    return load(options=options, environment={})


@dataclass(slots=True)
class DrivenHost:
    """A host of boards in slots, with an agent that runs or does not.

    `answers` are the boards of which the last pulse delivered a sweep, with what it said.
    """

    folder: Path
    clock: DrivenClock = field(default_factory=lambda: DrivenClock(wall=START))
    slots: dict[int, Part | None] = field(default_factory=dict)
    fast: tuple[Signal, ...] = FAST
    whole: tuple[Signal, ...] = FAST_AND_SLOW  # the fast rows first
    settings: PolicySettings = field(default_factory=PolicySettings)
    agenda: Agenda = field(default_factory=Agenda)
    load: int = 1
    log: list[Line] = field(default_factory=list)
    logged: int = 0  # the sequence number of the last line
    read: int = 0  # that of the last line the agent read
    answers: dict[int, tuple[Value | Gap, ...]] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()  # by the latest inventory
    _agent: Agent | None = None
    _nvml: ReleasedNvml | None = None
    _started: float = 0.0
    _swept: dict[str, float] = field(default_factory=dict)
    _told: SourceState | None = None
    _asked: bool = False

    @property
    def agent(self) -> Agent:
        """The running agent."""
        assert self._agent is not None
        return self._agent

    @property
    def running(self) -> bool:
        """Whether an agent runs."""
        return self._agent is not None

    @property
    def released(self) -> bool:
        """Whether the driver is let go of."""
        return self._nvml is not None and self._nvml.state().released

    @property
    def parts(self) -> Iterator[Part]:
        """The boards in their slots."""
        return (part for part in self.slots.values() if part is not None)

    def slot_of(self, part: Part) -> int:
        """Where a board sits."""
        return next(slot for slot, sitting in self.slots.items() if sitting is part)

    def open(self) -> None:
        """Start the agent: it takes up its history, and nothing was delivered to it yet."""
        clock = self.clock
        settings = HistorySettings(retry_seconds=0.0, max_gap_seconds=MAX_GAP_SECONDS)
        history = History.open(self.folder / "history.db", clock, settings)
        agent = assemble(_loaded(), clock, history, Notifier({}))
        self._nvml = ReleasedNvml(clock)
        agent.nvml, agent.sources = self._nvml, (self._nvml,)
        agent.works = MaintenanceDirectory(self.folder / "maintenance.d")
        agent.memory.kernel_log_readable = lambda: True
        self._agent, self._started = agent, clock.boottime
        self._swept.clear()
        self._told = None
        self._asked = False
        self.listed = frozenset()
        self.apply(self.settings)
        agent.decisions.restore(clock.now())

    def start(self) -> None:
        """Start the agent: it takes up its history, the driver, the log and the boards."""
        if self._agent is None:
            self.open()
        self.turn(changed=True)
        self.read = self._position(self.agent.history)
        self._ask_driver()
        self.deliver_log()

    def stop(self) -> None:
        """Stop the agent in good order."""
        self.agent.history.close()
        self._agent = None

    def kill(self) -> None:
        """End the agent with whatever it had not committed."""
        self.agent.history._book.store.close()
        self._agent = None

    def apply(self, settings: PolicySettings) -> None:
        """Take up other settings."""
        self.settings = settings
        if self._agent is not None:
            decisions = self._agent.decisions
            decisions.judge.settings = settings
            decisions.calendar.agenda = self.agenda
            decisions.calendar.forget()

    def tell(self, *messages: Message) -> None:
        """Deliver messages and let the agent turn."""
        changed = False
        for message in messages:
            changed |= self.agent.memory.take(message, self.clock.now())
        self.turn(changed=changed)

    def turn(self, *, changed: bool = False) -> None:
        """One turn of the agent's loop."""
        changed |= self._look()
        self.agent.sweep(changed=changed)

    def _look(self) -> bool:
        """Look around, with real seconds moved to where simulated ones are; whether it is new."""
        agent, instant = self.agent, time.monotonic()
        agent._looked = agent._swept = agent._absences_counted = float("-inf")
        agent._born = instant - (self.clock.boottime - self._started)
        for uuid, swept in self._swept.items():
            agent.memory.live.boards[uuid].swept_monotonic = instant - (self.clock.boottime - swept)
        looked = agent._look_around()
        told = agent.nvml.state() if agent.nvml is not None else None
        if told is not None and told != self._told:
            self._told = told
            looked |= agent.memory.take(told, self.clock.now())
        return looked

    def pulse(self, seconds: float = FAST_SECONDS, *, slow: bool = True) -> None:
        """Let time pass, then sweep every board that answers, and turn."""
        self.clock.pass_seconds(seconds)
        self.answers = {}
        if self._agent is None:
            return
        for uuid in self._swept:  # as if they had been swept all the time
            self._swept[uuid] = self.clock.boottime
        self._look()  # maintenance may end a release, or begin one
        self._ask_driver()
        if self.released:
            self.turn()
            return
        changed = False
        for part in self.parts:
            if part.key.uuid not in self.listed:
                continue
            values = part.answer()
            self.answers[part.number] = values if slow else values[: len(self.fast)]
            changed |= self.agent.memory.take(self._sweep(part, slow=slow), self.clock.now())
            self._swept[part.key.uuid] = self.clock.boottime
        self.turn(changed=changed)

    def reboot(self, down_seconds: float = 300.0, wrong_by: float = 0.0) -> None:
        """Boot anew, with the agent off; the wall clock may come up wrong."""
        assert self._agent is None
        self.load += 1
        self.clock.boot(f"boot-of-load-{self.load}", down_seconds)
        self.clock.step(wrong_by)
        for part in self.parts:
            part.reset()
            part.fallen = part.gone = False
        shutil.rmtree(self.folder / "maintenance.d", ignore_errors=True)  # /run is new, too

    def reload_driver(self) -> None:
        """Load the driver anew."""
        self.load += 1
        for part in self.parts:
            part.reset()
        self._asked = False
        if self._agent is not None:
            self._ask_driver()

    def log_line(self, slot: int, code: int, *, ago: float = 0.0) -> Line:
        """Have the kernel log an Xid of the board in a slot; it is read later."""
        clock = self.clock
        self.logged += 1
        sequence = self.logged
        event = Event(
            kind=EventKind.XID,
            at=clock.wall - ago,
            source=EventSource.KERNEL_LOG,
            identity=f"{clock.boot_id}/{sequence}",
            boot_id=clock.boot_id,
            pci_address=f"0000:{slot + 1:02x}:00.0",
            code=code,
            boottime=clock.boottime - ago,
        )
        self.log.append(Line(clock.true - ago, clock.boot_id, sequence, event))
        return self.log[-1]

    def deliver_log(self) -> list[Line]:
        """Let the agent read the log from where it was left; the lines of it that it read."""
        lines = [line for line in self.log if line.sequence > self.read]
        self.read = self.logged
        self.tell(*(message for line in lines for message in (line.event, self._place(line))))
        return lines

    def inventory(self) -> Inventory:
        """What an inventory finds."""
        found: list[Device] = []
        lost: list[str] = []
        functions: list[str] = []
        for slot, part in self.slots.items():
            if part is None or part.gone:
                continue
            functions.append(f"0000:{slot + 1:02x}:00.0")
            if part.fallen:
                lost.append(functions[-1])
            else:
                found.append(device(part.number, slot))
        self.listed = frozenset(each.board.key.uuid for each in found)
        return Inventory(
            devices=tuple(found),
            lost=tuple(lost),
            pci_functions=tuple(functions),
            driver_version=DRIVER_VERSION,
        )

    def remove(self) -> None:
        """Throw the host away."""
        if self._agent is not None:
            self.kill()
        shutil.rmtree(self.folder)

    def _driver(self) -> DriverState:
        return DriverState(
            condition=DriverCondition.READY,
            driver_version=DRIVER_VERSION,
            library_version=DRIVER_VERSION,
            driver_load=str(self.load),
        )

    def _sweep(self, part: Part, *, slow: bool) -> Sweep:
        signals = self.whole if slow else self.fast
        return Sweep(
            board=part.key,
            at=self.clock.now(),
            cadences=frozenset(signal.every for signal in signals),
            signals=signals,
            values=self.answers[part.number],
        )

    def _ask_driver(self) -> None:
        """After a start, a load or a release, NVML says how the driver is and what there is."""
        if self.released:
            self._asked = False
        elif not self._asked:
            self._asked = True
            self.tell(self._driver(), self.inventory())

    def _place(self, line: Line) -> LogPosition:
        return LogPosition(
            boot_id=line.boot_id,
            sequence=line.sequence,
            usec=0,
            booted_at=self.clock.offsets[line.boot_id],
        )

    def _position(self, history: History) -> int:
        """The sequence number up to which the history knows the log."""
        stored = history.kernel_log_position()
        return 0 if stored is None else stored[1]
