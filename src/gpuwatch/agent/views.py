"""Views: what the agent knows, arranged as the rules look at it."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gpuwatch.agent.blindness import NOT_BLIND, Blindness
from gpuwatch.agent.live import Live, LiveBoard
from gpuwatch.agent.live_bmc import WatchedBmc
from gpuwatch.domain.bmc import BmcGpu
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.recovery import recovery_action
from gpuwatch.domain.signals import Cadence
from gpuwatch.domain.snapshot import Maintenance
from gpuwatch.domain.xids import XidTrace
from gpuwatch.policy.conditions import RECOVERY
from gpuwatch.policy.views import BmcView, DriverHealth, GpuView, Hang, HostView
from gpuwatch.sources.base import DeviceHang, DriverCondition, DriverState

GRACE_SECONDS = 600.0
# NVML's start may take two minutes, and each GPU half a minute more.
AWAITED_SECONDS = 300.0

_HEALTH = {
    DriverCondition.READY: DriverHealth.READY,
    DriverCondition.NOT_LOADED: DriverHealth.NOT_LOADED,
    DriverCondition.LIBRARY_MISSING: DriverHealth.FAILED,
    DriverCondition.MISMATCH: DriverHealth.MISMATCH,
    DriverCondition.HUNG: DriverHealth.HUNG,
    DriverCondition.FAILED: DriverHealth.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything beside the boards that a view needs. Durations are in seconds."""

    now: Moment
    driver: DriverState | None
    epoch_started: Moment | None
    released: bool
    clock_settled: bool
    quiet_seconds: float
    stale_seconds: float
    cadences: Mapping[Cadence, float] = field(default_factory=dict)
    expected_gpus: int | None = None
    settling: bool = False
    resumed: Moment | None = None
    maintenance: tuple[Maintenance, ...] = ()
    unattributed: tuple[float, ...] = ()
    history_lost: str = ""
    calendar_problem: str = ""
    blindness: Blindness = NOT_BLIND
    clock_synchronized: bool | None = None
    switch_errors: Mapping[int, tuple[XidTrace, ...]] = field(default_factory=dict)
    bmcs: tuple[BmcView, ...] = ()
    nvml_asked: bool = True


def host_view(
    records: Mapping[BoardKey, BoardRecord], live: Live, situation: Situation
) -> HostView:
    """The host as the rules see it, with every board that has not left."""
    now, driver = situation.now, situation.driver
    inventory = live.inventory
    known = [record for record in records.values() if record.state is not BoardState.LEFT]
    resumed_at, awaited = _awaited(known, live, situation)
    left = tuple(record for record in records.values() if record.state is BoardState.LEFT)
    return HostView(
        now=now,
        gpus=gpu_views(known, live, situation),
        driver=_driver_health(situation),
        driver_text=driver.text if driver else "",
        driver_version=driver.driver_version if driver else "",
        library_version=driver.library_version if driver else "",
        pci_functions=max(
            len(inventory.pci_functions) if inventory else 0,
            len(driver.pci_functions) if driver else 0,
        ),
        taken_functions=len(inventory.taken) if inventory else 0,
        denied_functions=len(inventory.denied) if inventory else 0,
        expected_gpus=situation.expected_gpus,
        released=situation.released,
        clock_settled=situation.clock_settled,
        quiet_seconds=situation.quiet_seconds,
        settling=situation.settling,
        resumed_at=resumed_at,
        awaited=awaited,
        in_maintenance=frozenset(under_maintenance(situation.maintenance, known, situation.bmcs)),
        unattributed=situation.unattributed,
        history_lost=situation.history_lost,
        calendar_problem=situation.calendar_problem,
        silent_sources=situation.blindness.sources,
        clock_synchronized=situation.clock_synchronized,
        switch_errors=situation.switch_errors,
        departed=left,
        bmcs=situation.bmcs,
    )


def _awaited(
    known: Iterable[BoardRecord], live: Live, situation: Situation
) -> tuple[float, frozenset[str]]:
    """When the driver was taken up again, in Unix seconds, and who has not answered since."""
    resumed, now = situation.resumed, situation.now
    if resumed is None or now.boottime - resumed.boottime >= AWAITED_SECONDS:
        return 0.0, frozenset()
    awaited = (record.key.uuid for record in known if live.board(record.key).awaited)
    return _wall_now_of(resumed, now), frozenset(awaited)


def out_of_band(bmcs: Iterable[BmcView], board: BoardKey) -> BmcGpu | None:
    """What a BMC of this host tells of a board now; None where none does."""
    told = (gpu for bmc in bmcs if not bmc.host and bmc.sweep for gpu in bmc.sweep.gpus)
    return next((gpu for gpu in told if gpu.is_of(board)), None)


