"""Cases of the rules over levels and links: the smallest that fires each, the nearest that not."""

from collections.abc import Mapping
from dataclasses import replace

from gpuwatch.domain.devices import Board
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import Held
from gpuwatch.domain.trails import NO_TRAIL, Stretch
from gpuwatch.policy.trailed import (
    BRAKED,
    BRAKING,
    GENERATION,
    HARDWARE_HOT,
    LANES,
    LINK_ERRORS,
    POWER,
    REPLAYS,
    SLOWDOWN,
    SOFTWARE_HOT,
    TEMPERATURE,
    UTILIZATION,
)
from gpuwatch.policy.views import DriverHealth, GpuView, HostView
from tests.support.bmcs import inlet, sweep, view
from tests.support.views import (
    HEALTHY_READINGS,
    NOW,
    board,
    gpu,
    host,
    hours,
    minute,
    minutes,
)

FAILED = Gap(GapReason.FAILED, 999)
UNSUPPORTED = Gap(GapReason.UNSUPPORTED, 3)
Case = tuple[str, HostView]


def _several(*gpus: GpuView) -> tuple[GpuView, ...]:
    """The same views on boards of their own, so that they are siblings."""
    return tuple(
        replace(
            each,
            record=board(
                at,
                held=each.record.held,
                bests=each.record.bests,
                board=replace(each.record.board, key=board(at).key),
            ),
        )
        for at, each in enumerate(gpus)
    )


def _host(*gpus: GpuView, **changes: object) -> HostView:
    return host(*_several(*gpus), **changes)


def _reading(values: Mapping[str, Value | Gap], **changes: object) -> GpuView:
    return gpu(readings=HEALTHY_READINGS | dict(values), **changes)


# -- the fabric --

REGISTERED: dict[str, Value | Gap] = {
    "gpuwatch_gpu_fabric_completed": 1,
    "gpuwatch_gpu_fabric_succeeded": 1,
    "gpuwatch_gpu_fabric_state": 3,
    "gpuwatch_gpu_fabric_status": 0,
    'gpuwatch_gpu_fabric_problem{problem="degraded_bandwidth"}': 0,
}
DEGRADED = 'gpuwatch_gpu_fabric_problem{problem="degraded_bandwidth"}'
IN_PROGRESS = REGISTERED | {"gpuwatch_gpu_fabric_completed": 0, "gpuwatch_gpu_fabric_state": 2}
REFUSED = REGISTERED | {"gpuwatch_gpu_fabric_succeeded": 0, "gpuwatch_gpu_fabric_status": 999}


def _degraded(seconds: float) -> GpuView:
    held = {DEGRADED: Held(1, NOW.wall - seconds)}
    return _reading(REGISTERED | {DEGRADED: 1}, record=board(0, held=held))


FABRIC_FIRES = [
    _host(_reading(REGISTERED), _reading(IN_PROGRESS)),
    _host(_reading(REFUSED), _reading(REFUSED)),
    _host(_degraded(301.0)),
]
FABRIC_SILENT = [
    _host(_reading(REGISTERED)),
    _host(_reading({"gpuwatch_gpu_fabric_completed": UNSUPPORTED})),
    _host(_reading(REGISTERED | {"gpuwatch_gpu_fabric_completed": FAILED})),
    _host(_reading(IN_PROGRESS, in_grace=True)),
    _host(_reading(IN_PROGRESS, present=False)),
    _host(_reading(IN_PROGRESS), released=True),
    _host(_reading(IN_PROGRESS), driver=DriverHealth.NOT_LOADED),
]

# -- NVLinks --

ACTIVE = "gpuwatch_gpu_nvlink_active_links"
BEST_LINKS = {ACTIVE: 18.0}
MIG_ON: dict[str, Value | Gap] = {"gpuwatch_gpu_mig_enabled": 1}


def _links(active: Value | Gap, best: float | None = 18.0, **changes: object) -> GpuView:
    bests = {} if best is None else {ACTIVE: best}
    return _reading({ACTIVE: active}, record=board(0, bests=bests), **changes)


