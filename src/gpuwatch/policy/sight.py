"""Sight: whether what a GPU or a BMC tells can be trusted, told so that it does not flap."""

from dataclasses import dataclass, field

from gpuwatch.domain.moments import Moment
from gpuwatch.policy.bmc_troubles import words_of
from gpuwatch.policy.views import BmcView, DriverHealth, GpuView, HostView

FLAP_SECONDS = 300.0


@dataclass(slots=True)
class _Seen:
    """How the sight of one came and went, in seconds of the boot clock."""

    blind: bool = False
    flapping: bool = False
    since: float = 0.0  # of being blind, or of seeing again


@dataclass(slots=True)
class Sight:
    """Remembers who was lately blind: one that is blind again within five minutes stays unknown.

    It does so until it was read for five minutes without a break: its verdict would otherwise come
    and go as often as its answers do.
    """

    _seen: dict[str, _Seen] = field(default_factory=dict)

    def look(self, gpu: GpuView, host: HostView) -> str:
        """Why this GPU's signals cannot be trusted, for people; "" when they can."""
        return self._look(gpu.uuid, _common(gpu, host), _own(gpu), host.now)

    def look_at_bmc(self, bmc: BmcView, host: HostView) -> str:
        """Why nothing can be said of this BMC's server, for people; "" when it can."""
        return self._look(bmc.subject, _start(bmc), _trouble(bmc), host.now)

    def _look(self, subject: str, common: str, own: str, at: Moment) -> str:
        """What is its own doing may flap; what is not never does."""
        now, seen = at.boottime, self._seen.setdefault(subject, _Seen(since=-FLAP_SECONDS))
        lately = now - seen.since < FLAP_SECONDS
        if own and not common:
            if not seen.blind:
                seen.blind, seen.flapping, seen.since = True, seen.flapping or lately, now
            return own
        if common:
            return common
        if seen.blind:
            seen.blind, seen.since, lately = False, now, True
        seen.flapping = seen.flapping and lately
        return "it can be read only now and then" if seen.flapping else ""

    def forget(self, subjects: set[str]) -> None:
        """Keep only these GPUs and BMCs."""
        for subject in self._seen.keys() - subjects:
            del self._seen[subject]


def _common(gpu: GpuView, host: HostView) -> str:
    """What keeps a GPU from being asked: people, the driver, or its absence."""
    reasons = (
        (host.released, "the driver is let go of"),
        (host.driver is DriverHealth.NOT_ASKED, "NVML is not asked on this host"),
        (host.driver is not DriverHealth.READY, "the driver cannot be asked"),
        (gpu.denied, "the driver does not let gpuwatch open the GPU (no permission)"),
        (not gpu.present, "the GPU is not there"),
        (gpu.hang is not None, gpu.hang.sentence if gpu.hang else ""),
        (not gpu.readings, "it has not answered yet"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _own(gpu: GpuView) -> str:
    """What is wrong with its answers."""
    first, others = gpu.blind_to[:1], len(gpu.blind_to) - 1
    more = f" and {others} more" if others > 0 else ""
    if gpu.stale:
        return "its last answer is too old"
    return f"{''.join(first)}{more} could not be read for three of its sweeps" if first else ""


def _start(bmc: BmcView) -> str:
    """What keeps a BMC from telling anything, without a fault of it."""
    updating = bmc.sweep is not None and bmc.sweep.updating
    reasons = (
        (updating, "its firmware is being written, or it is starting"),
        (bmc.sweep is None and bmc.trouble is None, "it has not answered yet"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _trouble(bmc: BmcView) -> str:
    return "" if bmc.trouble is None else words_of(bmc.trouble)