def gpu_views(
    records: Iterable[BoardRecord], live: Live, situation: Situation
) -> tuple[GpuView, ...]:
    """Every board as the rules see it."""
    inventory = live.inventory
    around = _Around(
        situation=situation,
        functions=frozenset(inventory.pci_functions if inventory else ()),
        taken=inventory.taken if inventory else frozenset(),
        lost=frozenset(inventory.lost if inventory else ()),
        denied=frozenset(inventory.denied if inventory else ()),
        in_grace=_in_grace(situation),
    )
    return tuple([_gpu_view(record, live.board(record.key), around) for record in records])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What is the same for every board: the situation, and what is said of PCI addresses."""

    situation: Situation
    functions: frozenset[str]
    taken: frozenset[str]
    lost: frozenset[str]
    denied: frozenset[str]
    in_grace: bool


def _gpu_view(record: BoardRecord, board: LiveBoard, around: _Around) -> GpuView:
    situation, driver = around.situation, around.situation.driver
    address = record.slot.pci_address if record.slot else ""
    readings = board.readings
    asked = readings.get(RECOVERY)
    number = asked if isinstance(asked, int) else None
    version = driver.driver_version if driver else ""
    return GpuView(
        record=record,
        present=board.present,
        readings=readings,
        answers=board.answers,
        last_good=_wall_now_of(board.last_good, situation.now) if board.last_good else None,
        lost=board.lost or address in around.lost,
        denied=address in around.denied,
        seen_this_epoch=bool(board.seen_under) and board.seen_under == _load_of(driver),
        function_gone=address not in around.functions,
        managed=address not in around.taken,
        in_grace=around.in_grace,
        stale=is_stale(board, situation.stale_seconds),
        reset_required=board.reset_required,
        recovery=None if number is None else recovery_action(number, version),
        recovery_number=number,
        hang=None if board.hang is None else _hang(board.hang),
        blind_to=_blind_to(board, situation) if board.missed else (),
        trail=board.past.trail,
        blind_seconds=situation.blindness.boards.get(record.key.uuid, 0.0),
        out_of_band=out_of_band(situation.bmcs, record.key),
    )


def _blind_to(board: LiveBoard, situation: Situation) -> tuple[str, ...]:
    missed = board.blind_to(situation.now, situation.cadences)
    return tuple(one.signal.key for one in missed)


def is_stale(board: LiveBoard, stale_seconds: float) -> bool:
    """Whether the latest sweep of this board is too old to trust."""
    return time.monotonic() - board.swept_monotonic > stale_seconds


def tells_nothing(
    board: LiveBoard, now: Moment, stale_seconds: float, cadences: Mapping[Cadence, float]
) -> bool:
    """Whether a board tells nothing, or not all that rules need, at present."""
    return is_stale(board, stale_seconds) or bool(board.missed and board.blind_to(now, cadences))


def under_maintenance(
    work: Iterable[Maintenance],
    known: Iterable[BoardRecord],
    bmcs: Iterable[BmcView | WatchedBmc] = (),
) -> Iterable[str]:
    """The subjects that are worked on: UUIDs, those of BMCs, or "" for the whole host.

    A BMC is worked on under its own name, or under that of the host that it watches.
    """
    boards, watched = [record.key for record in known], tuple(bmcs)
    for item in work:
        match item.scope:
            case "host":
                yield ""
            case "board":
                yield from (key.uuid for key in boards if item.board in (key.serial, key.uuid))
            case _:
                yield from (bmc.subject for bmc in watched if item.bmc in (bmc.name, bmc.host))


def _hang(hang: DeviceHang) -> Hang:
    where = f", waiting in {hang.where}" if hang.where else ""
    state = f" in state {hang.state}" if hang.state else ""
    call = f", in {hang.call}" if hang.call else ""
    stuck = f"the last child that asked was stuck for {hang.seconds:.0f} s{state}{call}{where}"
    return Hang(
        sentence=f"no answer for {hang.silent_seconds:.0f} s; {stuck}",
        seconds=hang.silent_seconds,
        confirmed=hang.confirmed,
    )


def _in_grace(situation: Situation) -> bool:
    started, now = situation.epoch_started, situation.now
    young = started is not None and now.boottime - started.boottime < GRACE_SECONDS
    return now.boottime < GRACE_SECONDS or young


def _driver_health(situation: Situation) -> DriverHealth:
    if not situation.nvml_asked:
        return DriverHealth.NOT_ASKED
    driver = situation.driver
    return DriverHealth.STARTING if driver is None else _HEALTH[driver.condition]


def _load_of(driver: DriverState | None) -> str:
    return driver.driver_load if driver else ""


def _wall_now_of(moment: Moment | None, now: Moment) -> float:
    """A moment of this boot as the wall clock dates it now; 0 for no moment."""
    return 0.0 if moment is None else now.wall - (now.boottime - moment.boottime)
