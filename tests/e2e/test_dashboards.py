"""Dashboards on a real Prometheus that scrapes real agents of a simulated server and its BMC."""

import re
from collections.abc import Mapping
from pathlib import Path

from grafana.build import DASHBOARDS
from grafana.model import Kind
from tests.support.agents import eventually, running
from tests.support.bmc import MakeBmc
from tests.support.bmc_watching import over_lan, secret, watching
from tests.support.dashboards import RATE_INTERVAL, asked, filled
from tests.support.patience import eventually as comes_true
from tests.support.prometheus import Prometheus, ruled
from tests.support.server import MakeServer

BAD = 2
NOBODY = 9  # the discard port: nothing answers there
HOST, MANAGEMENT, GONE = "node-1:9853", "mgmt:9853", "node-2:9853"
# What has not happened to the server of this test, what takes two hours, and what its board or
# its BMC does not tell.
SILENT = {
    "gpuwatch-fleet: Findings about hosts 1",
    "gpuwatch-fleet: Incidents per 1,000 board-years, 30 days before each point 1",
    "gpuwatch-fleet: Sources that cannot be read 1",
    "gpuwatch-gpu: Power 3",
    "gpuwatch-gpu: Retired pages 1",
    "gpuwatch-gpu: Retired pages 2",
    "gpuwatch-gpu: Temperature 3",
    "gpuwatch-host: About the host 1",
    "gpuwatch-planning: Acceptance 1",
}


def _silent(server: Prometheus, choices: Mapping[str, str]) -> list[str]:
    """The queries that ought to give something, and never did within a minute."""
    left = [one for one in asked(choices) if one.where not in SILENT]

    def shown() -> bool:
        left[:] = [one for one in left if not server.query(one.expr)]
        return not left

    comes_true(shown, seconds=60)
    return [one.where for one in left]


def _unexplained(server: Prometheus, choices: Mapping[str, str]) -> list[str]:
    """The silent panels that do not say what it means when they are; all queries must pass."""
    silent = [one for one in asked(choices) if one.where in SILENT]
    return [
        one.where
        for one in silent
        if not server.query(one.expr)
        and not one.panel.empty
        and one.expr == filled(one.panel.queries[0].expr, choices)
    ]


def _missing_columns(server: Prometheus, choices: Mapping[str, str]) -> set[tuple[str, str]]:
    """The columns of tables with rows that no row fills."""
    return {
        (one.where, column)
        for one in asked(choices)
        if one.panel.kind is Kind.TABLE and one.expr == filled(one.panel.queries[0].expr, choices)
        for series in [server.query(one.expr)]
        for column in one.panel.columns
        if series and not any(column in row["metric"] for row in series)
    }


def _choices(server: Prometheus, given: Mapping[str, str]) -> dict[str, set[str]]:
    """What each variable offers."""
    return {
        f"{one.uid} {variable.name}": {
            found[1]
            for row in server.query(filled(variable.selector, given))
            if (found := re.search(variable.cut or "(.*)", row["metric"][variable.label]))
        }
        for one in DASHBOARDS
        for variable in one.variables
    }


def test_every_panel_shows_what_it_is_for(
    make_server: MakeServer, make_bmc: MakeBmc, tmp_path: Path
) -> None:
    """A board is flagged, a feed lost, a host and a BMC do not answer: each is seen in its place.

    What never happened gives no data, and its panel says so in words.
    """
    server, bmc, password = make_server(), make_bmc(), secret(tmp_path)
    bmcs = {"main": over_lan(bmc, password, host="node-1")}
    bmcs["locked"] = over_lan(make_bmc(), secret(tmp_path / "wrong", "wrong"), host="node-2")
    with (
        running(server, tmp_path / "agent") as agent,
        watching(tmp_path / "watcher", bmcs) as watcher,
        ruled(
            tmp_path / "prometheus", {HOST: agent.port, MANAGEMENT: watcher.port, GONE: NOBODY}
        ) as asks,
    ):
        agent.wait_for_gpus(8)
        eventually(lambda: watcher.sweeps("main"), "the BMC is swept")
        uuid = str(agent.gpu(BAD)["uuid"])
        choices = {"instance": HOST, "server": "node-1", "uuid": uuid, **RATE_INTERVAL}
        eventually(lambda: asks.query("gpuwatch_gpu_xid_errors_total"), "GPUs are scraped")
        eventually(lambda: asks.query("gpuwatch_bmc_server_power_watts"), "the BMC is scraped")
        server.uncorrectable(BAD)
        server.remap_failure(BAD)
        bmc.psu_lost(2)
        eventually(lambda: agent.api("flags")["flags"], "a flag")

        silent = _silent(asks, choices)
        offered = _choices(asks, choices)

        assert silent == []
        assert _unexplained(asks, choices) == []
        assert _missing_columns(asks, choices) == set()
        assert offered["gpuwatch-host instance"] == {HOST, MANAGEMENT, GONE}
        assert offered["gpuwatch-host server"] == {"node-1"}
        assert uuid in offered["gpuwatch-gpu uuid"]
