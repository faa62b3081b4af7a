"""The package in a real systemd without network: install, start, upgrade, remove."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.world import Server
from tests.support.agents import eventually
from tests.support.booted import SIMULATED, Booted, bare, settings
from tests.support.deliveries import Delivery, delivered_for, python_of
from tests.support.releases import OWN_AND_OTHERS, Release
from tests.support.server import servers

pytestmark = [pytest.mark.xdist_group("packages"), pytest.mark.timeout(600)]

UNIT = "gpuwatch.service"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/simulated.conf"


@dataclass(frozen=True, slots=True)
class Installed:
    """A system with the package, what the unit did by itself, and packages to install."""

    release: Release
    system: Booted
    state_at_once: str
    older: str
    newer: str

    def put(self, package: str) -> None:
        """Install a package, as an operator does."""
        self.system.run("dpkg", "--install", package)


@pytest.fixture(scope="module", params=OWN_AND_OTHERS)
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    """A system in which the package was installed; the service is led to the simulated driver."""
    release: Release = request.param
    with servers(tmp_path_factory.mktemp("packaged")) as make:
        server = make(gpus=2)
        older, newer = (_offered(server, delivered_for(release, number)) for number in (1, 2))
        with bare(server, release) as system:
            system.run("dpkg", "--install", older)
            at_once = system.shows("ActiveState", UNIT)
            lines = [f"Environment={name}={value}" for name, value in settings(server).items()]
            opened = f"ReadWritePaths={SIMULATED}"
            system.write(DROP_IN, "\n".join(("[Service]", opened, *lines, "")))
            system.run("systemctl", "daemon-reload")
            yield Installed(release, system, at_once, older, newer)


def _offered(server: Server, delivery: Delivery) -> str:
    """Where the package lies in the system."""
    shutil.copy(delivery.deb, server.directory)
    return str(SIMULATED / delivery.deb.name)


@pytest.fixture
def started(installed: Installed) -> Installed:
    """The same, with the agent started and enabled."""
    installed.system.run("systemctl", "enable", "--now", UNIT)
    return installed


def test_an_installed_unit_serves_metrics_once_it_is_started(started: Installed) -> None:
    """Not before: an installation starts nothing."""
    text = started.system.get("/metrics")

    assert started.state_at_once == "inactive"
    assert text.count("\ngpuwatch_gpu_present{") == 2
    assert started.system.shows("UnitFileState", UNIT) == "enabled"


def test_the_agent_and_its_children_run_from_the_packages_modules(started: Installed) -> None:
    """Those for the system's Python, and none of them leans on what that has besides."""
    told = started.system.processes().values()

    tree = f"/usr/lib/gpuwatch/py{python_of(started.release)}"
    assert len(told) > 1
    assert {line.split()[0] for line in told} == {f"{tree}/bin/python3"}


def test_a_reload_reads_the_settings_again(started: Installed) -> None:
    """In the same process."""
    before = started.system.shows("MainPID", UNIT)
    started.system.write("/etc/gpuwatch/conf.d/site.toml", '[host]\nsite = "north"\n')

    started.system.run("systemctl", "reload", UNIT)

    eventually(lambda: 'site="north"' in started.system.get("/metrics"), "it is taken up")
    assert started.system.shows("MainPID", UNIT) == before


def test_an_upgrade_restarts_an_agent_that_runs(started: Installed) -> None:
    """With the new package's code; it stays enabled."""
    before = started.system.shows("MainPID", UNIT)

    started.put(started.newer)

    assert started.system.shows("ActiveState", UNIT) == "active"
    assert started.system.shows("MainPID", UNIT) not in (before, "0")
    assert started.system.shows("UnitFileState", UNIT) == "enabled"


def test_another_version_starts_no_agent_that_was_stopped(started: Installed) -> None:
    """Whoever stopped it had a reason; the way back is an installation like any."""
    started.system.run("systemctl", "stop", UNIT)

    started.put(started.older)

    assert started.system.shows("ActiveState", UNIT) == "inactive"


def test_a_removal_stops_the_agent(started: Installed) -> None:
    """Nothing of it runs on, nothing is enabled, and the history stays."""
    history = Path("/var/lib/gpuwatch/history.db")

    started.system.run("dpkg", "--remove", "gpuwatch")

    assert started.system.processes() == {}
    assert started.system.shows("LoadState", UNIT) == "not-found"
    assert started.system.attempt("test", "-e", str(history)).returncode == 0


def test_a_purge_takes_the_history(installed: Installed) -> None:
    """And leaves what an operator put there."""
    installed.system.run("dpkg", "--purge", "gpuwatch")

    left = installed.system.run("sh", "-c", "ls -d /var/lib/gpuwatch /etc/gpuwatch/* || true")
    assert left.split() == ["/etc/gpuwatch/conf.d"]
