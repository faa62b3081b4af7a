"""What people are shown of a BMC by a real agent: the command line, the page and the metrics."""

import json
from pathlib import Path
from typing import Any

from simulator.bmc.server import Model
from tests.support.agents import eventually
from tests.support.bmc import MakeBmc
from tests.support.bmc_watching import Watcher, over_lan, secret, watching
from tests.support.commands import Outcome, run

SERIES_BUDGET = 500


def _ask(agent: Watcher, *words: str) -> Outcome:
    return run(*words, "--socket", str(agent.control_socket))


def _json(agent: Watcher, *words: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(_ask(agent, *words, "--json").out)


def test_a_lost_feed_is_shown_wherever_people_look(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """In the log, the list, the explanation and the page, a moment after it happened."""
    bmc, other, password = make_bmc(Model(large=True)), make_bmc(), secret(tmp_path)
    bmcs = {"host": over_lan(bmc, password), "far": over_lan(other, password, host="node-18")}
    with watching(tmp_path / "agent", bmcs) as agent:
        eventually(lambda: agent.sweeps("host") and agent.sweeps("far"), "both are swept")
        bmc.psu_lost(2)
        grave = ("sel", "host", "--topic", "power", "--severity", "critical")
        eventually(lambda: "PSU2 Status" in _ask(agent, *grave).out, "the entry is in the log")
        eventually(
            lambda: "1.0" in str(agent.metric("gpuwatch_bmc_finding", code="psu-input-lost")),
            "the rule holds",
        )
        entries = _json(agent, *grave)["entries"]
        of_all = _json(agent, "sel", "--limit", "1")
        listed = _ask(agent, "bmc")
        one = _json(agent, "bmc", "node-18")
        explained = _ask(agent, "explain", "bmc.host", "psu-input-lost")
        missing = _ask(agent, "bmc", "nope")
        page = agent.get("/bmc/host")
        metrics = agent.get("/metrics").splitlines()

    assert ("host", "PSU2 Status", "power", False) in {
        (one["bmc"], one["sensor"], one["topic"], one["baseline"]) for one in entries
    }
    assert of_all["more"] is True
    assert "5 of 6 well" in listed.out
    assert (one["name"], one["server"], bool(one["sensors"])) == ("far", "node-18", True)
    assert "PSU-INPUT-LOST: window, power" in explained.out
    assert (missing.status, missing.err) == (
        2,
        'gpuwatch: "nope" names no BMC (there are: host, far)\n',
    )
    assert "PSU2 without input" in page
    series = [line for line in metrics if line.startswith("gpuwatch_bmc_") and 'bmc="host"' in line]
    assert 300 < len(series) < SERIES_BUDGET
