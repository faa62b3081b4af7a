"""Absence conditions: GPUs that fell off, went missing or stopped answering."""

from collections.abc import Sequence

from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.verdicts import AHEAD_SECONDS
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings

OFF_BUS_AGAIN_SECONDS = 90 * SECONDS_PER_DAY
UNRESPONSIVE_SECONDS = 60.0
QUIET_SECONDS = 600.0


def off_the_bus(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """The GPU is lost to a driver that is loaded and had it."""
    if not gpu.managed or host.released:
        return Answer.NO
    if host.driver is not DriverHealth.READY:
        return Answer.CANNOT_TELL
    fell_at = gpu.record.fell_at
    answered_since = fell_at is not None and gpu.last_good is not None and gpu.last_good > fell_at
    vanished = not gpu.present and gpu.seen_this_epoch and not gpu.denied
    if gpu.lost:
        reason = "NVML says the GPU is lost"
    elif vanished:
        reason = "it vanished while its driver was loaded"
    elif fell_at is not None and not answered_since:
        reason = "the kernel log says it has fallen off the bus (Xid 79)"
    else:
        return Answer.CANNOT_TELL if gpu.denied else Answer.NO
    return Match(facts={"reason": reason}, evidence_at=fell_at)


def off_the_bus_again(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """The same board fell off the bus twice within 90 days, the last time not longer ago."""
    falls = _dated(gpu.record.off_bus_at, host.now.wall)
    if len(falls) < 2 or host.now.wall - max(falls) >= OFF_BUS_AGAIN_SECONDS:  # noqa: PLR2004 - twice
        return Answer.NO
    if not host.clock_settled:  # boots whose clocks disagree put falls anywhere
        return Answer.CANNOT_TELL
    recent = sorted(at for at in falls if max(falls) - at < OFF_BUS_AGAIN_SECONDS)
    if len(recent) < 2:  # noqa: PLR2004 - twice
        return Answer.NO
    return Match(facts={"times": str(len(recent))}, evidence_at=recent[-1])


def _dated(falls: Sequence[float], now: float) -> Sequence[float]:
    """Those that can have been when they are said to; all where none can.

    What lies in the future fell while the clock was ahead, and says nothing of when.
    """
    return [at for at in falls if at <= now + AHEAD_SECONDS] or falls


def _absent(gpu: GpuView, host: HostView) -> Outcome:
    if gpu.present or not gpu.managed or gpu.lost or gpu.seen_this_epoch:
        return Answer.NO
    unasked = host.driver is not DriverHealth.READY or host.released or gpu.hang is not None
    if unasked or gpu.in_grace or gpu.denied:
        return Answer.CANNOT_TELL
    last_seen = gpu.record.last_seen
    hours = max(host.now.wall - last_seen, 0.0) / 3600
    slot = gpu.record.slot.label if gpu.record.slot else "unknown"
    where = "its PCI function is gone" if gpu.function_gone else "its PCI function is there"
    return Match(
        facts={"hours": f"{hours:.0f}", "slot": slot, "where": where}, evidence_at=last_seen
    )


def board_missing(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """A remembered board is absent since the last boot or driver load."""
    return _absent(gpu, host)


def board_missing_in_service(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """The same, and the host served with it within the last day."""
    absent = _absent(gpu, host)
    recently = host.now.wall - gpu.record.last_seen < SECONDS_PER_DAY
    return absent if recently or not isinstance(absent, Match) else Answer.NO


def unexpected_count(host: HostView, _settings: PolicySettings) -> Outcome:
    """The host has not as many GPUs as its configuration says."""
    if host.expected_gpus is None:
        return Answer.NO
    if host.driver is not DriverHealth.READY or host.released:
        return Answer.CANNOT_TELL
    present, taken = sum(gpu.present for gpu in host.gpus), host.taken_functions
    if present + taken == host.expected_gpus:
        return Answer.NO
    if host.denied_functions:
        return Answer.CANNOT_TELL
    others = f" and {taken} more held by another driver" if taken else ""
    return Match(
        facts={"present": f"{present} GPUs answer{others}", "expected": str(host.expected_gpus)}
    )


def unresponsive(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """Deadlines missed twice running and again alone in a fresh child, 60 s in all, in quiet."""
    if gpu.hang is None:
        return Answer.NO
    quiet = host.quiet_seconds >= QUIET_SECONDS
    if not (gpu.hang.confirmed and gpu.hang.seconds >= UNRESPONSIVE_SECONDS and quiet):
        return Answer.CANNOT_TELL
    return Match(facts={"hang": gpu.hang.sentence})
