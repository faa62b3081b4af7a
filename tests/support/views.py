"""Builders of policy views: a healthy board on a healthy host, to be bent by one thing."""

from collections.abc import Mapping
from dataclasses import replace

from gpuwatch.domain.devices import Board, BoardKey, Slot
from gpuwatch.domain.incidents import ErrorKind, ErrorSignal, Incident, Memory
from gpuwatch.domain.moments import SECONDS_PER_DAY, Moment
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.trails import HOUR_SECONDS, MINUTE_SECONDS, Stretch, Trail
from gpuwatch.domain.xids import XidAdvice, XidTrace
from gpuwatch.policy.views import BmcView, DriverHealth, GpuView, HostView

DAY = SECONDS_PER_DAY
# 2026-03-15 06:00 UTC, a Sunday
NOW = Moment(wall=1_773_554_400.0, boottime=40 * DAY, boot_id="boot-1")
KEY = BoardKey("1652222014738", "GPU-2f6a8a0e-0000-4000-8000-000000000003")

HEALTHY_READINGS: dict[str, Value | Gap] = {
    "gpuwatch_gpu_row_remap_failed": 0,
    "gpuwatch_gpu_row_remap_pending": 0,
    "gpuwatch_gpu_ecc_uncorrected_volatile_errors_total": 0,
    "gpuwatch_gpu_recovery_action": Gap(GapReason.UNSUPPORTED, 3),
}


def record(key: BoardKey = KEY, /, **changes: object) -> BoardRecord:
    """A board known for 400 days, in service for 380, without an incident."""
    base = BoardRecord(
        board=Board(key=key, name="NVIDIA H100 80GB HBM3", part_number="692-2G520-0200-000"),
        slot=Slot(pci_address="0000:3b:00.0", module_id=3),
        index=3,
        state=BoardState.PRESENT,
        first_seen=NOW.wall - 400 * DAY,
        last_seen=NOW.wall - 10,
        exposure_seconds=380 * DAY,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def gpu(**changes: object) -> GpuView:
    """A healthy GPU of that record, read a moment ago."""
    base = GpuView(
        record=record(),
        present=True,
        readings=HEALTHY_READINGS,
        answers=100,
        last_good=NOW.wall - 1,
        seen_this_epoch=True,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def host(*gpus: GpuView, **changes: object) -> HostView:
    """A settled host with a ready driver."""
    base = HostView(
        now=NOW,
        gpus=gpus,
        driver=DriverHealth.READY,
        driver_version="580.95.05",
        library_version="580.95.05",
        pci_functions=8,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def incident(
    days_ago: float, *kinds: ErrorKind, memory: Memory = Memory.DRAM, key: BoardKey = KEY
) -> Incident:
    """An incident that long ago, on the wall and on the exposure clock alike."""
    at, exposure = NOW.wall - days_ago * DAY, (380 - days_ago) * DAY
    signals = tuple(
        ErrorSignal(board=key, kind=kind, at=at, exposure=exposure, memory=memory)
        for kind in kinds or (ErrorKind.ECC,)
    )
    return Incident(board=key, opened_at=at, opened_exposure=exposure, signals=signals)


def trace(code: int, days_ago: float = 0.01, **changes: object) -> XidTrace:
    """One Xid that long ago, for which NVIDIA asks nothing."""
    at = NOW.wall - days_ago * DAY
    base = XidTrace(code=code, advice=XidAdvice.NOTHING_URGENT, count=1, first_at=at, last_at=at)
    return replace(base, **changes)  # type: ignore[arg-type]


def traced(*traces: XidTrace, **changes: object) -> GpuView:
    """A healthy GPU with these Xids behind it."""
    codes = {one.code for one in traces}
    by_code = {code: tuple(one for one in traces if one.code == code) for code in codes}
    return gpu(record=record(traces=by_code), **changes)


def later(view: HostView, seconds: float) -> HostView:
    """The same host that much later, on both clocks, with the same levels in its last minutes.

    A BMC that did not answer has not answered since; a server that was off is still off.
    """
    now = replace(view.now, wall=view.now.wall + seconds, boottime=view.now.boottime + seconds)
    gpus = tuple(replace(each, trail=_moved(each.trail, seconds)) for each in view.gpus)
    return replace(view, now=now, gpus=gpus, bmcs=tuple(_aged(one, seconds) for one in view.bmcs))


def _aged(bmc: BmcView, seconds: float) -> BmcView:
    off, silent = bmc.powered_off_seconds, bmc.silent_seconds
    return replace(
        bmc,
        silent_seconds=silent + seconds if bmc.trouble else 0.0,
        powered_off_seconds=None if off is None else off + seconds,
    )


def _moved(trail: Trail, seconds: float) -> Trail:
    minutes, hours = round(seconds / MINUTE_SECONDS), round(seconds / HOUR_SECONDS)
    return Trail(
        tuple(replace(each, number=each.number + minutes) for each in trail.minutes),
        tuple(replace(each, number=each.number + hours) for each in trail.hours),
    )


def minutes(*stretches: Stretch) -> Trail:
    """A trail whose minutes end with the one before NOW."""
    return Trail(minutes=_numbered(stretches, MINUTE_SECONDS))


def hours(*stretches: Stretch) -> Trail:
    """A trail whose hours end with the one before NOW."""
    return Trail(hours=_numbered(stretches, HOUR_SECONDS))


def _numbered(stretches: tuple[Stretch, ...], seconds: float) -> tuple[Stretch, ...]:
    first = int(NOW.boottime // seconds) - len(stretches)
    return tuple(replace(each, number=first + at) for at, each in enumerate(stretches))


def minute(
    means: Mapping[str, float] | None = None,
    together: Mapping[str, float] | None = None,
    rises: Mapping[str, float] | None = None,
) -> Stretch:
    """One minute, or hour, of a trail."""
    return Stretch(number=0, means=means or {}, together=together or {}, rises=rises or {})


def board(number: int, **changes: object) -> BoardRecord:
    """The record of one of several boards of a kind, by its index."""
    key = BoardKey(f"16522220147{number:02d}", f"GPU-{number:08d}-0000-4000-8000-000000000003")
    return record(key, index=number, **changes)
