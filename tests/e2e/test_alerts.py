"""Alerts: each, from its cause on a real agent to what a person is told, and to its end."""

from pathlib import Path

import pytest

from tests.support.alert_causes import GROUPS
from tests.support.alert_scenes import Story, perform
from tests.support.alertmanager import alerting
from tests.support.server import MakeServer

# What is counted is told within seconds: beside each other they take these from one another.
pytestmark = pytest.mark.xdist_group("alerts")


@pytest.mark.parametrize("stories", GROUPS.values(), ids=GROUPS)
def test_an_alert_arrives_once_says_what_to_do_and_ends_once(
    make_server: MakeServer, tmp_path: Path, stories: tuple[Story, ...]
) -> None:
    """At whom its rule names, with host, index, serial, slot and number, and at nobody else."""
    hosts = [story.instance for story in stories]

    with alerting(tmp_path / "alerting", hosts) as told:
        scenes = perform(stories, told, make_server, tmp_path)

    assert [what for scene in scenes for what in scene.lacking] == []
    assert [scene.told for scene in scenes] == [set(story.codes) for story in stories]
    assert [scene.counts() for scene in scenes] == [story.counts() for story in stories]
    assert [scene.surplus() for scene in scenes] == [set()] * len(scenes)
