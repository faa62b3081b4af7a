"""A history to test: a clock that is set by hand, a small signal table, sweeps and events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gpuwatch.domain.devices import Board, BoardKey, Device, Epoch, Slot
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.signals import Cadence, Call, Keep, Kind, Role, Signal
from gpuwatch.domain.units import Unit
from gpuwatch.history import Change, History, HistorySettings

START = 1_767_225_600.0  # 2026-01-01T00:00:00Z
DAY = 86_400.0
LOST = Gap(GapReason.LOST, 15)
UNSUPPORTED = Gap(GapReason.UNSUPPORTED, 3)


def row(name: str, role: Role = Role.PLAIN, memory: str = "", **facts: object) -> Signal:
    """A signal row; a name that ends in _total is a counter, any other a gauge."""
    kind = Kind.COUNTER if name.endswith("_total") else Kind.GAUGE
    keep, unit = facts.get("keep", Keep.CHANGES), facts.get("unit", Unit.COUNT)
    assert isinstance(keep, Keep)
    assert isinstance(unit, Unit)
    return Signal(
        name=f"gpuwatch_gpu_{name}",
        kind=kind,
        unit=unit,
        query=Call("nvmlDeviceGetSomething"),
        help="A row of a test.",
        every=Cadence.FAST,
        keep=keep,
        labels=(("memory", memory),) if memory else (),
        role=role,
    )


FAST = (
    row("ecc_uncorrected_volatile_errors_total", Role.ECC_VOLATILE),
    row("ecc_uncorrected_aggregate_errors_total", Role.ECC_AGGREGATE),
    row("ecc_corrected_volatile_errors_total"),
    row("rows_remapped_uncorrectable_total", Role.ROWS_REMAPPED),
    row("row_remap_pending", Role.REMAP_PENDING),
    row("recovery_action", Role.RECOVERY_ACTION),
    row("power_watts", keep=Keep.SERIES, unit=Unit.MILLIWATTS),
    row("temperature_celsius", keep=Keep.SERIES, unit=Unit.CELSIUS),
    row("energy_joules_total", keep=Keep.NEVER, unit=Unit.MILLIJOULES),
)
SLOW = (
    row("ecc_uncorrected_volatile_memory_errors_total", Role.ECC_VOLATILE, "dram"),
    row("ecc_uncorrected_aggregate_memory_errors_total", Role.ECC_AGGREGATE, "dram"),
    row("ecc_uncorrected_volatile_memory_errors_total", Role.ECC_VOLATILE, "sram"),
    row("ecc_uncorrected_aggregate_memory_errors_total", Role.ECC_AGGREGATE, "sram"),
)
FAST_CADENCE = frozenset({Cadence.FAST})
BOTH_CADENCES = frozenset({Cadence.FAST, Cadence.SLOW})


@dataclass(slots=True)
class HandClock:
    """A clock that moves when told: time passes, the wall clock steps, the host boots."""

    wall: float = START
    boottime: float = 1000.0
    boot_id: str = "boot-1"

    def now(self) -> Moment:
        """The present instant."""
        return Moment(wall=self.wall, boottime=self.boottime, boot_id=self.boot_id)

    def synchronized(self) -> bool | None:
        """A clock set by hand is never synchronised."""
        return None

    def pass_seconds(self, seconds: float) -> Moment:
        """Let time pass."""
        self.wall += seconds
        self.boottime += seconds
        return self.now()

    def step(self, seconds: float) -> None:
        """Set the wall clock."""
        self.wall += seconds

    def boot(self, boot_id: str, down_seconds: float = 60.0) -> None:
        """Start the host anew after a while."""
        self.wall += down_seconds
        self.boottime = 10.0
        self.boot_id = boot_id


def board_key(number: int) -> BoardKey:
    """The key of the board with this number."""
    return BoardKey(f"16500{number:08d}", f"GPU-{number:08d}-0000-0000-0000-000000000000")


def device(number: int, slot: int | None = None, serial: str | None = None) -> Device:
    """A board in a slot, by default the one with its own number."""
    key = board_key(number)
    if serial is not None:
        key = BoardKey(serial, key.uuid)
    place = number if slot is None else slot
    return Device(
        index=place,
        board=Board(key=key, name="Test GPU", part_number="900-TEST"),
        slot=Slot(pci_address=f"0000:{place + 1:02x}:00.0", module_id=place),
    )


@dataclass(slots=True)
class Hardware:
    """What one board's counters stand at."""

    volatile: int = 0
    aggregate: int = 0
    dram: int = 0
    sram: int = 0
    corrected: int = 0
    rows: int = 0
    pending: int = 0
    action: str = "0"

    def fail(self, memory: str = "dram", count: int = 1) -> None:
        """Count uncorrectable errors as hardware does."""
        self.volatile += count
        self.aggregate += count
        setattr(self, memory, getattr(self, memory) + count)

    def values(self) -> tuple[Value | Gap, ...]:
        """The answers to FAST."""
        return (
            self.volatile,
            self.aggregate,
            self.corrected,
            self.rows,
            self.pending,
            self.action,
            300_000,
            55,
            123_456,
        )

    def locations(self) -> tuple[Value | Gap, ...]:
        """The answers to SLOW; only the aggregate is known by location."""
        return (UNSUPPORTED, self.dram, UNSUPPORTED, self.sram)


