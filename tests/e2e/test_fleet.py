"""A fleet of 200 hosts with 1,600 GPUs, as real agents told them, on one real Prometheus."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.agents import ROOT, eventually
from tests.support.fleet_recording import GPUS, Recordings, recordings
from tests.support.fleet_server import SILENT, TROUBLED, Fleet, fleet
from tests.support.fleet_truth import (
    ALERTS,
    ANSWERING,
    NOT_YET,
    PER_GPU,
    PER_GPU_IN_TROUBLE,
    SCRAPED,
    SILENT_PANELS,
    SUMS,
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

pytestmark = pytest.mark.xdist_group("fleet")


@dataclass(frozen=True, slots=True)
class Watched:
    """The fleet, and the Prometheus that watches it."""

    fleet: Fleet
    server: Prometheus


@pytest.fixture(scope="module", name="recorded")
def _recorded(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """What two real agents told."""
    return recordings(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module", name="whole")
def _whole(recorded: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """All hosts on one Prometheus."""
    folder = tmp_path_factory.mktemp("fleet") / "prometheus"
    with fleet(recorded) as hosts, watched(folder, hosts, every_seconds=EVERY_SECONDS) as server:
        yield Watched(hosts, server)


def test_promtool_finds_nothing_wrong_with_what_real_agents_tell(recorded: Recordings) -> None:
    """Their own names pass, with and without a BMC; other exporters' names are as they are."""
    ours = [metrics_complaints(one[-1].metrics) for one in (recorded.quiet, recorded.troubled)]
    theirs = metrics_complaints(recorded.troubled[-1].compat)

    assert ours == [set(), set()]
    assert theirs == FOREIGN


def test_every_series_of_every_host_arrives(whole: Watched) -> None:
    """As many as the host tells, none refused; nothing of the host that does not answer."""
    quiet, troubled = len(whole.fleet.quiet.series), len(whole.fleet.troubled.series)

    hosts = whole.server.numbers(f"count_values('series', {SCRAPED})", "series")
    kept = whole.server.numbers("sum(scrape_samples_post_metric_relabeling)")

    well = ANSWERING - TROUBLED
    assert hosts == {(str(quiet),): well, (str(troubled),): TROUBLED, ("0",): SILENT}
    assert kept == {(): quiet * well + troubled * TROUBLED}


def test_a_gpu_costs_at_most_its_budget_of_series(whole: Watched) -> None:
    """All that Prometheus keeps of a quiet one, counted there; only a flagged one costs more."""
    quiet = whole.server.numbers(PER_GPU, "uuid")
    mixed = whole.server.numbers(PER_GPU_IN_TROUBLE, "uuid")

    assert len(quiet) == len(mixed) == GPUS
    assert max(quiet.values()) <= BUDGET
    assert sum(series > BUDGET for series in mixed.values()) == 1


def test_every_rule_can_be_evaluated_over_the_whole_fleet(whole: Watched) -> None:
    """No join of it finds two series for one board."""
    rules = eventually(lambda: _evaluated(whole.server), "every group was evaluated")

    assert {name: health for name, health in rules.items() if health != "ok"} == {}


def test_recorded_sums_are_those_of_what_was_done_to_the_fleet(whole: Watched) -> None:
    """Each recording rule at 1,592 boards that are watched, nine of them flagged."""
    told = sums(whole.server)

    assert told == SUMS


def test_the_fleet_tells_the_sum_of_every_recording_rule() -> None:
    """But for those that count from hour to hour, which promtool's tests tell."""
    names = recorded_names((ROOT / "alerts" / "gpuwatch.rules.yml").read_text())

    asked_for = {name for name in names if any(name in query for query, _ in SUMS)}

    assert names - asked_for == NOT_YET


def test_alerts_are_those_of_what_was_done_to_the_fleet(whole: Watched) -> None:
    """And of no other host."""
    told = alerts(whole.server)

    assert told == ALERTS


def test_dashboards_of_the_fleet_answer(whole: Watched) -> None:
    """Every query of Fleet and Planning passes, and gives data unless there is none to give."""
    silent = {one.where for one in queries() if not whole.server.query(one.expr)}

    assert silent == SILENT_PANELS


def _evaluated(server: Prometheus) -> dict[str, str]:
    """The health of every rule; nothing while one has not been evaluated."""
    rules = [rule for group in server.rule_groups() for rule in group["rules"]]
    if any(rule["health"] == "unknown" for rule in rules):
        return {}
    return {rule["name"]: rule["health"] for rule in rules}
