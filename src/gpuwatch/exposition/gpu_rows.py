"""GPU rows: the metrics of our own about each GPU, beside those of the signal table."""

from collections import Counter
from collections.abc import Callable, Iterator

from gpuwatch.domain.acceptances import AcceptanceState
from gpuwatch.domain.events import EventSource
from gpuwatch.domain.flag_changes import is_scheduled, is_snoozed
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.incidents import Memory
from gpuwatch.domain.places import is_late
from gpuwatch.domain.readings import Gap
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.exposition.families import GpuScene, Row, Sample, Type, states
from gpuwatch.exposition.views import (
    acceptance_of,
    flag_by_code,
    open_flags_of,
    recovery_of,
    slot_of,
    trusted,
)


def _present(at: GpuScene) -> Iterator[Sample]:
    # A board bound to another driver is neither here for us nor missing: absent beats wrong.
    if at.gpu.managed:
        yield {}, float(at.gpu.present)


def _info(at: GpuScene) -> Iterator[Sample]:
    board = at.gpu.record.board if at.gpu.device is None else at.gpu.device.board
    slot = slot_of(at.gpu)
    yield (
        {
            **at.scene.snapshot.labels,
            "serial": at.gpu.record.key.serial,
            "slot": "" if slot is None else slot.label,
            "pci_address": "" if slot is None else slot.pci_address,
            "part_number": board.part_number,
            "vbios": board.vbios,
            "name": board.name,
            "driver": at.scene.driver,
        },
        1.0,
    )


def _verdict(at: GpuScene) -> Iterator[Sample]:
    # One that is not managed is not judged: an unknown verdict would be a ticket for ever.
    if at.gpu.managed:
        yield from states("verdict", Verdict, at.gpu.verdict)


def _findings(at: GpuScene) -> Iterator[Sample]:
    held = {(finding.code, finding.route, finding.remedy) for finding in at.gpu.findings}
    for code, route, remedy in sorted(held):
        yield {"code": code, "urgency": route.value, "remedy": remedy.value}, 1.0


def _managed(at: GpuScene) -> Iterator[Sample]:
    yield {}, float(at.gpu.managed)


def _last_reading(at: GpuScene) -> Iterator[Sample]:
    if at.gpu.latest:
        yield {}, max(latest.at for latest in at.gpu.latest)


def _gaps(at: GpuScene) -> Iterator[Sample]:
    gaps = [latest.value for latest in trusted(at.gpu) if isinstance(latest.value, Gap)]
    for reason, number in sorted(Counter(gap.reason for gap in gaps).items()):
        yield {"reason": reason.value}, float(number)


def _recovery(at: GpuScene) -> Iterator[Sample]:
    action = recovery_of(at.gpu, at.scene.driver)
    if action is not None:
        yield from states("action", RecoveryAction, action)


def _xids(at: GpuScene) -> Iterator[Sample]:
    # Only who counts on this host starts at 0: twice the series would break a GPU's budget.
    counting = EventSource.NVML
    if any(source.name == EventSource.KERNEL_LOG for source in at.scene.snapshot.sources):
        counting = EventSource.KERNEL_LOG
    counts = {(code, counting.value): 0 for code in at.scene.vocabulary.alerting_xids}
    counts |= {key: seen.count for key, seen in at.gpu.record.xids.items()}
    for (code, source), number in sorted(counts.items()):
        yield {"xid": str(code), "source": source}, float(number)


def _xid_last(at: GpuScene) -> Iterator[Sample]:
    last: dict[int, float] = {}
    for (code, _), seen in sorted(at.gpu.record.xids.items()):
        last[code] = max(seen.last_at, last.get(code, seen.last_at))
    for code, instant in last.items():
        yield {"xid": str(code)}, instant


def _incidents(at: GpuScene) -> Iterator[Sample]:
    memories = [incident.memory for incident in at.gpu.record.incidents]
    for memory in Memory:
        yield {"memory": memory.value}, float(memories.count(memory))


def _unattributed(at: GpuScene) -> Iterator[Sample]:
    yield {}, float(at.gpu.record.unattributed)


def _exposure(at: GpuScene) -> Iterator[Sample]:
    yield {}, at.gpu.record.exposure_seconds


def _flags(at: GpuScene) -> Iterator[Sample]:
    for code, flag in flag_by_code(at.scene.snapshot, at.gpu.record.key.uuid).items():
        for state in FlagState:
            yield {"code": code, "state": state.value}, float(flag.state is state)


def _open_flags(
    holds: Callable[[Flag, float], bool],
) -> Callable[[GpuScene], Iterator[Sample]]:
    """A family of one 0/1 series for each open flag of a board."""

    def samples(at: GpuScene) -> Iterator[Sample]:
        for code, flag in flag_by_code(at.scene.snapshot, at.gpu.record.key.uuid).items():
            if flag.is_open:
                yield {"code": code}, float(holds(flag, at.scene.snapshot.at.wall))

    return samples


def _flag_due(at: GpuScene) -> Iterator[Sample]:
    for flag in open_flags_of(at.scene.snapshot, at.gpu.record.key.uuid)[:1]:
        yield {}, flag.due_at


