"""A fleet of 200 hosts with 1,600 GPUs, as real agents told them, on one real Prometheus."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.agents import ROOT, eventually
from tests.support.fleet_recording import GPUS, recordings
from tests.support.fleet_server import SILENT, TROUBLED, fleet
from tests.support.fleet_truth import (
    ALERTS,
    ANSWERING,
    NOT_YET,
    PER_GPU,
    PER_GPU_IN_TROUBLE,
    SCRAPED,
    SILENT_PANELS,
    SUMS,
    Sums,
    alerts,
    queries,
    recorded_names,
    sums,
    watched,
)
from tests.support.prometheus import Prometheus
from tests.support.promtool import metrics_complaints

EVERY_SECONDS = 5
BUDGET = 120
# What promtool dislikes about names that are not ours.
FOREIGN = {
    "label names should be written in 'snake_case' not 'camelCase'",
    "metric name should not include type 'counter'",
    'non-histogram and non-summary metrics should not have "_count" suffix',
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What Prometheus makes of the fleet."""

    hosts: dict[tuple[str, ...], float]  # how many hosts tell so many series
    kept: float
    quiet: dict[tuple[str, ...], float]  # series of each GPU of a host that is well
    mixed: dict[tuple[str, ...], float]  # and of one with a flagged board
    ill: dict[str, str]  # rules that cannot be evaluated
    sums: Sums
    alerts: dict[tuple[str, ...], float]
    silent: set[str]  # panels without data


def _seen(server: Prometheus) -> Seen:
    rules = eventually(lambda: _evaluated(server), "every group was evaluated")
    return Seen(
        hosts=server.numbers(f"count_values('series', {SCRAPED})", "series"),
        kept=server.numbers("sum(scrape_samples_post_metric_relabeling)")[()],
        quiet=server.numbers(PER_GPU, "uuid"),
        mixed=server.numbers(PER_GPU_IN_TROUBLE, "uuid"),
        ill={name: health for name, health in rules.items() if health != "ok"},
        sums=sums(server),
        alerts=alerts(server),
        silent={one.where for one in queries() if not server.query(one.expr)},
    )


def test_a_fleet_is_watched_as_it_is(tmp_path: Path) -> None:
    """Every series arrives, a quiet GPU stays within its budget, every rule can be evaluated.

    Sums, alerts and dashboards tell what was done to the fleet: 1,592 boards that are watched, nine
    of them flagged. promtool finds nothing wrong with what the agents tell under our own names.
    All in one test: what it takes is recorded and started once.
    """
    recorded = recordings(tmp_path)
    told = [metrics_complaints(one[-1].metrics) for one in (recorded.quiet, recorded.troubled)]
    foreign = metrics_complaints(recorded.troubled[-1].compat)
    with (
        fleet(recorded) as hosts,
        watched(tmp_path / "prometheus", hosts, every_seconds=EVERY_SECONDS) as server,
    ):
        seen = _seen(server)
    quiet, troubled, well = (
        len(hosts.quiet.series),
        len(hosts.troubled.series),
        ANSWERING - TROUBLED,
    )

    assert (told, foreign) == ([set(), set()], FOREIGN)
    assert seen.hosts == {(str(quiet),): well, (str(troubled),): TROUBLED, ("0",): SILENT}
    assert seen.kept == quiet * well + troubled * TROUBLED
    assert len(seen.quiet) == len(seen.mixed) == GPUS
    assert max(seen.quiet.values()) <= BUDGET
    assert sum(series > BUDGET for series in seen.mixed.values()) == 1
    assert seen.ill == {}
    assert seen.sums == SUMS
    assert seen.alerts == ALERTS
    assert seen.silent == SILENT_PANELS


def test_the_fleet_tells_the_sum_of_every_recording_rule() -> None:
    """But for those that count from hour to hour, which promtool's tests tell."""
    names = recorded_names((ROOT / "alerts" / "gpuwatch.rules.yml").read_text())

    asked_for = {name for name in names if any(name in query for query, _ in SUMS)}

    assert names - asked_for == NOT_YET


def _evaluated(server: Prometheus) -> dict[str, str]:
    """The health of every rule; nothing while one has not been evaluated."""
    rules = [rule for group in server.rule_groups() for rule in group["rules"]]
    if any(rule["health"] == "unknown" for rule in rules):
        return {}
    return {rule["name"]: rule["health"] for rule in rules}
