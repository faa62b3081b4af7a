"""Silence cases: hosts that stop answering, for a scrape, a reboot or for good, and Prometheus too.

A page is no story of a scrape: who does not answer has not said that anything is over, and one
scrape that fails must neither end an alert nor begin its wait anew.
"""

from tests.support.alert_cases import GPU, HOST, INFO, JOB, Case, Check
from tests.support.watch_cases import never

_UP = f"up{{{JOB}}}"
_SNAPSHOT = f"gpuwatch_snapshot_timestamp_seconds{{{JOB}}}"
_STUCK = "GpuwatchAgentStuck"
_PAGES = 'count(ALERTS{alertstate="firing",route="page"})'
_LOST = f'gpuwatch_gpu_finding{{{GPU},code="off-the-bus",urgency="page",remedy="power_cycle"}}'
_COOLING = f'gpuwatch_host_finding{{{JOB},code="cooling",urgency="page",remedy="cool"}}'
_FANS = (
    f'gpuwatch_bmc_finding{{{JOB},bmc="main",host="",code="fans-insufficient",urgency="page",'
    'remedy="cool"}'
)


def _pages_of_a_host(name: str, found: str, up: str, told: tuple[int, ...], over: int) -> Case:
    """Three pages of one host, which are told at these instants as the same alerts as before."""
    pages, since = (("{}", 3.0),), (("{}", 5 * 60.0),)
    return Case(
        name=name,
        series={INFO: found, _LOST: found, _COOLING: found, _FANS: found, _UP: up},
        queries=(
            *((at, _PAGES, pages) for at in told),
            *((at, 'max(ALERTS_FOR_STATE{route="page"})', since) for at in told),
            (over, _PAGES, ()),
        ),
    )


# All rules: what is told of pages.
SILENT: tuple[Case, ...] = (
    _pages_of_a_host(
        "a host that pages is away for an hour, and says then that all is well",
        "_x5 1x5 stale _x100", "1x10 0x60 1x40", (8, 12, 17, 30, 70, 74), 79,
    ),
    _pages_of_a_host(
        "a host that pages boots for 20 minutes, and needs 3 more to find the same again",
        "_x5 1x5 stale _x22 1x20 stale _x20", "1x10 0x20 1x50", (8, 16, 30, 31, 33, 34, 50), 65,
    ),
    _pages_of_a_host(
        "a host that pages is taken out of the targets while it is away",
        "_x5 1x5 stale _x100", "1x10 0x20 stale _x60", (8, 16, 30, 34), 40,
    ),
    _pages_of_a_host(
        "what a host says is over ends, though it goes away after that",
        "_x5 1x5 stale _x100", "1x20 0x60", (8, 12), 25,
    ),
)  # fmt: skip


def _through_failed_scrapes(
    alert: str, held: str, minutes: int, values: tuple[int, int] = (0, 1), **own: str
) -> Case:
    """An alert that waits for minutes, in which every seventh scrape fails; well, then ill."""
    labels = {"job": "gpuwatch", "instance": HOST, "severity": "warning", "route": "window", **own}
    of_gpu = held.startswith("gpuwatch_gpu")
    board = {"uuid": "GPU-a", "serial": "1654223010009"} if of_gpu else {}
    labels |= {"scope": "gpu" if of_gpu else "host", **board}
    well, ill = values
    return Case(
        name=f"{alert} outlives scrapes that fail",
        series={INFO: "1x250", held: f"{well}x4 " + f"{ill}x5 stale " * 24},
        checks=(
            Check(at=4 + minutes, alert=alert),
            Check(at=6 + minutes, alert=alert, fires=(labels,)),
            Check(at=140, alert=alert, fires=(labels,)),
            Check(at=190, alert=alert),
        ),
    )


# The watch's own rules.
SCRAPED: tuple[Case, ...] = (
    never(
        "an agent tells something new until it goes down", _STUCK,
        {_SNAPSHOT: "0+60x20 stale _x40", _UP: "1x20 0x40"}, 33, 34, 35, 36, 40,
    ),
    never(
        "Prometheus was away for 17 minutes", _STUCK,
        {_SNAPSHOT: "0+60x20 _x16 2220+60x30", _UP: "1x20 _x16 1x30"}, 37, 38, 40, 55,
    ),
    _through_failed_scrapes(
        "GpuwatchSourceDown", f'gpuwatch_source_up{{{JOB},source="nvml"}}', 15, (1, 0),
        code="source-down", source="nvml",
    ),
    _through_failed_scrapes(
        "GpuwatchHistoryDegraded", f'gpuwatch_history_degraded{{{JOB},reason="disk-full"}}', 15,
        code="history-degraded", reason="disk-full",
    ),
    _through_failed_scrapes(
        "GpuwatchWebConfigFailing", f"gpuwatch_web_config_failing{{{JOB}}}", 15,
        code="web-config-failing",
    ),
    _through_failed_scrapes(
        "GpuwatchBackupFailed", f"gpuwatch_backup_failed{{{JOB}}}", 60, code="backup-failed",
    ),
    _through_failed_scrapes(
        "GpuwatchFlagWithoutWindow", f"gpuwatch_gpu_flag_late{{{GPU}}}", 60,
        code="flag-without-window",
    ),
    _through_failed_scrapes(
        "GpuwatchGpuUnknown", f'gpuwatch_gpu_verdict{{{GPU},verdict="unknown"}}', 120,
        code="gpu-unknown",
    ),
)  # fmt: skip
