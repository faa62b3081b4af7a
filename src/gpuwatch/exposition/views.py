"""Views: what metrics, pages and documents all ask of a snapshot, said once."""

from collections.abc import Sequence
from math import isfinite

from gpuwatch.domain.acceptances import Acceptance
from gpuwatch.domain.devices import BoardKey, Slot
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.recovery import RecoveryAction, recovery_action
from gpuwatch.domain.signals import Kind, Role
from gpuwatch.domain.snapshot import GpuState, Latest, Snapshot
from gpuwatch.domain.verdicts import GRAVITY, Verdict, gravest
from gpuwatch.domain.windows import Window


def gpus_of(snapshot: Snapshot) -> tuple[GpuState, ...]:
    """The GPUs to show: each UUID once, in order of index, without boards that left this host.

    A board whose serial was unreadable for a while is remembered under two keys with one UUID; the
    present one speaks for both, since two series with equal labels make a whole scrape invalid.
    """
    chosen: dict[str, GpuState] = {}
    for gpu in snapshot.gpus:
        if gpu.record.state is BoardState.LEFT and not gpu.present:
            continue
        known = chosen.get(gpu.record.key.uuid)
        if known is None or (gpu.present, gpu.record.last_seen) > (
            known.present,
            known.record.last_seen,
        ):
            chosen[gpu.record.key.uuid] = gpu
    return tuple(sorted(chosen.values(), key=_order))


def gravest_of(snapshot: Snapshot) -> Verdict:
    """The gravest verdict of the host, its GPUs and the other servers that it watches.

    A GPU that another driver holds has no say. What this host's own BMCs say is in its verdict: one
    that does not answer makes nothing of the host unknown.
    """
    ours = (gpu.verdict for gpu in gpus_of(snapshot) if gpu.managed)
    theirs = (bmc.verdict for bmc in snapshot.bmcs if bmc.host)
    return gravest((snapshot.host_verdict, *ours, *theirs))


def watches_gpus(snapshot: Snapshot) -> bool:
    """Whether GPUs are looked for; a host that only watches other servers looks for none."""
    asked = any(source.name == "nvml" for source in snapshot.sources)
    return asked or bool(snapshot.gpus) or not snapshot.bmcs


def _order(gpu: GpuState) -> tuple[bool, int, str]:
    index = index_of(gpu)
    return (index is None, index or 0, gpu.record.key.uuid)


def index_of(gpu: GpuState) -> int | None:
    """The number people use; of an absent board the last one it had."""
    return gpu.record.index if gpu.device is None else gpu.device.index


def index_text(gpu: GpuState) -> str:
    """The value of the label `gpu`: the index, or "" when it is unknown."""
    index = index_of(gpu)
    return "" if index is None else str(index)


def slot_of(gpu: GpuState) -> Slot | None:
    """Where the board sits or was last seen."""
    return gpu.record.slot if gpu.device is None else gpu.device.slot


def driver_of(snapshot: Snapshot) -> str:
    """The driver's version, "" when none is loaded."""
    return "" if snapshot.epoch is None else snapshot.epoch.driver_version


def trusted(gpu: GpuState) -> Sequence[Latest]:
    """The answers that may be published: none of a GPU that is gone or has grown stale."""
    return gpu.latest if gpu.present and gpu.fresh else ()


def in_base_unit(latest: Latest) -> Value | Gap:
    """A number in the base unit of its name; texts and gaps as they are.

    What is no finite number is a gap: neither JSON nor a person could read it.
    """
    if isinstance(latest.value, Gap | str) or latest.signal.kind is Kind.TEXT:
        return latest.value
    value = latest.signal.unit.to_base(latest.value)
    return value if isfinite(value) else Gap(GapReason.FAILED)


def recovery_of(gpu: GpuState, driver_version: str) -> RecoveryAction | None:
    """What the driver wants done about this GPU; None where it cannot be read."""
    for latest in trusted(gpu):
        if latest.signal.role is Role.RECOVERY_ACTION:
            value = latest.value
            return recovery_action(value, driver_version) if isinstance(value, int) else None
    return None


def flags_of(snapshot: Snapshot, uuid: str) -> list[Flag]:
    """The flags of one board, and those for which it came in and is on trial."""
    return [
        flag
        for flag in snapshot.flags
        if flag.board.uuid == uuid
        or (
            flag.state is FlagState.VERIFYING
            and flag.successor is not None
            and flag.successor.uuid == uuid
        )
    ]


def open_flags_of(snapshot: Snapshot, uuid: str) -> tuple[Flag, ...]:
    """The flags of one board on which somebody still has to act, the earliest due first."""
    flags = (flag for flag in flags_of(snapshot, uuid) if flag.is_open)
    return tuple(sorted(flags, key=lambda flag: flag.due_at))


def acceptance_of(snapshot: Snapshot, key: BoardKey) -> Acceptance | None:
    """The latest acceptance of a board that came in for a flagged one; None when it did not."""
    mine = (one for one in snapshot.acceptances.values() if one.candidate(key) is not None)
    return max(mine, key=lambda one: one.flag, default=None)


def next_window(snapshot: Snapshot) -> Window | None:
    """The window that is open at the snapshot's instant, else the first to come."""
    now = snapshot.at.utc
    return min((window for window in snapshot.windows if window.end > now), default=None)


def window_is_open(snapshot: Snapshot) -> bool:
    """Whether boards may be swapped at the snapshot's instant."""
    return any(window.is_open(snapshot.at.utc) for window in snapshot.windows)


def blackout_holds(snapshot: Snapshot) -> bool:
    """Whether no board may be swapped at the snapshot's instant, by a blackout."""
    return any(blackout.covers(snapshot.at.utc) for blackout in snapshot.outlook.blackouts)


def flag_by_code(snapshot: Snapshot, uuid: str) -> dict[str, Flag]:
    """The latest flag of one board for each rule: an open one before any that is history."""
    flags = flags_of(snapshot, uuid)
    flags.sort(key=lambda flag: (flag.is_open, flag.raised_at, flag.number))
    return {flag.code: flag for flag in flags}


def flag_by_number(snapshot: Snapshot, number: str) -> Flag | None:
    """The flag that people call so, None when the snapshot holds none; one not stored has none."""
    return next((one for one in snapshot.flags if one.number and str(one.number) == number), None)


def gpus_by_gravity(snapshot: Snapshot) -> tuple[GpuState, ...]:
    """The GPUs to show, the worst first; what another driver holds is nobody's concern."""
    return tuple(
        sorted(gpus_of(snapshot), key=lambda gpu: (not gpu.managed, GRAVITY.index(gpu.verdict)))
    )


def gpu_by_uuid(snapshot: Snapshot, uuid: str) -> GpuState | None:
    """The GPU with this UUID, None when this host neither has nor misses it."""
    return next((gpu for gpu in gpus_of(snapshot) if gpu.record.key.uuid == uuid), None)


def pages_retired_at(record: BoardRecord) -> tuple[float, ...]:
    """When the board retired pages for errors of any kind, Unix seconds, oldest first.

    The board keeps these dates itself: they are evidence also from before it was first seen here.
    """
    told = (
        record.held.get(f"gpuwatch_gpu_pages_retired_{cause}_bit_at")
        for cause in ("double", "single")
    )
    texts = (held.value for held in told if held is not None and isinstance(held.value, str))
    return tuple(sorted(float(at) for text in texts for at in text.split()))
