"""Readiness: whether every source that is required has looked lately, and the reason either way."""

from gpuwatch.domain.snapshot import Snapshot, SourceState
from gpuwatch.exposition.shapes import ReadinessShape, SourceReadinessShape
from gpuwatch.exposition.views import gpus_of

GPU_SOURCE = "nvml"  # the source whose devices can be set apart


def readiness(snapshot: Snapshot) -> ReadinessShape:
    """Ready when no required source is unready; a host where no source has reported is not ready.

    A source that was released for other work, or whose every GPU is set apart, is ready: nothing
    is wrong with gpuwatch itself, and the reason is told.
    """
    sources = [_source(snapshot, source) for source in snapshot.sources]
    return {
        "ready": bool(sources) and all(item["ready"] or not item["required"] for item in sources),
        "sources": sources,
        "set_apart": [
            {"uuid": gpu.record.key.uuid, "reason": gpu.set_apart}
            for gpu in gpus_of(snapshot)
            if gpu.set_apart
        ],
    }


def _source(snapshot: Snapshot, source: SourceState) -> SourceReadinessShape:
    ready, reason = _judge(snapshot, source)
    return {"name": source.name, "required": source.required, "ready": ready, "reason": reason}


def _judge(snapshot: Snapshot, source: SourceState) -> tuple[bool, str]:
    if source.released:
        return True, f"released: {source.released_reason or 'no reason given'}"
    if source.fresh:
        return True, "fresh"
    present = [gpu for gpu in gpus_of(snapshot) if gpu.present]
    if source.name == GPU_SOURCE and present and all(gpu.set_apart for gpu in present):
        return True, "every GPU is set apart"
    if source.last_success is None:
        return False, source.problem or "has not succeeded yet"
    age = snapshot.at.wall - source.last_success
    return False, source.problem or f"last succeeded {age:.0f} s ago"
