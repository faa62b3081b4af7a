"""Remember: what sources deliver goes into history, and into the live picture."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import compress
from operator import not_
from typing import assert_never

import structlog

from gpuwatch.agent import telling
from gpuwatch.agent.bmcs import Bmcs
from gpuwatch.agent.captures import Captures
from gpuwatch.agent.live import Live, remembered_at
from gpuwatch.agent.openings import Openings
from gpuwatch.agent.sram import HandedCounts
from gpuwatch.domain.bmc import BmcFailure, BmcSweep
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.captures import Occasion
from gpuwatch.domain.devices import Epoch
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Sweep
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.history import Change, History
from gpuwatch.sources.base import (
    DeviceHang,
    DriverCondition,
    DriverState,
    Inventory,
    LogPosition,
    Message,
)
from gpuwatch.sources.occurrences import Deduplicator

log = structlog.get_logger("gpuwatch.remember")

# Reports about a board by its PCI address. They wait so many seconds of the boot clock for the
# first inventory of a boot: NVML's start may take two minutes, and each GPU half a minute more.
_OF_BOARDS = frozenset(
    {EventKind.XID, EventKind.FELL_OFF_BUS, EventKind.INIT_FAILED, EventKind.DOUBLE_BIT_ERROR}
)
UNCOUNTED_SECONDS = 300.0


@dataclass(slots=True)
class Memory:
    """Takes every message in order. `epoch_started` is the current driver epoch's beginning."""

    history: History
    kernel_log_readable: Callable[[], bool]
    occurrences: Deduplicator = field(default_factory=Deduplicator)
    live: Live = field(default_factory=Live)
    driver: DriverState | None = None
    epoch: Epoch | None = None
    epoch_started: Moment | None = None
    disturbed: Moment | None = None
    resumed: Moment | None = None  # when the driver was taken up again after a release
    released: set[str] = field(default_factory=set)  # sources whose release is not known to be over
    bmcs: Bmcs = field(init=False)
    captures: Captures = field(init=False)
    sram: HandedCounts = field(default_factory=HandedCounts)
    _uncounted: tuple[Event, ...] = ()
    _uncounted_since: float | None = None
    _position: LogPosition | None = None
    _unplaced: tuple[Event, ...] = ()
    _openings: Openings = field(init=False)

    def __post_init__(self) -> None:
        self.bmcs = Bmcs(self.history)
        self.captures = Captures(self.history, self.live)
        self._openings = Openings(self.history)

    def take(self, message: Message, now: Moment) -> bool:
        """Remember one message; whether it changed more than readings."""
        match message:
            case Sweep():
                changed = self._take_sweep(message)
            case Inventory():
                changed = self._take_inventory(message, now)
            case Event():
                changed = self._take_event(message, now)
            case DeviceHang():
                changed = self._take_hang(message)
            case DriverState():
                changed = self._take_driver(message, now)
            case LogPosition():
                changed = self._take_position(message, now)
            case SourceState():
                changed = self._take_state(message, now)
            case BmcSweep() | LogBatch() | BmcFailure():
                self.note(self.bmcs.take(message, now))
                changed = True  # its readings, which rules look at, are in no change of history
            case _:
                assert_never(message)
        return changed

    def knows(self, nvml: SourceState) -> bool:
        """Whether the GPUs answered, or it is known why they do not."""
        driver = self.driver
        absent = driver is not None and driver.condition != DriverCondition.READY
        return absent or nvml.released or nvml.last_success is not None

    def settle(self, now: Moment) -> bool:
        """What counts as time passes: Xids that only NVML told, lines left without a position."""
        since = self._uncounted_since
        if since is not None and now.boottime - since >= UNCOUNTED_SECONDS:
            self._take_uncounted(now)
        unplaced, self._unplaced = self._unplaced, ()
        return self._place(unplaced, None, now) | self._store(
            self.occurrences.settle(time.monotonic()), now
        )

    def disturb(self, now: Moment) -> None:
        """A reset, release, MIG change or driver load: absence and hangs prove nothing yet."""
        self.disturbed = now

    def happened(self, kind: EventKind, now: Moment, detail: str) -> None:
        """Remember something the agent itself did or noticed."""
        event = Event(
            kind=kind,
            at=now.wall,
            source=EventSource.GPUWATCH,
            identity=f"{now.boot_id}/{kind.value}/{now.boottime:.3f}",
            boot_id=now.boot_id,
            boottime=now.boottime,
            detail=detail,
        )
        self.note(self.history.take_event(event, now))

    def _take_event(self, event: Event, now: Moment) -> bool:
        counted = self.occurrences.admit(
            event, monotonic=time.monotonic(), kernel_log_readable=self.kernel_log_readable()
        )
        if event.source is EventSource.KERNEL_LOG:
            self._unplaced += counted  # its position follows at once
            return bool(counted)
        return self._store(counted, now)

    def _take_position(self, position: LogPosition, now: Moment) -> bool:
        events, self._unplaced = self._unplaced, ()
        return self._place(events, position, now)

    def _place(self, events: tuple[Event, ...], position: LogPosition | None, now: Moment) -> bool:
        """Store the events that came before a position, the last one in one with it.

        A position never overtakes events whose boards are not counted yet.
        """
        waiting = [self._is_uncounted(event, now) for event in events]
        self._uncounted += tuple(compress(events, waiting))
        if self._uncounted:
            self._position = position or self._position
            return self._store(tuple(compress(events, map(not_, waiting))), now)
        if position is None:
            return self._store(events, now)
        place = (str(position), position.sequence)
        if not events:
            self.history.save_kernel_log_position(place)
            return False
        changed = self._store(events[:-1], now)
        return changed | self.note(self.history.take_event(events[-1], now, place))

    def _is_uncounted(self, event: Event, now: Moment) -> bool:
        """Whether its slot's board is not known: boards may be exchanged while a host is off.

        It waits for the first inventory of this boot, for as long as that may take.
        """
        if event.kind not in _OF_BOARDS or event.board is not None or event.boot_id != now.boot_id:
            return False
        if self.history.knows_slots_of(now.boot_id):
            return False
        if event.uuid and any(key.uuid == event.uuid for key in self.history.records()):
            return False
        if self._uncounted_since is None:
            self._uncounted_since = now.boottime
        return now.boottime - self._uncounted_since < UNCOUNTED_SECONDS

    def _take_uncounted(self, now: Moment) -> None:
        """Store what waited for an inventory: it came, or did not come in time."""
        events, self._uncounted = self._uncounted, ()
        position, self._position = self._position, None
        if events:
            self._place(events, position, now)

    def _store(self, events: tuple[Event, ...], now: Moment) -> bool:
        changed = False
        for event in events:
            changed |= self.note(self.history.take_event(event, now))
        return changed

    def _take_sweep(self, told: Sweep) -> bool:
        sweep = self.sram.fill(told)
        board = self.live.board(sweep.board)
        before, answered = board.standing, board.last_good is not None and not board.lost
        board.take(sweep, time.monotonic(), self.driver.driver_load if self.driver else "")
        changed = self.note(self.history.take_sweep(sweep))
        if board.lost and answered:
            self.captures.want(board.key, Occasion.OFF_BUS, "the driver has lost it")
        return changed or board.standing != before

    def _take_inventory(self, inventory: Inventory, now: Moment) -> bool:
        modes = {
            uuid: board.device.mig_enabled
            for uuid, board in self.live.boards.items()
            if board.device is not None
        }
        telling.tell_who_holds(self.live.inventory, inventory)
        self.live.take_inventory(inventory)
        if any(
            modes.get(device.board.key.uuid, device.mig_enabled) != device.mig_enabled
            for device in inventory.devices
        ):
            self.disturb(now)
        self.say(self.history.take_inventory(inventory.devices, now))
        self._take_uncounted(now)
        return True

    def _take_state(self, state: SourceState, now: Moment) -> bool:
        """A release that is over, also by itself: what was known before it proves nothing yet."""
        was = state.name in self.released
        if was == state.released:
            return False
        self.released ^= {state.name}
        if was:
            self.disturb(now)
            self.resumed = now
            self.live.await_answers()
            log.info("release-over", source=state.name)
        return True

    def _take_hang(self, hang: DeviceHang) -> bool:
        key = remembered_at(self.history.records(), hang.pci_address)
        board = self.live.at_address(hang.pci_address) or (key and self.live.board(key))
        if not board:
            log.warning("unknown-device-hung", pci=hang.pci_address, call=hang.call)
            return False
        if board.hang is None:
            log.warning(
                "gpu-missed-its-deadline",
                serial=board.key.serial,
                uuid=board.key.uuid,
                pci=hang.pci_address,
                call=hang.call,
                state=hang.state,
            )
        board.hang = hang
        return True

    def _take_driver(self, driver: DriverState, now: Moment) -> bool:
        before = self.driver
        self.driver = driver
        if before is None or before.condition != driver.condition:
            level = "info" if driver.condition == DriverCondition.READY else "warning"
            getattr(log, level)(
                "driver-condition",
                condition=driver.condition,
                text=driver.text,
                driver=driver.driver_version,
                library=driver.library_version,
            )
        if driver.condition != DriverCondition.READY:
            return True
        epoch = Epoch(
            boot_id=now.boot_id,
            driver_load=driver.driver_load,
            driver_version=driver.driver_version,
        )
        if epoch != self.epoch:
            self._enter(epoch, now)
        return True

    def _enter(self, epoch: Epoch, now: Moment) -> None:
        events = self.history.enter_epoch(epoch, now)
        self.epoch = epoch
        began = self.history.epoch_began()
        boottime = now.boottime if began is None else began
        wall = now.wall - (now.boottime - boottime)
        self.epoch_started = replace(now, wall=wall, boottime=boottime)
        if any(event.kind is EventKind.NEW_EPOCH for event in events):
            self.disturb(now)
        self.say(events)

    def note(self, change: Change) -> bool:
        """Log what a step of history changed; whether there was anything."""
        self.say(change.events)
        if self._openings.follow():
            self.captures.look_back()
        for incident in change.incidents:
            opened = self._openings.is_opened(incident)
            telling.tell_incident(incident, opened=opened)
            if opened:
                self.captures.opened(incident)
        return bool(change.boards or change.events)

    def say(self, events: tuple[Event, ...]) -> None:
        """One log line an event: log shipping is the off-host copy."""
        telling.tell(events)
        self.captures.follow(events)
