"""The RPM package in a root without network, by rpm itself: install, upgrade, erase."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from delivery import trees
from delivery.contents import Format, collect
from delivery.native import Build, pack
from delivery.targets import Architecture
from tests.support.debian_root import inside, unpack
from tests.support.deliveries import architecture, delivered, minor
from tests.support.package_story import Root
from tests.support.require import require

pytestmark = [pytest.mark.xdist_group("packages"), pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen after each step."""

    before: frozenset[str]
    installed: str
    version: str
    upgraded: str
    enabled: str
    settings: str
    erased: str
    after: frozenset[str]
    of_older: frozenset[str]


def _bare(place: Path, release: int, *modules: str) -> Path:
    """A package of one release with nothing but these modules beside what every one has."""
    library = place / f"library-{release}"
    trees.grow(library, {minor(): ()})
    for module in modules:
        path = library / "common" / module
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("told = 1\n", encoding="utf-8")
    items = collect(place / f"texts-{release}", library)
    build = Build(Architecture(architecture()), release)
    return pack(build, Format.RPM, items, place / "bare")


def _left_of_older(root: Root, place: Path) -> frozenset[str]:
    """What an upgrade leaves of a folder that the older version had alone."""
    _rpm(root.place, ["--install", str(_bare(place, 1, "kept/one.py", "gone/one.py"))])
    _rpm(root.place, ["--upgrade", str(_bare(place, 2, "kept/one.py"))])
    common = root.place / "usr" / "lib" / "gpuwatch" / "common"
    left = frozenset(path.relative_to(common).as_posix() for path in common.rglob("*"))
    _rpm(root.place, ["--erase", "gpuwatch"])
    return left


def _rpm(root: Path, words: Sequence[str]) -> str:
    """What rpm says; its database lies in the root, whose Python is Debian's and not its own."""
    done = subprocess.run(
        ["unshare", "--net", require("rpm", "rpm"), f"--root={root}", "--nodeps", *words],  # noqa: S607 - any
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The whole life, told once."""
    place = tmp_path_factory.mktemp("rpm")
    older, newer = delivered().rpm, delivered(release=2).rpm
    root = Root(unpack(place / "root"))
    before = root.paths()
    of_older = _left_of_older(root, place)
    installed = _rpm(root.place, ["--install", str(older)])
    version = root.as_user("gpuwatch", "--version").text
    inside(root.place, "systemctl", "enable", "gpuwatch.service")
    root.write("etc/default/gpuwatch", "GPUWATCH_NVML__EXPECTED_GPUS=8\n")
    upgraded = _rpm(root.place, ["--upgrade", str(newer)])
    enabled = root.tell("systemctl", "is-enabled", "gpuwatch.service").text.strip()
    settings = root.read("etc/default/gpuwatch")
    erased = _rpm(root.place, ["--erase", "gpuwatch"])
    after = root.paths()
    shutil.rmtree(root.place)
    return Story(before, installed, version, upgraded, enabled, settings, erased, after, of_older)


def test_an_upgrade_leaves_nothing_of_the_older_version_alone(story: Story) -> None:
    """Its modules were compiled on this host, which rpm knows nothing of; those that stay are."""
    assert story.of_older == {
        "kept",
        "kept/one.py",
        "kept/__pycache__",
        f"kept/__pycache__/one.cpython-{minor().replace('.', '')}.pyc",
    }


def test_it_installs_and_runs_as_its_user(story: Story) -> None:
    """The scriptlet makes the user and compiles the modules."""
    assert "warning" not in story.installed
    assert story.version == "gpuwatch 0.1.0\n"


def test_an_upgrade_keeps_what_the_operator_set(story: Story) -> None:
    """The old package's scriptlets run after the new one's, and take nothing of it away."""
    assert "error" not in story.upgraded
    assert story.enabled == "enabled"
    assert story.settings == "GPUWATCH_NVML__EXPECTED_GPUS=8\n"


def test_an_erasure_leaves_what_the_operator_made(story: Story) -> None:
    """Changed settings under another name; nothing compiled, nothing enabled."""
    stayed = {
        path
        for path in story.after - story.before
        if not path.startswith(("var/lib/rpm", "usr/lib/sysimage"))
    }

    assert "error" not in story.erased
    assert stayed == {"etc/default/gpuwatch.rpmsave", "var/lib/gpuwatch"}
