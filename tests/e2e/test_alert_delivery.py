"""Delivery: from a finding of a real agent to what a person reads, and how often they are told."""

import re
from pathlib import Path

import pytest

from tests.support.agents import running
from tests.support.alertmanager import (
    NEWER_ALERTMANAGER,
    NEWER_PROMETHEUS,
    PAGER,
    TICKETS,
    Programs,
    alerting,
    hurried_rules,
    newer,
)
from tests.support.golden import assert_golden
from tests.support.receiver import FIRING, Receiver
from tests.support.server import MakeServer

# What is counted is told within seconds: beside each other they take these from one another.
pytestmark = pytest.mark.xdist_group("alerts")

HOST = "node-1:9853"
BAD = 1
PAGED, TICKETED = "row-remap-failed", "memory-repair-failed"
RULES = Path(__file__).parents[2] / "alerts" / "gpuwatch.rules.yml"


def _life(make_server: MakeServer, folder: Path, programs: Programs) -> Receiver:
    """A board needs its replacement and gets it, and so does another that can wait."""
    server = make_server(gpus=3)
    with (
        alerting(folder / "alerting", [HOST], programs=programs) as told,
        running(server, folder / "agent") as agent,
    ):
        told.hosts.agent(HOST, agent.port)
        agent.wait_for_gpus(3)
        server.remap_failure(BAD)
        server.xid(0, 161)
        told.receiver.arrived(PAGER, code=PAGED)
        told.receiver.arrived(TICKETS, code=TICKETED)
        agent.stop()
        for gpu in (0, BAD):
            server.swap(gpu)
        server.reboot()
        with running(server, folder / "agent") as again:
            told.hosts.agent(HOST, again.port)
            told.receiver.resolved(PAGER, code=PAGED)
            told.receiver.resolved(TICKETS, code=TICKETED)
    return told.receiver


def _as_it_arrives(receiver: Receiver) -> str:
    """The page and the ticket as people read them, on some day."""
    (page,) = receiver.told(FIRING, PAGER, code=PAGED)
    (ticket,) = receiver.told(FIRING, TICKETS, code=TICKETED)
    shown = receiver.shown(page)
    mail = receiver.read(TICKETS, ticket.alerts[0].annotations["summary"].split(": ")[1])
    text = "\n".join(f"{each.title}\n\n{each.text.strip()}\n" for each in (shown, mail))
    return re.sub(r"Since .* UTC", "Since 2026-09-13 03:04 UTC", text)


def test_golden_page_and_ticket_say_which_board_and_what_to_do(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """One page and one ticket with host, index, serial, slot and next step; one end of each."""
    receiver = _life(make_server, tmp_path, Programs())

    assert_golden("page_and_ticket.txt", _as_it_arrives(receiver))
    assert receiver.counts(PAGER, code=PAGED) == (1, 1)
    assert receiver.counts(TICKETS, code=TICKETED) == (1, 1)
    assert receiver.counts(TICKETS, code=PAGED) == receiver.counts(PAGER, code=TICKETED) == (0, 0)


@pytest.mark.optional
@pytest.mark.skipif(
    newer() is None,
    reason=f"{NEWER_PROMETHEUS} and {NEWER_ALERTMANAGER} name no programs of newer releases",
)
def test_newer_releases_deliver_the_same(make_server: MakeServer, tmp_path: Path) -> None:
    """Another Prometheus and another Alertmanager say the same to the same people."""
    receiver = _life(make_server, tmp_path, newer() or Programs())

    assert_golden("page_and_ticket.txt", _as_it_arrives(receiver))
    assert receiver.counts(PAGER, code=PAGED) == (1, 1)
    assert receiver.counts(TICKETS, code=TICKETED) == (1, 1)


def test_rules_in_a_hurry_are_the_shipped_ones_but_for_their_waits() -> None:
    """Expressions, labels and texts stay; only the lines of waits and intervals differ."""
    shipped = RULES.read_text()
    waits = re.compile(r"^ +(?:for|keep_firing_for|interval): .*\n|\[\w+:\]", re.MULTILINE)

    hurried = hurried_rules(shipped)

    assert waits.sub("", hurried) == waits.sub("", shipped)
    assert set(re.findall(r"for: (\d+)[a-z]", hurried)) == {"2", "5"}