def _flag_late(at: GpuScene) -> Iterator[Sample]:
    flags = open_flags_of(at.scene.snapshot, at.gpu.record.key.uuid)
    if flags:
        yield {}, float(any(is_late(flag) for flag in flags))


def _flag_window(at: GpuScene) -> Iterator[Sample]:
    flags = open_flags_of(at.scene.snapshot, at.gpu.record.key.uuid)
    starts = [flag.window_start for flag in flags if flag.window_start is not None]
    if starts:
        yield {}, min(starts)


def _acceptance_seconds(at: GpuScene) -> Iterator[Sample]:
    acceptance = acceptance_of(at.scene.snapshot, at.gpu.record.key)
    if acceptance is not None:
        yield {}, acceptance.load_seconds


def _acceptance(at: GpuScene) -> Iterator[Sample]:
    acceptance = acceptance_of(at.scene.snapshot, at.gpu.record.key)
    if acceptance is not None:
        yield from states("state", AcceptanceState, acceptance.state)


GPU_ROWS: tuple[Row[GpuScene], ...] = (
    Row(
        "gpuwatch_gpu_present",
        Type.GAUGE,
        "Whether the GPU is there; 0 until its board is known to have left this host.",
        _present,
    ),
    Row("gpuwatch_gpu_info", Type.INFO, "What identifies the GPU and where it sits.", _info),
    Row(
        "gpuwatch_gpu_managed",
        Type.GAUGE,
        "Whether NVIDIA's driver holds the GPU; 0 while another one (vfio) does.",
        _managed,
    ),
    Row("gpuwatch_gpu_verdict", Type.GAUGE, "What the findings say together.", _verdict),
    Row(
        "gpuwatch_gpu_finding",
        Type.GAUGE,
        "1 for every rule that holds; urgency is the one that alerts use.",
        _findings,
    ),
    Row(
        "gpuwatch_gpu_last_reading_timestamp_seconds",
        Type.GAUGE,
        "When the GPU last answered.",
        _last_reading,
    ),
    Row(
        "gpuwatch_gpu_signal_gap",
        Type.GAUGE,
        "Signals that could not be read, by reason.",
        _gaps,
    ),
    Row(
        "gpuwatch_gpu_recovery_action",
        Type.GAUGE,
        "What the driver asks people to do about the GPU.",
        _recovery,
    ),
    Row(
        "gpuwatch_gpu_xid_errors_total",
        Type.COUNTER,
        "Xid errors by code and by who reported them.",
        _xids,
    ),
    Row(
        "gpuwatch_gpu_xid_last_timestamp_seconds",
        Type.GAUGE,
        "When the code was last seen.",
        _xid_last,
    ),
    Row(
        "gpuwatch_gpu_incidents_total",
        Type.COUNTER,
        "Incidents of uncorrectable errors by the memory they were in.",
        _incidents,
    ),
    Row(
        "gpuwatch_gpu_unattributed_errors_total",
        Type.COUNTER,
        "Errors the GPU reported for memory that no board of the host owns up to.",
        _unattributed,
    ),
    Row(
        "gpuwatch_gpu_exposure_seconds_total",
        Type.COUNTER,
        "Time in which an uncorrectable error of the board would have been seen.",
        _exposure,
    ),
    Row(
        "gpuwatch_gpu_flag",
        Type.GAUGE,
        "State of the latest flag to replace the board, by the rule that raised it.",
        _flags,
    ),
    Row(
        "gpuwatch_gpu_flag_acknowledged",
        Type.GAUGE,
        "Whether a person has seen the open flag.",
        _open_flags(lambda flag, _now: flag.acknowledged_at is not None),
    ),
    Row(
        "gpuwatch_gpu_flag_snoozed",
        Type.GAUGE,
        "Whether the open flag is kept from paging for a while.",
        _open_flags(is_snoozed),
    ),
    Row(
        "gpuwatch_gpu_flag_scheduled",
        Type.GAUGE,
        "Whether the open flag has a window that a person chose, or has seen.",
        _open_flags(lambda flag, _now: is_scheduled(flag)),
    ),
    Row(
        "gpuwatch_gpu_flag_due_timestamp_seconds",
        Type.GAUGE,
        "When the earliest open flag of the board is due.",
        _flag_due,
    ),
    Row(
        "gpuwatch_gpu_flag_window_start_timestamp_seconds",
        Type.GAUGE,
        "Start of the earliest window planned for the board.",
        _flag_window,
    ),
    Row(
        "gpuwatch_gpu_acceptance",
        Type.GAUGE,
        "Where the acceptance of a board that came in for a flagged one stands.",
        _acceptance,
    ),
    Row(
        "gpuwatch_gpu_acceptance_seconds",
        Type.GAUGE,
        "Load that what came in has carried with nothing wrong; 4 hours are needed.",
        _acceptance_seconds,
    ),
    Row(
        "gpuwatch_gpu_flag_late",
        Type.GAUGE,
        "Whether an open flag of the board has no window that starts before it is due.",
        _flag_late,
    ),
)
