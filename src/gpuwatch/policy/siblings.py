"""Siblings: the other boards of one kind in this host, which tell what is usual here."""

from collections.abc import Sequence

from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.trails import Stretch
from gpuwatch.policy.views import DriverHealth, GpuView, HostView

MIG = "gpuwatch_gpu_mig_enabled"


def siblings_of(gpu: GpuView, host: HostView) -> list[GpuView]:
    """The other boards of the same part number (or name, where it is not told) that are here."""
    kind = kind_of(gpu)
    return [other for other in here(host) if other is not gpu and kind_of(other) == kind]


def kind_of(gpu: GpuView) -> str:
    """What makes boards comparable."""
    board = gpu.record.board
    return board.part_number or board.name


def can_ask(host: HostView) -> bool:
    """Whether the driver can be asked: what it told before says nothing of now."""
    return host.driver is DriverHealth.READY and not host.released


def last_minutes(gpu: GpuView, host: HostView, count: int) -> tuple[Stretch, ...]:
    """What a GPU told in its last minutes; nothing while the driver cannot be asked."""
    return gpu.trail.last_minutes(count, host.now.boottime) if can_ask(host) else ()


def here(host: HostView) -> list[GpuView]:
    """The GPUs that are there and ours to ask."""
    return [gpu for gpu in host.gpus if gpu.present and gpu.managed]


def number(gpu: GpuView, key: str) -> float | None:
    """A fresh reading as a number; None for a gap, a text, or a GPU whose answer is too old."""
    value = None if gpu.stale else gpu.readings.get(key)
    return None if value is None or isinstance(value, Gap | str) else value


def is_unsupported(gpu: GpuView, key: str) -> bool:
    """Whether the board or its driver does not have this signal at all."""
    value = gpu.readings.get(key)
    return isinstance(value, Gap) and value.reason is GapReason.UNSUPPORTED


def divided(gpu: GpuView) -> bool:
    """Whether MIG is on: it hides utilisation and what links carry."""
    return bool(number(gpu, MIG))


def mean(minutes: Sequence[Stretch], key: str, count: int) -> float | None:
    """The mean of a level over `count` minutes; None unless each of them tells it."""
    told = [minute.means[key] for minute in minutes if key in minute.means]
    return sum(told) / count if len(told) == count else None
