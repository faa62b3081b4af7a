"""BMC families: one row says how a metric about BMCs is called, labelled and taken."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite

from prometheus_client import Metric

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.bmc_samples import BmcScene, Pick
from gpuwatch.exposition.families import Type, family

FIXED = ("bmc", "host")


@dataclass(frozen=True, slots=True)
class BmcRow:
    """One family: its name, type, own labels, help, and how its series are taken.

    The name ends in the base unit of its numbers. A number of None is not told: no series.
    """

    name: str
    type: Type
    labels: tuple[str, ...]
    help: str
    take: Pick


def bmc_families(rows: Iterable[BmcRow], snapshot: Snapshot) -> Iterator[Metric]:
    """The families of the BMCs that have samples.

    What is no finite number has no series, and a labelset that comes twice (two supplies of one
    name) has the first only: Prometheus would refuse the whole scrape.
    """
    scenes = [BmcScene(bmc, snapshot) for bmc in snapshot.bmcs]
    for row in rows:
        metric = family(row.name, row.type, row.help)
        for labels, number in _series(row, scenes):
            metric.add_sample(row.name, labels, number)
        if metric.samples:
            yield metric


def _series(row: BmcRow, scenes: Iterable[BmcScene]) -> Iterator[tuple[dict[str, str], float]]:
    names = (*FIXED, *row.labels)
    seen: set[tuple[str, ...]] = set()
    for scene in scenes:
        for values, number in row.take(scene):
            labels = (scene.bmc.name, scene.bmc.host, *values)
            if number is not None and isfinite(number) and labels not in seen:
                seen.add(labels)
                yield dict(zip(names, labels, strict=True)), float(number)