NVLINK_FIRES = [
    _host(_links(17), _links(18), _links(18)),
    _host(_links(17), _links(17), _links(18), _links(18)),  # both ends of a link
    _host(_links(17)),
]
NVLINK_SILENT = [
    _host(_links(17), _links(17), _links(17)),  # what they share: a switch
    _host(_links(17, 17.0), _links(18)),
    _host(_links(17, None), _links(18)),
    _host(_links(17), _links(FAILED)),
    _host(_links(FAILED), _links(18)),
    _host(_links(18), _links(18)),
    _host(_links(17, in_grace=True), _links(18)),
    _host(_links(17, stale=True), _links(18)),
    _host(_reading({ACTIVE: 17} | MIG_ON, record=board(0, bests=BEST_LINKS)), _links(18)),
    _host(_links(17), _links(18), driver=DriverHealth.NOT_LOADED),
]


def _erring(errors: float, count: int = 24) -> GpuView:
    """A GPU whose links erred so often in each of the last hours."""
    return gpu(trail=hours(*[minute(rises={LINK_ERRORS[0]: errors})] * count))


ERROR_FIRES = [_host(_erring(30), _erring(1), _erring(3)), _host(_erring(5, 20), *[_erring(0)] * 2)]
ERROR_SILENT = [
    _host(_erring(30), _erring(3.1), _erring(3.1)),  # less than ten times as many
    _host(_erring(4), _erring(0), _erring(0)),  # 96 in a day
    _host(_erring(30, 19), _erring(1), _erring(1)),  # too little of the day is known
    _host(_erring(30), _erring(1)),  # one sibling is no measure
    _host(gpu(), _erring(1), _erring(1)),
    _host(_erring(0)),
]

# -- heat and power --


def _warm(
    celsius: float | None = 60.0,
    *,
    watts: float | None = 500.0,
    slow: float | None = 0.0,
    key: str = SLOWDOWN,
    count: int = 2,
) -> GpuView:
    """A GPU that was so warm in each of the last two minutes."""
    told = ((TEMPERATURE, celsius), (POWER, watts), (key, slow))
    means = {name: level for name, level in told if level is not None}
    return gpu(trail=minutes(*[minute(means=means)] * count))


HOT = _warm(88.0, slow=1.0)
HEAT_FIRES = [
    _host(HOT, _warm(), _warm(73.0)),
    _host(_warm(75.0, slow=0.5, key=HARDWARE_HOT), _warm(60.0), _warm(60.0)),
]
HEAT_SILENT = [
    _host(HOT, _warm(73.5), _warm(73.5)),  # less than 15 degrees
    _host(_warm(88.0), _warm(), _warm()),  # hot, and not slowed
    _host(_warm(88.0, slow=0.4), _warm(), _warm()),
    _host(_warm(88.0, slow=1.0, count=1), _warm(), _warm()),  # a minute only
    _host(HOT, _warm(watts=300.0), _warm(watts=300.0)),  # cool because they do less
    _host(HOT, _warm(), _warm(watts=300.0)),
    _host(HOT, _warm(None), _warm(watts=None)),
    _host(_warm(None, slow=1.0), _warm(), _warm()),
    _host(_warm(88.0, watts=None, slow=1.0), _warm(), _warm()),
    _host(_warm(88.0, slow=None), _warm(), _warm()),
    _host(HOT, _warm(), _warm(), HOT),  # not alone
    _host(HOT, HOT, HOT, *[_warm()] * 5),  # the hall
]

SLOWED = _warm(slow=1.0, key=HARDWARE_HOT)
CALM = _warm(slow=0.0, key=HARDWARE_HOT)
WARM_INLET = view(sweep=sweep(sensors=(inlet(38.2),)))
HALL_FIRES = [
    _host(SLOWED, SLOWED, SLOWED, CALM),
    _host(SLOWED, SLOWED, _warm(slow=0.5, key=SOFTWARE_HOT)),
    _host(SLOWED, CALM, bmcs=(WARM_INLET,)),
]
HALL_SILENT = [
    _host(SLOWED, SLOWED, CALM, bmcs=(view(),)),
    _host(SLOWED, SLOWED, CALM, bmcs=(replace(WARM_INLET, host="gpu17"),)),
    _host(SLOWED, SLOWED, CALM, bmcs=(replace(WARM_INLET, sweep=None),)),
    _host(CALM, CALM, bmcs=(WARM_INLET,)),
    _host(gpu(), CALM, bmcs=(WARM_INLET,)),
    _host(SLOWED, SLOWED, CALM, CALM),
    _host(SLOWED, SLOWED, gpu()),
    _host(SLOWED, SLOWED, replace(SLOWED, present=False), CALM),
    _host(SLOWED, SLOWED, SLOWED, driver=DriverHealth.MISMATCH),
]


