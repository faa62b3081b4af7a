"""Families: one row says how a metric of ours is called, labelled and taken from the snapshot."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.exposition.views import driver_of, gpus_of, index_text

UNITS = (
    "celsius",
    "watts",
    "joules",
    "bytes",
    "ratio",
    "hertz",
    "seconds",
    "rpm",
    "volts",
    "amperes",
)
Sample = tuple[Mapping[str, str], float]


class Type(StrEnum):
    """What a family is to Prometheus."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Closed sets that other rooms own, of which every member has a series from the start.

    `alerting_xids` are the codes that a page or window rule names: their counters exist at 0, since
    `increase()` never sees a series born at 1. `degraded` are the reasons why history is
    not written, or not whole.
    """

    alerting_xids: tuple[int, ...] = ()
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """A snapshot with the GPUs to publish and the closed sets: what every row takes from."""

    snapshot: Snapshot
    gpus: tuple[GpuState, ...]
    driver: str
    vocabulary: Vocabulary


def scene_of(snapshot: Snapshot, vocabulary: Vocabulary) -> Scene:
    """The scene of one snapshot."""
    return Scene(snapshot, gpus_of(snapshot), driver_of(snapshot), vocabulary)


_Subject = TypeVar("_Subject")


@dataclass(frozen=True, slots=True)
class Row(Generic[_Subject]):
    """One family: its full metric name, type, help, and where its samples come from.

    `samples` yields labels with a value for each series; it yields nothing where the snapshot does
    not know.
    """

    name: str
    type: Type
    help: str
    samples: Callable[[_Subject], Iterable[Sample]]


@dataclass(frozen=True, slots=True)
class GpuScene:
    """One GPU within the scene."""

    gpu: GpuState
    scene: Scene


def gpu_labels(gpu: GpuState) -> dict[str, str]:
    """The labels that every series of a GPU has; `uuid` keeps two boards apart for ever."""
    return {"gpu": index_text(gpu), "uuid": gpu.record.key.uuid}


def family(name: str, kind: Type, text: str) -> Metric:
    """An empty family of prometheus-client under the full metric name."""
    stem = name.removesuffix("_total")
    unit = next((unit for unit in UNITS if stem.endswith("_" + unit)), "")
    match kind:
        case Type.GAUGE:
            return GaugeMetricFamily(name, text, unit=unit)
        case Type.COUNTER:
            return CounterMetricFamily(stem, text, unit=unit)
        case Type.INFO:
            return InfoMetricFamily(name.removesuffix("_info"), text)


def host_families(rows: Iterable[Row[Scene]], scene: Scene) -> Iterator[Metric]:
    """The families of the host that have samples."""
    for row in rows:
        metric = family(row.name, row.type, row.help)
        for labels, value in row.samples(scene):
            metric.add_sample(row.name, dict(labels), value)
        if metric.samples:
            yield metric


def gpu_families(rows: Iterable[Row[GpuScene]], scene: Scene) -> Iterator[Metric]:
    """The families of the GPUs that have samples, each series with the GPU's labels."""
    for row in rows:
        metric = family(row.name, row.type, row.help)
        for gpu in scene.gpus:
            fixed = gpu_labels(gpu)
            for labels, value in row.samples(GpuScene(gpu, scene)):
                metric.add_sample(row.name, {**fixed, **labels}, value)
        if metric.samples:
            yield metric


def states(label: str, words: Iterable[StrEnum], current: StrEnum) -> Iterator[Sample]:
    """One 0/1 series per state."""
    for word in words:
        yield {label: word.value}, float(word is current)
