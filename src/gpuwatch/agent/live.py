"""Live: the latest answers of every board, and how each of them is doing right now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gpuwatch.domain.devices import BoardKey, Device
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.signals import OWNING_ROLES, Cadence, Signal
from gpuwatch.domain.snapshot import Latest
from gpuwatch.sources.base import DeviceHang, Inventory

GPU_IS_LOST = 15  # NVML_ERROR_GPU_IS_LOST
RESET_REQUIRED = 16  # NVML_ERROR_RESET_REQUIRED

_Rows = tuple[tuple[int, str, Signal], ...]


@dataclass(slots=True)
class LiveBoard:
    """One board as it answers now. `monotonic` instants are of this process's monotonic clock."""

    key: BoardKey
    device: Device | None = None
    present: bool = False
    lost: bool = False
    reset_required: bool = False
    answers: int = 0
    swept_monotonic: float = 0.0
    last_good: Moment | None = None
    hang: DeviceHang | None = None
    seen_under: str = ""
    sweeps: dict[Cadence, Sweep] = field(default_factory=dict)
    _readings: dict[str, Value | Gap] | None = None

    def take(self, sweep: Sweep, monotonic: float, driver_load: str) -> None:
        """Keep a sweep as the latest of its cadences."""
        for cadence in sweep.cadences:
            self.sweeps[cadence] = sweep
        self._readings = None
        self.answers += 1
        self.swept_monotonic = monotonic
        self.hang = None
        codes = {value.code for value in sweep.values if isinstance(value, Gap)}
        gaps = {value.reason for value in sweep.values if isinstance(value, Gap)}
        self.lost = GapReason.LOST in gaps or GPU_IS_LOST in codes
        self.reset_required = RESET_REQUIRED in codes
        if _owning_readable(sweep):
            self.last_good = sweep.at
            self.seen_under = driver_load

    def forget_answers(self) -> None:
        """Drop readings that can no longer be trusted: the board is gone."""
        self.sweeps.clear()
        self._readings = None

    @property
    def readings(self) -> Mapping[str, Value | Gap]:
        """The latest value or gap by `Signal.key`."""
        if self._readings is None:
            self._readings = {
                key: sweep.values[position]
                for sweep, rows in self._rows()
                for position, key, _ in rows
            }
        return self._readings

    def latest(self, now: Moment) -> tuple[Latest, ...]:
        """The latest answers, dated on the wall clock as it stands now."""
        return tuple(
            Latest(signal, sweep.values[position], at)
            for sweep, rows in self._rows()
            for at in (now.wall - (now.boottime - sweep.at.boottime),)
            for position, _, signal in rows
        )

    def _rows(self) -> Iterator[tuple[Sweep, _Rows]]:
        for cadence, sweep in self.sweeps.items():
            yield sweep, _rows_of(sweep.signals, cadence)


class Live:
    """All boards that answered or are remembered, by key."""

    def __init__(self) -> None:
        self.boards: dict[BoardKey, LiveBoard] = {}
        self.inventory: Inventory | None = None

    def board(self, key: BoardKey) -> LiveBoard:
        """The live state of a board, made at first need."""
        if key not in self.boards:
            self.boards[key] = LiveBoard(key)
        return self.boards[key]

    def take_inventory(self, inventory: Inventory) -> None:
        """Boards in the inventory are present; the others are not, and their answers are void."""
        self.inventory = inventory
        here = {device.board.key: device for device in inventory.devices}
        for key, device in here.items():
            board = self.board(key)
            board.device, board.present = device, True
        for key, board in self.boards.items():
            if key not in here and board.present:
                board.present = False
                board.hang = None
                board.forget_answers()

    def at_address(self, pci_address: str) -> LiveBoard | None:
        """The board last seen in a slot."""
        candidates = [
            board
            for board in self.boards.values()
            if board.device is not None and board.device.slot.pci_address == pci_address
        ]
        return max(candidates, key=lambda board: board.present, default=None)

    def count_absences(self) -> bool:
        """One more round in which the absent boards did not answer; whether there are any."""
        absent = [board for board in self.boards.values() if not board.present]
        for board in absent:
            board.answers += 1
        return bool(absent)


def _owning_readable(sweep: Sweep) -> bool:
    return any(
        signal.role in OWNING_ROLES and not isinstance(value, Gap) for signal, value in sweep
    )


_ROWS: dict[tuple[int, Cadence], tuple[tuple[Signal, ...], _Rows]] = {}


def _rows_of(signals: tuple[Signal, ...], cadence: Cadence) -> _Rows:
    """Positions, keys and rows of one cadence in a sweep's signals; computed once per table."""
    found = _ROWS.get((id(signals), cadence))
    if found is None or found[0] is not signals:
        rows = tuple(
            (position, signal.key, signal)
            for position, signal in enumerate(signals)
            if signal.every is cadence
        )
        found = _ROWS[id(signals), cadence] = (signals, rows)
    return found[1]