def _braked(grew: int, of: int = 10) -> GpuView:
    """A GPU whose brake time grew in so many of the last minutes."""
    rises = [minute(rises={BRAKED: 0.25})] * grew + [minute(rises={BRAKED: 0.0})] * (of - grew)
    return gpu(trail=minutes(*rises))


def _braking(share: int) -> GpuView:
    """The same on a driver that does not count the time."""
    means = [minute(means={BRAKING: 0.5})] * share + [minute(means={BRAKING: 0.0})] * (10 - share)
    return gpu(trail=minutes(*means))


BRAKE_FIRES = [_host(_braked(6), _braked(0)), _host(_braking(6)), _host(_braked(6, 6))]
BRAKE_SILENT = [
    _host(_braked(5)),
    _host(_braked(5, 5)),
    _host(_braked(8, 18)),  # long ago
    _host(_braking(5)),
    _host(gpu()),
    _host(_braked(6), driver=DriverHealth.HUNG),
]

# -- PCIe --


def _replaying(
    *rates: float, generation: float = 5.0, lanes: float = 16.0, idle: bool = False
) -> GpuView:
    """A GPU that sent so many packets again in each of the last minutes."""
    fast = {GENERATION: generation, LANES: lanes}
    slow = {GENERATION: 1.0, LANES: lanes} if idle else fast
    before = [minute(together=fast, rises={REPLAYS: 0.0})] * 3
    return gpu(trail=minutes(*before, *[minute(together=slow, rises={REPLAYS: r}) for r in rates]))


# ceil(16 * 60 * 32 * 1e-3) = 31, ceil(8 * 60 * 16 * 1e-3) = 8
REPLAY_FIRES = [
    _host(_replaying(32, 32)),
    _host(_replaying(9, 9, generation=4.0, lanes=8.0)),
]
REPLAY_SILENT = [
    _host(_replaying(31, 31)),
    _host(_replaying(0, 90)),  # one bad minute
    _host(_replaying(31, 31, idle=True)),  # generation 1 would allow 3
    _host(_replaying(8, 8, generation=4.0, lanes=8.0)),
    _host(_replaying(900, 900, generation=9.0)),
    _host(gpu(trail=minutes(*[minute(rises={REPLAYS: 900.0})] * 2))),
    _host(gpu(trail=minutes(minute(together={GENERATION: 5.0, LANES: 16.0})))),
    _host(_replaying(32, 32), driver=DriverHealth.NOT_LOADED),
]

BEST = {GENERATION: 5.0, LANES: 16.0}


def _linked(*stretches: Stretch, bests: Mapping[str, float] = BEST) -> GpuView:
    return gpu(record=board(0, bests=bests), trail=minutes(*stretches))


def _at(generation: float = 5.0, lanes: float = 16.0, busy: float | None = 0.9) -> Stretch:
    """A minute over such a link."""
    told = {GENERATION: generation, LANES: lanes}
    return minute(together=told if busy is None else told | {UTILIZATION: busy})


FINE = _linked(*[_at()] * 20)
NARROW, OLD, IDLE = _at(lanes=8.0), _at(generation=4.0), _at(generation=1.0, busy=0.0)
DOWNGRADED_FIRES = [
    _host(_linked(*[NARROW] * 20), FINE),
    _host(_linked(*[OLD] * 8, IDLE, IDLE, *[OLD] * 8, IDLE, IDLE), FINE),
    _host(_linked(*[NARROW] * 20)),  # nobody to compare with
]
DOWNGRADED_SILENT = [
    _host(_linked(*[IDLE] * 20), FINE),  # the generation drops while it is idle
    _host(_linked(*[_at(generation=1.0, busy=0.29)] * 20), FINE),
    _host(_linked(*[NARROW] * 10), FINE),  # once, not twice
    _host(_linked(*[NARROW] * 7, *[IDLE] * 3, *[NARROW] * 10), FINE),
    _host(_linked(*[NARROW] * 17, *[_at()] * 3), FINE),
    _host(_linked(*[_at(lanes=8.0, busy=None)] * 20), FINE),  # MIG hides utilisation
    _host(_linked(*[NARROW] * 20), _linked(*[NARROW] * 20)),  # what they share holds them down
    _host(_linked(*[NARROW] * 20), _linked(*[IDLE] * 20)),
    _host(_linked(*[NARROW] * 20, bests={}), FINE),
    _host(_linked(*[minute()] * 20), FINE),
    _host(FINE, FINE),
    _host(replace(FINE, trail=NO_TRAIL)),
]

