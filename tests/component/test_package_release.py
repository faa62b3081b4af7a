"""The package and the bundle on other releases, each with its own Python, systemd, man and apt."""

import re

import pytest

from tests.support.debian_root import unpack
from tests.support.deliveries import delivered_for
from tests.support.package_story import Root
from tests.support.release_tries import Tried, try_release
from tests.support.releases import NAMED, Release

pytestmark = [pytest.mark.xdist_group("packages"), pytest.mark.timeout(1200)]


@pytest.fixture(scope="module", params=NAMED)
def release(request: pytest.FixtureRequest) -> Release:
    """A release whose root can be made."""
    chosen: Release = request.param
    return chosen


@pytest.fixture(scope="module")
def tried(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """What was seen there."""
    root = Root(unpack(tmp_path_factory.mktemp("release") / "root", release))
    return try_release(root, delivered_for(release), release.python)


def test_its_archive_has_what_the_package_wants(release: Release, tried: Tried) -> None:
    """Apt finds every dependency there, beginning with nothing."""
    assert tried.wanted.status == 0, tried.wanted.text
    assert f"Inst python{release.python} " in tried.wanted.text
    assert "Inst gpuwatch " in tried.wanted.text


def test_the_launcher_takes_the_modules_for_its_python(release: Release, tried: Tried) -> None:
    """Though the package has those for others, too."""
    tree = f"/usr/lib/gpuwatch/py{release.python}"

    assert tried.installed.status == 0, tried.installed.text
    assert f"exec {tree}/bin/python3 -IB -m gpuwatch --version" in tried.launched.text
    assert "gpuwatch 0.1.0\n" in tried.launched.text


def test_its_python_loads_every_compiled_module(tried: Tried) -> None:
    """With its own C library, in the package's isolated tree."""
    assert tried.imported.status == 0, tried.imported.text
    assert int(tried.imported.text) > 5


def test_its_bash_completes(tried: Tried) -> None:
    """By what the package brings."""
    assert tried.completed.text == "complete -F _gpuwatch gpuwatch\nstatus\n"


def test_its_man_shows_the_page_without_a_warning(tried: Tried) -> None:
    """As an operator calls it."""
    assert tried.shown.status == 0, tried.shown.text
    assert "check-config" in tried.shown.text
    assert "warning" not in tried.shown.text


def test_its_systemd_takes_the_units_without_a_word(tried: Tried) -> None:
    """With the manual pages that they name, and the command that they start."""
    assert [(one.status, one.text) for one in tried.verified] == [(0, "")] * 3


def test_its_systemd_finds_them_as_closed_as_is_documented(release: Release, tried: Tried) -> None:
    """A newer systemd counts more; docs/systemd.md has the figures."""
    text = "".join(one.text for one in tried.judged)

    told = re.findall(r"Overall exposure level for \S+: (\S+) ", text)
    assert told == list(release.exposures)


def test_the_bundle_installs_with_its_python(tried: Tried) -> None:
    """And what it needs for that: the venv module of the release."""
    assert tried.bundled.status == 0, tried.bundled.text
    assert "gpuwatch 0.1.0" in tried.bundled.text
