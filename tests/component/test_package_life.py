"""A package's life in a minimal Debian root without network: from installation to purge."""

from pathlib import Path

import pytest

from tests.support import package_story
from tests.support.debian_root import unpack
from tests.support.deliveries import delivered_for
from tests.support.package_story import FOREIGN, GPUS, Root, Story
from tests.support.releases import OWN_AND_OTHERS, Release
from tests.support.server import build_library

pytestmark = [pytest.mark.xdist_group("packages"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module", params=OWN_AND_OTHERS)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The whole life on a release, told once."""
    release: Release = request.param
    place = tmp_path_factory.mktemp("packages")
    root = Root(unpack(place / "root", release))
    build_library()
    return package_story.tell(root, delivered_for(release), delivered_for(release, 2))


def test_it_installs_without_a_network(story: Story) -> None:
    """Only dpkg is needed, in a root that reaches nobody."""
    assert story.installed.status == 0, story.installed.text
    assert story.first == "0.1.0-1"


def test_an_installation_starts_and_enables_nothing(story: Story) -> None:
    """To open a port is the operator's decision."""
    assert story.enabled_at_once == "disabled"


def test_the_user_of_the_service_can_run_it(story: Story) -> None:
    """The installed configuration is read, and holds the defaults."""
    assert story.configuration.status == 0, story.configuration.text
    assert "# read: /etc/gpuwatch/gpuwatch.toml" in story.configuration.text


def test_the_installed_agent_serves_metrics_of_the_simulated_driver(story: Story) -> None:
    """Its children find their modules, and everything that it needs came with the package."""
    assert story.served.status == 0, story.served.text[-2000:]
    assert story.served.text.count("\ngpuwatch_gpu_info{") == GPUS
    assert 'gpuwatch_source_up{source="kernel_log"} 1' in story.served.text


def test_an_upgrade_keeps_what_the_operator_set(story: Story) -> None:
    """Changed settings, and whether the service is enabled; no question is asked."""
    assert story.upgraded.status == 0, story.upgraded.text
    assert story.second == "0.1.0-2"
    assert story.settings_after_upgrade == "GPUWATCH_NVML__EXPECTED_GPUS=8\n"
    assert story.enabled_after_upgrade == "enabled"


def test_a_downgrade_is_an_installation_like_another(story: Story) -> None:
    """The way back is open, also where systemd does not answer at that moment."""
    assert story.downgraded.status == 0, story.downgraded.text
    assert story.third == "0.1.0-1"


def test_a_removal_keeps_settings_passwords_and_history(story: Story) -> None:
    """Nothing else of the package stays, also no compiled module and no enabled unit."""
    stayed = story.after_removal - story.before

    assert story.removed.status == 0, story.removed.text
    assert {
        "etc/default/gpuwatch",
        "etc/gpuwatch/gpuwatch.toml",
        "etc/gpuwatch/secrets/bmc-password",
        "var/lib/gpuwatch/history.db",
    } <= stayed
    assert {path for path in stayed if path.startswith(("usr", "etc/systemd"))} == set()


def test_a_purge_leaves_what_others_put_there_and_nothing_else(story: Story) -> None:
    """An operator's file keeps its folders; passwords and history are gone."""
    assert story.purged.status == 0, story.purged.text
    assert story.after_purge - story.before == {"etc/gpuwatch", "etc/gpuwatch/conf.d", FOREIGN}


def test_a_package_takes_nothing_away(story: Story) -> None:
    """What was there before the package is there after it."""
    assert story.before - story.after_purge == set()


def test_a_purge_leaves_the_user(story: Story) -> None:
    """Its number must not go to somebody who would then own what is in backups."""
    assert "gpuwatch:" in Path(story.root.place / "etc" / "passwd").read_text()
