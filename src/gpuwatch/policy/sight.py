"""Sight: whether a GPU's signals can be trusted, told so that it does not flap."""

from dataclasses import dataclass, field

from gpuwatch.policy.views import DriverHealth, GpuView, HostView

FLAP_SECONDS = 300.0


@dataclass(slots=True)
class _Seen:
    """How one GPU's sight came and went, in seconds of the boot clock."""

    blind: bool = False
    flapping: bool = False
    since: float = 0.0  # of being blind, or of seeing again


@dataclass(slots=True)
class Sight:
    """Remembers lately blind GPUs: one that is blind again within five minutes stays unknown.

    It does so until it was read for five minutes without a break: its verdict would otherwise come
    and go as often as its answers do.
    """

    _seen: dict[str, _Seen] = field(default_factory=dict)

    def look(self, gpu: GpuView, host: HostView) -> str:
        """Why this GPU's signals cannot be trusted, for people; "" when they can."""
        common, own = _common(gpu, host), _own(gpu)
        now, seen = host.now.boottime, self._seen.setdefault(gpu.uuid, _Seen(since=-FLAP_SECONDS))
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

    def forget(self, uuids: set[str]) -> None:
        """Keep only these GPUs."""
        for uuid in self._seen.keys() - uuids:
            del self._seen[uuid]


def _common(gpu: GpuView, host: HostView) -> str:
    """What keeps a GPU from being asked: people, the driver, or its absence."""
    reasons = (
        (host.released, "the driver is let go of"),
        (host.driver is not DriverHealth.READY, "the driver cannot be asked"),
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
