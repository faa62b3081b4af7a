"""The bundle for air gaps: it installs without a network, and refuses what was changed."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.agents import clean_environment
from tests.support.deliveries import delivered, minor

pytestmark = [pytest.mark.xdist_group("packages"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, unpacked."""
    place = tmp_path_factory.mktemp("airgap")
    with tarfile.open(delivered().bundle) as archive:
        archive.extractall(place, filter="data")
    (found,) = place.glob("gpuwatch-*")
    return found


def _install(bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the script where no host can be reached, with an index configured all the same."""
    return subprocess.run(
        ["unshare", "--net", "--map-root-user", str(bundle / "install.sh"), *words],  # noqa: S607 - any
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment() | {"PIP_INDEX_URL": "http://127.0.0.1:1/simple"},
        timeout=200,
    )


def test_it_installs_without_a_network(bundle: Path, tmp_path: Path) -> None:
    """A folder of its own, with everything that the agent needs to check its settings."""
    python = f"/usr/bin/python{minor()}"

    done = _install(bundle, str(tmp_path / "gpuwatch"), python)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "gpuwatch 0.1.0" in done.stdout
    checked = subprocess.run(
        [str(tmp_path / "gpuwatch" / "bin" / "gpuwatch"), "check-config"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert checked.returncode == 0, checked.stderr


def test_a_folder_that_exists_is_not_touched(bundle: Path, tmp_path: Path) -> None:
    """An installation beside another is one in another folder."""
    done = _install(bundle, str(tmp_path))

    assert done.returncode == 1
    assert f"{tmp_path} exists: name another folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_is_not_served_is_refused(bundle: Path, tmp_path: Path) -> None:
    """By its version, before anything is made."""
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 3.10\n")
    other.chmod(0o755)

    done = _install(bundle, str(tmp_path / "gpuwatch"), str(other))

    assert done.returncode == 1
    assert "this bundle has nothing for Python 3.10" in done.stderr
    assert not (tmp_path / "gpuwatch").exists()


def test_a_file_that_was_changed_is_refused(bundle: Path, tmp_path: Path) -> None:
    """One bit on the way is enough."""
    wheel = next((bundle / "wheels").glob("gpuwatch-*"))
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    done = _install(bundle, str(tmp_path / "gpuwatch"), f"/usr/bin/python{minor()}")

    wheel.write_bytes(whole)
    assert done.returncode == 1
    assert "a file is not the one that was delivered" in done.stderr
    assert not (tmp_path / "gpuwatch").exists()
