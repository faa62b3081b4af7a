"""Metrics: one snapshot as Prometheus text or OpenMetrics, by prometheus-client's encoders."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from itertools import chain

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from gpuwatch.domain.readings import Gap
from gpuwatch.domain.signals import Kind
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.bmc_families import bmc_families
from gpuwatch.exposition.bmc_rows import BMC_ROWS
from gpuwatch.exposition.families import (
    Scene,
    Type,
    Vocabulary,
    family,
    gpu_families,
    gpu_labels,
    host_families,
    scene_of,
)
from gpuwatch.exposition.gpu_rows import GPU_ROWS
from gpuwatch.exposition.hook_rows import HOOK_ROWS
from gpuwatch.exposition.host_rows import HOST_ROWS, poll_durations
from gpuwatch.exposition.views import in_base_unit, trusted

# The library's function has no annotations.
_encode_openmetrics: Callable[[CollectorRegistry], bytes] = generate_openmetrics
_TYPES = {Kind.GAUGE: Type.GAUGE, Kind.COUNTER: Type.COUNTER}


def metric_families(snapshot: Snapshot, vocabulary: Vocabulary) -> Iterator[Metric]:
    """Every family that has samples: gpuwatch's own, the BMCs', then those of the signal table."""
    scene = scene_of(snapshot, vocabulary)
    return chain(
        host_families(HOST_ROWS, scene),
        host_families(HOOK_ROWS, scene),
        poll_durations(scene),
        gpu_families(GPU_ROWS, scene),
        bmc_families(BMC_ROWS, snapshot),
        _signal_families(scene),
    )


def _signal_families(scene: Scene) -> Iterator[Metric]:
    """One family per signal name. Gaps and texts are no samples: absent beats wrong."""
    families: dict[str, Metric] = {}
    for gpu in scene.gpus:
        fixed = gpu_labels(gpu)
        for latest in trusted(gpu):
            signal, value = latest.signal, in_base_unit(latest)
            if signal.kind is Kind.TEXT or isinstance(value, Gap | str):
                continue
            if signal.name not in families:
                families[signal.name] = family(signal.name, _TYPES[signal.kind], signal.help)
            families[signal.name].add_sample(signal.name, {**fixed, **dict(signal.labels)}, value)
    yield from families.values()


class _Families(Collector):
    """Families already made, as a registry wants them."""

    def __init__(self, families: Iterator[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return self._families


class MetricsRenderer:
    """Turns snapshots into the bytes of one format.

    The registry is made for each rendering and dropped: the library's global one is never touched.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def text(self, snapshot: Snapshot, names: AbstractSet[str] = frozenset()) -> bytes:
        """Prometheus text, limited to families that have a sample of `names` when given."""
        return generate_latest(self._registry(snapshot, names))

    def openmetrics(self, snapshot: Snapshot, names: AbstractSet[str] = frozenset()) -> bytes:
        """OpenMetrics 1.0 text, limited to families that have a sample of `names` when given."""
        return _encode_openmetrics(self._registry(snapshot, names))

    def _registry(self, snapshot: Snapshot, names: AbstractSet[str]) -> CollectorRegistry:
        families = metric_families(snapshot, self._vocabulary)
        if names:
            families = (
                metric
                for metric in families
                if metric.name in names or any(sample.name in names for sample in metric.samples)
            )
        return _registry_of(families)


def encoded(families: Iterator[Metric], *, openmetrics: bool) -> bytes:
    """These families as Prometheus text, or as OpenMetrics 1.0 text."""
    encode = _encode_openmetrics if openmetrics else generate_latest
    return encode(_registry_of(families))


def _registry_of(families: Iterator[Metric]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    return registry


__all__ = [
    "CONTENT_TYPE_OPENMETRICS",
    "CONTENT_TYPE_PLAIN_0_0_4",
    "MetricsRenderer",
    "encoded",
    "metric_families",
]
