"""Thresholds: how near a board is to the counts at which NVIDIA's flags are set.

https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/rma-policy-thresholds-for-row-remapping.html
"""

from dataclasses import dataclass

from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.snapshot import GpuState
from gpuwatch.exposition.explanation_shapes import ThresholdShape
from gpuwatch.exposition.record_documents import instant
from gpuwatch.exposition.views import trusted
from gpuwatch.exposition.words import GAPS

_MEMORY = "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/"
_POLICY = _MEMORY + "rma-policy-thresholds-for-row-remapping.html"
_SRAM = "gpuwatch_gpu_sram_unique_uncorrected_addresses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A count, the sum of some signals; from `sets_at` on it is what `meaning` says."""

    count: str
    keys: tuple[str, ...]
    sets_at: int | None
    meaning: str
    source: str


THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        count="SRAM addresses with uncorrected errors, worst parity bank",
        keys=(f'{_SRAM}{{protection="parity"}}',),
        sets_at=5,
        meaning="more than 4 set NVIDIA's SRAM threshold flag",
        source=_POLICY,
    ),
    Threshold(
        count="SRAM addresses with uncorrected errors, worst SEC-DED bank",
        keys=(f'{_SRAM}{{protection="secded"}}',),
        sets_at=3,
        meaning="more than 2 set NVIDIA's SRAM threshold flag",
        source=_POLICY,
    ),
    Threshold(
        count="memory banks without spare rows",
        keys=('gpuwatch_gpu_row_remap_banks{spare="none"}',),
        sets_at=None,
        meaning="the next remap for an uncorrectable error in such a bank fails, and NVIDIA's flag"
        " for failed remaps is set",
        source=_POLICY,
    ),
    Threshold(
        count="rows remapped after uncorrectable errors",
        keys=("gpuwatch_gpu_rows_remapped_uncorrectable_total",),
        sets_at=513,
        meaning="remaps fail after 512 of them, or after 8 in one bank (the driver counts no bank"
        " by itself), and NVIDIA's flag for failed remaps is set",
        source=_POLICY,
    ),
    Threshold(
        count="memory pages retired (before Ampere)",
        keys=(
            "gpuwatch_gpu_pages_retired_double_bit_total",
            "gpuwatch_gpu_pages_retired_single_bit_total",
        ),
        sets_at=60,
        meaning="60 are DCGM's limit; a board can retire 64",
        source=_MEMORY + "row-remapping.html",
    ),
)


@dataclass(frozen=True, slots=True)
class _Count:
    """What is known of one signal; `unknown` says why it has no value, None: not on this board."""

    value: int | None
    unknown: str | None
    at: float | None
    current: bool


def distances(gpu: GpuState) -> list[ThresholdShape]:
    """Every count that this board has, read just now or as history last had it."""
    told = []
    for threshold in THRESHOLDS:
        counts = [_count(gpu, key) for key in threshold.keys]
        if all(count.unknown is None and count.value is None for count in counts):
            continue
        told.append(_document(threshold, counts))
    return told


def _document(threshold: Threshold, counts: list[_Count]) -> ThresholdShape:
    values = [count.value for count in counts if count.value is not None]
    value = sum(values) if len(values) == len(counts) else None
    instants = [count.at for count in counts if count.at is not None]
    left = None
    if value is not None and threshold.sets_at is not None:
        left = max(threshold.sets_at - value, 0)
    return {
        "count": threshold.count,
        "value": value,
        "unknown": "" if value is not None else next(one.unknown or "" for one in counts),
        "at": instant(min(instants)) if instants else None,
        "current": all(count.current for count in counts),
        "sets_at": threshold.sets_at,
        "left": left,
        "meaning": threshold.meaning,
        "source": threshold.source,
    }


def _count(gpu: GpuState, key: str) -> _Count:
    latest = next((one for one in trusted(gpu) if one.signal.key == key), None)
    if latest is not None and not isinstance(latest.value, Gap | str):
        return _Count(int(latest.value), "", latest.at, current=True)
    gap = latest.value if latest is not None and isinstance(latest.value, Gap) else None
    if gap is not None and gap.reason is GapReason.UNSUPPORTED:
        return _Count(None, None, None, current=True)
    held = gpu.record.held.get(key)
    if held is not None and not isinstance(held.value, str):
        return _Count(int(held.value), "", held.since, current=False)
    if gap is not None:
        return _Count(None, GAPS[gap.reason], None, current=True)
    return _Count(None, None, None, current=False)
