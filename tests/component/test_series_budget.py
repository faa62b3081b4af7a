"""What one GPU costs Prometheus, as the real binding answers on each simulated board."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.snapshot import Latest
from gpuwatch.exposition.families import Vocabulary
from gpuwatch.exposition.metrics import metric_families
from gpuwatch.policy.rules import COUNTED_XIDS
from gpuwatch.sources.nvml_signals import TABLE
from simulator.profiles import PROFILES
from tests.support.nvml_child import NvmlChild
from tests.support.server import MakeServer
from tests.support.snapshots import AT, gpu_state, rich_snapshot

BUDGET = 120


def _answers(make_server: MakeServer, profile: str) -> Iterator[Latest]:
    """What one board says to a daemon without root: its privileged rows are denied."""
    with NvmlChild(make_server(profile, 1)) as child:
        child.inventory()
        (answers,) = child.sweep("fast", "slow", "rare", "inventory").values()
    for signal in TABLE:
        value = answers[signal.key]
        if isinstance(value, list):
            yield Latest(signal, Gap(GapReason(value[0]), value[1]), AT)
        else:
            yield Latest(signal, Gap(GapReason.DENIED, 4) if signal.privileged else value, AT)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_quiet_gpu_stays_within_its_budget_of_series(
    make_server: MakeServer, profile: str
) -> None:
    """At most 120 by default, our own included; by default no BMC is asked."""
    gpu = replace(gpu_state(0), latest=tuple(_answers(make_server, profile)))
    snapshot = replace(rich_snapshot(), gpus=(gpu,), bmcs=())

    series = [
        sample
        for family in metric_families(snapshot, Vocabulary(alerting_xids=COUNTED_XIDS))
        for sample in family.samples
        if "uuid" in sample.labels
    ]

    assert len(series) <= BUDGET
