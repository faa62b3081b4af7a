"""A test of the way of alerts: from the command line to whom the route should reach, and over."""

import json
from pathlib import Path

from tests.support.agents import eventually, running
from tests.support.alertmanager import PAGER, TICKETS, alerting
from tests.support.commands import Outcome, run
from tests.support.receiver import FIRING
from tests.support.server import MakeServer

HOST, CODE = "node-1:9853", "alert-test"


def test_a_test_alert_arrives_marked_along_its_route_and_ends(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Through the real Prometheus and Alertmanager to the pager, and to nobody else."""
    with (
        alerting(tmp_path / "alerting", [HOST]) as told,
        running(make_server(gpus=1), tmp_path / "agent") as agent,
    ):
        told.hosts.agent(HOST, agent.port)

        def ask(*words: str) -> Outcome:
            return run(*words, "--socket", str(agent.control_socket))

        begun = ask("alert-test", "--route", "page")
        metric = eventually(
            lambda: agent.metric("gpuwatch_alert_test", route="page") == {'{route="page"}': 1.0},
            "the metric tells",
        )
        others = agent.metric("gpuwatch_alert_test", route="window")
        told.receiver.arrived(PAGER, code=CODE)
        ended = ask("alert-test", "--end")
        told.receiver.resolved(PAGER, code=CODE)
        too_long = ask("alert-test", "--for", "2h")
        audited = json.loads(ask("audit", "--json").out)["audit"]
    (page,) = told.receiver.told(FIRING, PAGER, code=CODE)

    assert (begun.status, metric) == (0, True)
    assert list(others.values()) == [0.0]
    assert page.alerts[0].annotations["summary"].startswith(f"TEST from {HOST}: nothing is wrong")
    assert told.receiver.counts(TICKETS, code=CODE) == (0, 0)
    assert "ended the test of page" in ended.out
    assert too_long.status == 2
    assert [deed["action"] for deed in audited] == ["alert-test", "alert-test-end"]
