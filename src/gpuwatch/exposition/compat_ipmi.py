"""Compat IPMI: what the BMCs told last, under prometheus-ipmi-exporter's names and labels."""

from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from gpuwatch.domain.bmc import BmcProtocol
from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.exposition.compat_ipmi_rows import ROWS, CompatRow

# Its words for the parts of a scrape, and the gap of a sweep that says that one is not told.
COLLECTORS: Mapping[str, str] = {
    "bmc": "device",
    "bmc-watchdog": "watchdog",
    "chassis": "chassis",
    "dcmi": "dcmi",
    "ipmi": "sdr",
    "sel": "sel",
}
_IPMI = (BmcProtocol.IPMI, BmcProtocol.IPMI_LOCAL)
_Scene = Iterable[tuple[Mapping[str, str], BmcState]]
UP_NAME = "ipmi_up"
UP_HELP = "Whether the BMC told this part in its latest sweep (1) or not (0)."


def ipmi_families(snapshot: Snapshot, target: str) -> Iterable[Metric] | None:
    """The families of all BMCs that are asked by IPMI, or of the one that `target` names.

    A target is the name of a BMC, its address with or without the port, or its host's name. Of
    several BMCs each series carries `bmc` and `host`, by which they differ; of one alone it does
    not, as its exporter has it. None says that no BMC goes by the target.
    """
    bmcs = tuple(bmc for bmc in snapshot.bmcs if bmc.protocol in _IPMI)
    if target:
        bmcs = tuple(bmc for bmc in bmcs if target in _names(bmc))
        if not bmcs:
            return None
    several = len(bmcs) > 1
    scene = [({"bmc": bmc.name, "host": bmc.host} if several else {}, bmc) for bmc in bmcs]
    made = (_up(scene), *(_family(row, scene) for row in ROWS))
    return (family for family in made if family.samples)


def _names(bmc: BmcState) -> set[str]:
    return {bmc.name, bmc.address, bmc.address.rpartition(":")[0], bmc.host} - {""}


def _up(scene: _Scene) -> Metric:
    metric = GaugeMetricFamily(UP_NAME, UP_HELP)
    for labels, bmc in scene:
        sweep = bmc.sweep if bmc.fresh else None
        for collector, part in COLLECTORS.items():
            up = sweep is not None and part not in sweep.gaps
            metric.add_sample(UP_NAME, {**labels, "collector": collector}, float(up))
    return metric


def _family(row: CompatRow, scene: _Scene) -> Metric:
    """One family; nothing of a BMC that does not answer, as its exporter has it."""
    metric = GaugeMetricFamily(row.name, row.help)
    for fixed, bmc in scene:
        if bmc.sweep is None or not bmc.fresh or COLLECTORS.get(row.collector) in bmc.sweep.gaps:
            continue
        for labels, value in row.samples(bmc.sweep):
            metric.add_sample(row.name, {**fixed, **labels}, value)
    return metric
