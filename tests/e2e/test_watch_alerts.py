"""Alerts about the watch and about fleets: each arrives, says what it should, and ends."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.alertmanager import DEAD_MAN, NOBODY, TICKETS, Alerting, alerting
from tests.support.watch_stories import HOSTS, STORIES, WatchStory, past, tell

# What is counted is told within seconds: beside each other they take these from one another.
pytestmark = pytest.mark.xdist_group("alerts")

LIVE = "down-on-live-host"


def _say(told: Alerting, host: str, text: str | None) -> None:
    instance = f"{host}:9853"
    if text is None:
        told.hosts.refuse(instance)
    else:
        told.hosts.tell(instance, text)


def _arrives(told: Alerting, story: WatchStory) -> list[str]:
    """What the alert of a story should say and does not, once it has arrived."""
    alert = told.receiver.arrived(story.receiver, code=story.code)
    texts = alert.annotations
    missing = [part for part in story.says if part not in texts["description"]]
    if story.code in story.hosts() and alert.labels["instance"] != f"{story.code}:9853":
        missing.append("its host")
    if texts["next_step"] not in texts["description"] or not texts["next_step"]:
        missing.append("what to do")
    # An agent that is down, and a fleet, serve no page: the command prints it.
    pages = (f"/runbooks/{story.code}", f"gpuwatch runbook {story.code}")
    if not texts["runbook_url"].endswith(pages):
        missing.append("its runbook")
    return [f"{story.code} lacks {part!r}: {dict(texts)}" for part in missing]


def _counts(told: Alerting, story: WatchStory) -> tuple[int, int]:
    return told.receiver.counts(story.receiver, code=story.code)


def test_an_alert_that_is_no_finding_arrives_once_and_ends_once(tmp_path: Path) -> None:
    """All in one fleet, with a past where it takes hours; the dead man's alert comes with them."""
    people = [story for story in STORIES if story.receiver != NOBODY]
    hosts = [f"{host}:9853" for host in HOSTS]

    with alerting(
        tmp_path / "alerting", hosts, nodes=[f"{LIVE}:9100"], past=past(time.time())
    ) as told:
        for story in STORIES:
            tell(story.during, story.code, lambda host, text: _say(told, host, text))
        lacking = [what for story in STORIES for what in _arrives(told, story)]
        told.receiver.arrived(DEAD_MAN, alertname="GpuwatchWatchdog")
        for story in STORIES:
            if not story.ages:
                tell(story.after, story.code, lambda host, text: _say(told, host, text))
        for story in STORIES:
            told.receiver.resolved(story.receiver, code=story.code)

    assert lacking == []
    assert {story.code: _counts(told, story) for story in people} == {
        story.code: (1, 1) for story in people
    }
    assert told.receiver.counts(TICKETS, instance=f"{LIVE}:9853") == (0, 0)
    assert told.receiver.counts(TICKETS, code="watchdog") == (0, 0)


def test_a_fleet_without_targets_is_told_until_there_is_one(tmp_path: Path) -> None:
    """Prometheus is given a target by a reload of its configuration."""
    with alerting(tmp_path / "alerting", []) as told:
        alert = told.receiver.arrived(TICKETS, code="no-targets")
        file = tmp_path / "alerting" / "prometheus" / "prometheus.yml"
        settings = json.loads(file.read_text())
        settings["scrape_configs"][0]["static_configs"] = [told.hosts.target("n1:9853", "gpuwatch")]
        file.write_text(json.dumps(settings))
        os.kill(told.prometheus.pid, signal.SIGHUP)
        told.receiver.resolved(TICKETS, code="no-targets")

    assert "job gpuwatch" in alert.annotations["description"]
    assert told.receiver.counts(TICKETS, code="no-targets") == (1, 1)
