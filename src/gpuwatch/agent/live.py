"""Live: the latest answers of every board, and how each of them is doing right now."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gpuwatch.agent.answers import Answers, shape_of
from gpuwatch.agent.trails import TrailBook
from gpuwatch.domain.devices import BoardKey, Device
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.signals import Cadence, Signal
from gpuwatch.domain.snapshot import Latest, Missed
from gpuwatch.domain.trails import NO_TRAIL, Trail
from gpuwatch.sources.base import DeviceHang, Inventory

GPU_IS_LOST = 15  # NVML_ERROR_GPU_IS_LOST
RESET_REQUIRED = 16  # NVML_ERROR_RESET_REQUIRED
_NOT_TO_BE_HAD = frozenset({GapReason.UNSUPPORTED, GapReason.DENIED})
_BLIND_AFTER = 3  # cadences


@dataclass(slots=True)
class LiveBoard:
    """One board as it answers now. `monotonic` instants are of this process's monotonic clock.

    `missed` are signals that rules need and that are a gap, by key, with the seconds since boot
    since when; what a board does not support and what is denied to us was never to be had. `told`
    are those that this process has read: of one that it never read it does not know since when.
    `awaited` says that it has not answered since the driver was taken up again.
    """

    key: BoardKey
    device: Device | None = None
    present: bool = False
    lost: bool = False
    reset_required: bool = False
    awaited: bool = False
    answers: int = 0
    swept_monotonic: float = 0.0
    last_good: Moment | None = None
    hang: DeviceHang | None = None
    seen_under: str = ""
    sweeps: dict[Cadence, Sweep] = field(default_factory=dict)
    earlier: dict[Cadence, Sweep] = field(default_factory=dict)  # those before, if it answered
    _readings: Mapping[str, Value | Gap] | None = None
    missed: dict[str, tuple[Signal, float]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    past: TrailBook = field(default_factory=TrailBook)
    _left_trail: Trail = NO_TRAIL

    def take(self, sweep: Sweep, monotonic: float, driver_load: str) -> None:
        """Keep a sweep as the latest of its cadences."""
        for cadence in sweep.cadences:
            before = self.sweeps.get(cadence)
            if not self.lost and before is not None and _tells(before):
                self.earlier[cadence] = before
            self.sweeps[cadence] = sweep
        shape = shape_of(sweep.signals)
        self._readings = None
        self.answers += 1
        self.swept_monotonic = monotonic
        self.hang = None
        gaps = [value for value in sweep.values if type(value) is Gap]
        self.lost = any(gap.reason is GapReason.LOST or gap.code == GPU_IS_LOST for gap in gaps)
        self.reset_required = any(gap.code == RESET_REQUIRED for gap in gaps)
        for place in shape.needed:
            self._note(sweep, place)
        owning = any(type(sweep.values[place]) is not Gap for place in shape.owning)
        if owning and not self.lost:
            self.last_good = sweep.at
            self.awaited = False
            self.seen_under = driver_load
        if not self.lost:
            self.past.take(sweep)

    @property
    def standing(self) -> tuple[object, ...]:
        """What rules see of it beside the readings that history keeps by their changes."""
        hung, answered = self.hang is not None, bool(self.sweeps)
        here = self.present, self.seen_under, self.awaited
        return self.lost, self.reset_required, hung, answered, *here

    def forget_answers(self) -> None:
        """Drop readings that can no longer be trusted: the board is gone."""
        if not self.lost:
            self.earlier.update((one, last) for one, last in self.sweeps.items() if _tells(last))
        self.sweeps.clear()
        self._readings = None
        self.missed.clear()
        self.told.clear()
        self._left_trail, self.past = self.past.trail, TrailBook()

    @property
    def readings(self) -> Mapping[str, Value | Gap]:
        """The latest value or gap by `Signal.key`; another mapping after every sweep."""
        if self._readings is None:
            self._readings = {
                key: sweep.values[place]
                for cadence, sweep in self.sweeps.items()
                for place, key in shape_of(sweep.signals).keys[cadence]
            }
        return self._readings

    def blind_to(self, now: Moment, cadences: Mapping[Cadence, float]) -> tuple[Missed, ...]:
        """Signals that rules need and that have been a gap for three of their cadences.

        One that was never read may have been a gap for longer: our start makes nobody healthy.
        """
        return tuple(
            Missed(signal, gap, now.wall - (now.boottime - since))
            for key, (signal, since) in self.missed.items()
            if isinstance(gap := self.readings.get(key), Gap)
            and (
                key not in self.told
                or now.boottime - since >= _BLIND_AFTER * cadences.get(signal.every, math.inf)
            )
        )

    def _note(self, sweep: Sweep, place: int) -> None:
        """Remember since when a signal that rules need is a gap, or that it no longer is."""
        value, signal = sweep.values[place], sweep.signals[place]
        if type(value) is Gap and value.reason not in _NOT_TO_BE_HAD:
            self.missed.setdefault(signal.key, (signal, sweep.at.boottime))
        else:
            self.missed.pop(signal.key, None)
            self.told.add(signal.key)

    def latest(self, now: Moment) -> Sequence[Latest]:
        """The latest answers, dated on the wall clock as it stands now."""
        return Answers(tuple(self.sweeps.items()), now.wall - now.boottime)

    def latest_before(self, now: Moment) -> Sequence[Latest]:
        """The answers before the latest, dated in the same way: those of a board that is lost."""
        return Answers(tuple(self.earlier.items()), now.wall - now.boottime)

    @property
    def trail(self) -> Trail:
        """Its last minutes and hours; of a board that is gone those before it went."""
        return self.past.trail if self.past.trail.minutes else self._left_trail


class Live:
    """All boards that answered or are remembered, by UUID: a serial may be unreadable for once."""

    def __init__(self) -> None:
        self.boards: dict[str, LiveBoard] = {}
        self.inventory: Inventory | None = None
        self._stale: frozenset[str] = frozenset()

    @property
    def missing(self) -> bool:
        """Whether a board does not tell a signal that rules need."""
        return any(board.missed for board in self.boards.values())

    def board(self, key: BoardKey) -> LiveBoard:
        """The live state of a board, made at first need."""
        board = self.boards.get(key.uuid)
        if board is None:
            board = self.boards[key.uuid] = LiveBoard(key)
        elif key.serial and not board.key.serial:
            board.key = key
        return board

    def take_inventory(self, inventory: Inventory) -> None:
        """Boards in the inventory are present; the others are not, and their answers are void."""
        self.inventory = inventory
        here = {device.board.key.uuid for device in inventory.devices}
        for device in inventory.devices:
            board = self.board(device.board.key)
            board.device, board.present = device, True
        for uuid, board in self.boards.items():
            if uuid not in here and board.present:
                board.present = False
                board.hang = None
                board.forget_answers()
            elif uuid not in here and board.hang and _is_gone(board.hang.pci_address, inventory):
                board.hang = None

    def await_answers(self) -> None:
        """The driver was taken up again: what boards told before may be over."""
        for board in self.boards.values():
            board.awaited = True

    def at_address(self, pci_address: str) -> LiveBoard | None:
        """The board last seen in a slot."""
        candidates = [
            board
            for board in self.boards.values()
            if board.device is not None and board.device.slot.pci_address == pci_address
        ]
        return max(candidates, key=lambda board: board.present, default=None)

    def staleness_changed(self, stale_seconds: float) -> bool:
        """Whether a GPU's readings went stale since the last look: nothing else tells."""
        limit = time.monotonic() - stale_seconds
        stale = frozenset(
            uuid
            for uuid, board in self.boards.items()
            if board.present and board.swept_monotonic < limit
        )
        before, self._stale = self._stale, stale
        return stale != before

    def count_absences(self) -> bool:
        """One more round in which the absent boards did not answer; whether there are any."""
        absent = [board for board in self.boards.values() if not board.present]
        for board in absent:
            board.answers += 1
        return bool(absent)


def remembered_at(records: Mapping[BoardKey, BoardRecord], pci_address: str) -> BoardKey | None:
    """The board that history has in a slot: for one that hangs since before the agent started."""
    here = (
        key
        for key, record in records.items()
        if record.state is not BoardState.LEFT
        and record.slot is not None
        and record.slot.pci_address == pci_address
    )
    return next(here, None)


def _tells(sweep: Sweep) -> bool:
    """Whether the board answered it: with one value at least."""
    return any(type(value) is not Gap for value in sweep.values)


def _is_gone(pci_address: str, inventory: Inventory) -> bool:
    """Whether an inventory tells that nothing is left there to hang."""
    functions = inventory.pci_functions
    return pci_address in inventory.lost or (bool(functions) and pci_address not in functions)