# -- the host --


def _carrying(number: int, vbios: str = "96.00.74", inforom: str = "05", part: str = "") -> GpuView:
    known = board(number)
    changed = replace(
        known.board,
        vbios=vbios,
        inforom=inforom,
        part_number=part or known.board.part_number,
    )
    return gpu(record=replace(known, board=changed))


def _nameless(number: int, vbios: str = "96.00.74") -> GpuView:
    """A board that does not say what it is: nobody knows what it should carry."""
    unknown = Board(key=board(number).key, vbios=vbios)
    return gpu(record=board(number, board=unknown))


DRIFT_FIRES = [
    host(_carrying(0), _carrying(1), _carrying(2, "96.00.61")),
    host(_carrying(0), _carrying(1, inforom="04")),
]
DRIFT_SILENT = [
    host(_carrying(0), _carrying(1)),
    host(_carrying(0), _carrying(1, "96.00.61", part="another")),
    host(_carrying(0), _carrying(1, "")),  # not told is no version
    host(_nameless(0), _nameless(1, "96.00.61")),
    host(_carrying(0), replace(_carrying(1, "96.00.61"), present=False)),
    host(_carrying(0), _carrying(1, "96.00.61"), driver=DriverHealth.NOT_LOADED),
]

GAP_FIRES = [
    host(gpu(blind_seconds=3601.0)),
    host(gpu(), silent_sources=(("kernel_log", 3601.0),)),
    host(silent_sources=(("kernel_log", 3601.0),), driver=DriverHealth.NOT_ASKED),
]
GAP_SILENT = [
    host(gpu(blind_seconds=3600.0)),
    host(gpu(blind_seconds=9999.0), released=True),
    host(gpu(), silent_sources=(("bmc.host", 9999.0),), bmcs=(view(),)),
    host(gpu(blind_seconds=9999.0), driver=DriverHealth.HUNG),
]

CLOCK_FIRES = [host(gpu(), clock_synchronized=False)]
CLOCK_SILENT = [host(gpu(), clock_synchronized=True), host(gpu(), clock_synchronized=None)]

PERSISTENCE = "gpuwatch_gpu_persistence_enabled"
PERSISTENCE_FIRES = [_host(_reading({PERSISTENCE: 0}), _reading({PERSISTENCE: 1}))]
PERSISTENCE_SILENT = [
    _host(_reading({PERSISTENCE: 1})),
    _host(_reading({PERSISTENCE: FAILED})),
    _host(_reading({PERSISTENCE: 0}), driver=DriverHealth.NOT_LOADED),
]


def _cases(code: str, views: list[HostView]) -> list[Case]:
    return [(code, view) for view in views]


FIRES: list[Case] = [
    *_cases("fabric-not-ready", FABRIC_FIRES),
    *_cases("nvlink-down", NVLINK_FIRES),
    *_cases("nvlink-error-rate", ERROR_FIRES),
    *_cases("gpu-cooling-path", HEAT_FIRES),
    *_cases("cooling", HALL_FIRES),
    *_cases("power-brake", BRAKE_FIRES),
    *_cases("pcie-replay-rate", REPLAY_FIRES),
    *_cases("pcie-downgraded", DOWNGRADED_FIRES),
    *_cases("version-drift", DRIFT_FIRES),
    *_cases("telemetry-gap", GAP_FIRES),
    *_cases("clock-unsynchronized", CLOCK_FIRES),
    *_cases("persistence-off", PERSISTENCE_FIRES),
]
SILENT: list[Case] = [
    *_cases("fabric-not-ready", FABRIC_SILENT),
    *_cases("nvlink-down", NVLINK_SILENT),
    *_cases("nvlink-error-rate", ERROR_SILENT),
    *_cases("gpu-cooling-path", HEAT_SILENT),
    *_cases("cooling", HALL_SILENT),
    *_cases("power-brake", BRAKE_SILENT),
    *_cases("pcie-replay-rate", REPLAY_SILENT),
    *_cases("pcie-downgraded", DOWNGRADED_SILENT),
    *_cases("version-drift", DRIFT_SILENT),
    *_cases("telemetry-gap", GAP_SILENT),
    *_cases("clock-unsynchronized", CLOCK_SILENT),
    *_cases("persistence-off", PERSISTENCE_SILENT),
]