@dataclass(slots=True)
class Bench:
    """A history with its clock and boards, fed as the agent feeds it."""

    history: History
    clock: HandClock
    boards: dict[int, Hardware] = field(default_factory=dict)
    epoch: Epoch = field(default_factory=lambda: Epoch(boot_id="boot-1", driver_load="1"))

    @classmethod
    def open(
        cls,
        path: Path,
        clock: HandClock | None = None,
        boards: int = 1,
        settings: HistorySettings | None = None,
    ) -> "Bench":
        """Open a history at `path`, with its epoch entered and its boards in their slots."""
        clock = clock or HandClock()
        history = History.open(path, clock, settings or HistorySettings(retry_seconds=0.0))
        bench = cls(history, clock, {number: Hardware() for number in range(boards)})
        bench.epoch = Epoch(boot_id=clock.boot_id, driver_load="1", driver_version="580.95.05")
        history.enter_epoch(bench.epoch, clock.now())
        history.take_inventory(tuple(device(number) for number in range(boards)), clock.now())
        return bench

    def sweep(
        self,
        number: int = 0,
        *,
        after: float = 10.0,
        slow: bool = False,
        instead: Mapping[int, Value | Gap] | None = None,
    ) -> Change:
        """One sweep of a board after some seconds; `instead` puts values by place."""
        at = self.clock.pass_seconds(after)
        hardware = self.boards[number]
        values = list(hardware.values() + (hardware.locations() if slow else ()))
        for place, value in (instead or {}).items():
            values[place] = value
        return self.history.take_sweep(
            Sweep(
                board=board_key(number),
                at=at,
                cadences=BOTH_CADENCES if slow else FAST_CADENCE,
                signals=FAST_AND_SLOW if slow else FAST,
                values=tuple(values),
            )
        )

    def sweeps(self, count: int, number: int = 0, *, after: float = 10.0) -> None:
        """Several sweeps of one board."""
        for _ in range(count):
            self.sweep(number, after=after)

    def event(
        self,
        code: int | None,
        number: int = 0,
        *,
        ago: float = 0.0,
        kind: EventKind = EventKind.XID,
        source: EventSource = EventSource.KERNEL_LOG,
        position: tuple[str, int] | None = None,
        identity: str = "",
    ) -> Change:
        """One event of a board, by the address of its slot."""
        at = self.clock.now()
        happened = at.wall - ago
        event = Event(
            kind=kind,
            at=happened,
            source=source,
            identity=identity or f"{at.boot_id}/{number}/{code}/{happened}",
            boot_id=at.boot_id,
            pci_address=f"0000:{number + 1:02x}:00.0",
            code=code,
            boottime=at.boottime - ago,
        )
        return self.history.take_event(event, at, position)

    def reload_driver(self, load: str) -> None:
        """Load the driver anew: volatile counters start from 0."""
        self.epoch = Epoch(boot_id=self.clock.boot_id, driver_load=load)
        for hardware in self.boards.values():
            hardware.volatile = 0
        self.history.enter_epoch(self.epoch, self.clock.now())

    def fill_until_degraded(self) -> None:
        """Sweep and change values until the disk refuses to take more."""
        for number in range(2000):
            if self.history.degraded:
                return
            self.boards[0].action = str(number)
            self.sweep(slow=True)

    def with_boards(self, boards: dict[int, Hardware]) -> "Bench":
        """The same history, in a host with these boards."""
        self.boards = boards
        found = tuple(device(number) for number in boards)
        self.history.take_inventory(found, self.clock.now())
        return self

    def reopened(self, path: Path, settings: HistorySettings | None = None) -> "Bench":
        """The history at `path` opened anew, as it is: no epoch, no inventory."""
        settings = settings or HistorySettings(retry_seconds=0.0)
        history = History.open(path, self.clock, settings)
        history.enter_epoch(self.epoch, self.clock.now())
        return Bench(history, self.clock, self.boards, self.epoch)

    def reopened_after_close(self) -> "Bench":
        """The same history closed and opened anew."""
        self.history.close()
        return self.reopened(self.history._book.store.path)


FAST_AND_SLOW = FAST + SLOW
