"""Nights: hosts as somebody on call meets them, and every page that tells of them."""

from collections.abc import Mapping
from dataclasses import replace
from math import sin

from gpuwatch.domain.albums import Album
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.records import Spread, Transition
from gpuwatch.domain.snapshot import Maintenance, Snapshot, SourceState
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.exposition.bmc_page import bmc_page
from gpuwatch.exposition.detail import gpu_page
from gpuwatch.exposition.flag_page import flag_page
from gpuwatch.exposition.flags_page import flags_page
from gpuwatch.exposition.gpu_plots import COUNTERS, LEVELS, SPANS, gpu_figure, plots_section
from gpuwatch.exposition.page import status_page
from gpuwatch.exposition.runbook_pages import runbook_page, runbooks_page
from gpuwatch.exposition.runbooks import runbook_of
from tests.support.snapshots import AT, gpu_state, rich_snapshot

HOUR = 3_600.0
_BUCKET = 300.0
_BASES = dict(zip(LEVELS, (55.0, 70.0, 420.0, 0.04, 0.0, 0.0), strict=True))


def album(_board: BoardKey | None = None, since: float = AT - 24 * HOUR) -> Album:
    """A busy fortnight with a night in which the agent was off; counters rose three times."""
    first = since + _BUCKET - since % _BUCKET
    starts = [first + _BUCKET * number for number in range(int((AT - first) // _BUCKET))]
    told = [at for at in starts if not AT - 9 * HOUR < at < AT - 6 * HOUR]
    return Album(
        levels={key: tuple(_bucket(at, base) for at in told) for key, base in _BASES.items()},
        transitions=(
            *(Transition(key, 3, AT - 100 * HOUR) for key in COUNTERS[:2]),
            Transition(COUNTERS[0], 5, AT - 20 * HOUR),
            Transition(COUNTERS[3], 1, AT - 4 * HOUR),
            Transition(COUNTERS[0], 6, AT - 1.5 * HOUR),
        ),
        resets=(AT - 5 * HOUR,),
        epochs=((AT - 5.5 * HOUR, "580.95.05"),),
    )


def _bucket(at: float, base: float) -> tuple[float, Spread]:
    wave = 1 + 0.12 * sin(at / 5_000.0) + 0.04 * sin(at / 700.0)
    return at, Spread(base * wave * 0.97, base * wave, base * wave * 1.05)


def nights() -> Mapping[str, Snapshot]:
    """A host in every state that a page has to make clear, by name."""
    bad = rich_snapshot()
    alone = replace(bad, bmcs=(), host_findings=(), flags=(), degraded=(), kernel_log_lost=0)
    well = replace(
        alone,
        gpus=tuple(gpu_state(number) for number in range(8)),
        host_verdict=Verdict.HEALTHY,
        maintenance=(),
    )
    work = Maintenance(
        identity="m1",
        scope="host",
        board="",
        until=AT + 2 * HOUR,
        reason="new power supplies",
        actor="uid=1000(alice)",
    )
    blind = tuple(
        replace(gpu_state(number, verdict=Verdict.UNKNOWN), fresh=False, latest=())
        for number in range(8)
    )
    missing = SourceState(
        name="nvml", up=False, fresh=False, problem="the NVIDIA driver is not loaded"
    )
    many = tuple(gpu_state(number) for number in range(15))
    return {
        "bad": bad,
        "well": well,
        "maintenance": replace(bad, maintenance=(work,)),
        "unknown": replace(well, gpus=blind, host_verdict=Verdict.UNKNOWN),
        "no-driver": replace(
            well, gpus=(), sources=(missing,), epoch=None, host_verdict=Verdict.UNKNOWN
        ),
        "sixteen": replace(
            well,
            gpus=(*many, gpu_state(15, verdict=Verdict.WATCH)),
            host_verdict=Verdict.WATCH,
        ),
    }


def every_page() -> Mapping[str, bytes]:
    """Every kind of page about hosts, of every kind of night where it matters, by a name."""
    bad = rich_snapshot()
    plots = {
        gpu.record.index: plots_section(SPANS["24h"], gpu_figure(bad, gpu, album(), SPANS["24h"]))
        for gpu in (bad.gpus[2], bad.gpus[6])
    }
    return {
        **{f"status-{name}": status_page(night) for name, night in nights().items()},
        "status-stalled": status_page(bad, 95.0),
        "flags": flags_page(bad),
        **{f"flag-{flag.number}": flag_page(bad, flag) for flag in bad.flags},
        **{
            f"gpu-{gpu.record.index}": gpu_page(bad, gpu, plots=plots.get(gpu.record.index))
            for gpu in bad.gpus
        },
        **{f"bmc-{bmc.name}": bmc_page(bad, bmc) for bmc in bad.bmcs},
    }


def runbook_pages() -> Mapping[str, bytes]:
    """The pages that are made of documents."""
    bad = rich_snapshot()
    runbook = runbook_of("cooling")
    assert runbook is not None
    return {"runbooks": runbooks_page(bad), "runbook": runbook_page(bad, runbook)}
