"""Compat: the names of other exporters out of the same snapshot, for dashboards that exist.

Every exporter whose names are offered is one table; what is enabled is sent one after another.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from prometheus_client import Metric

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.compat_dcgm import dcgm_families
from gpuwatch.exposition.compat_ipmi import ipmi_families


@dataclass(frozen=True, slots=True)
class CompatTable:
    """The names of one exporter, and the setting that offers them.

    `families` are made of a snapshot and of what the request's `target` names, "" for everything;
    None says that there is no such target.
    """

    setting: str
    families: Callable[[Snapshot, str], Iterable[Metric] | None]


IPMI = CompatTable("compat.ipmi", ipmi_families)
DCGM = CompatTable("compat.dcgm", dcgm_families)
TABLES = (IPMI, DCGM)


def compat_families(
    tables: Iterable[CompatTable], snapshot: Snapshot, target: str
) -> Iterator[Metric] | None:
    """The families of all these tables; None when none of them knows the target."""
    told = [table.families(snapshot, target) for table in tables]
    known = [families for families in told if families is not None]
    return chain.from_iterable(known) if known else None
