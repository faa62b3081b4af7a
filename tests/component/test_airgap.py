"""The bundle for air gaps: it installs without a network, and refuses what was changed."""

import stat
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


def _install(
    bundle: Path, *words: str, configured: Path = Path("/nowhere")
) -> subprocess.CompletedProcess[str]:
    """Run the script where no host can be reached, with an index configured all the same.

    `configured` is where pip looks for its configuration of the whole host; files are root's alone
    unless somebody says otherwise.
    """
    others = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "XDG_CONFIG_DIRS": str(configured)}
    return subprocess.run(
        ["unshare", "--net", "--map-root-user", str(bundle / "install.sh"), *words],  # noqa: S607 - any
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment() | others,
        timeout=200,
        umask=0o077,
    )


def _closed(folder: Path) -> list[Path]:
    """What in it another user cannot read, links aside."""
    found = [path for path in folder.rglob("*") if not path.is_symlink()]
    return [path for path in (folder, *found) if not path.stat().st_mode & stat.S_IROTH]


def test_it_installs_without_a_network(bundle: Path, tmp_path: Path) -> None:
    """A folder of its own, with everything that the agent needs to check its settings.

    Whatever this host's pip is configured for, and readable for the service's user.
    """
    python = f"/usr/bin/python{minor()}"
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text(
        f"[global]\nfind-links = http://127.0.0.1:1/\n[install]\ntarget = {tmp_path}/elsewhere\n"
    )

    done = _install(bundle, str(tmp_path / "gpuwatch"), python, configured=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "gpuwatch 0.1.0" in done.stdout
    assert done.stderr == ""
    assert _closed(tmp_path / "gpuwatch") == []
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


def test_what_failed_can_be_tried_again(bundle: Path, tmp_path: Path) -> None:
    """Debian's Python without its venv module makes half a folder before it says so."""
    other = tmp_path / "python"
    other.write_text(
        f'#!/bin/sh\n[ "$3" != venv ] || {{ mkdir -p "$4/bin"; exit 1; }}\necho {minor()}\n'
    )
    other.chmod(0o755)

    done = _install(bundle, str(tmp_path / "gpuwatch"), str(other))

    assert done.returncode == 1
    assert "install its venv module" in done.stderr
    assert not (tmp_path / "gpuwatch").exists()


def test_the_examples_of_hooks_can_be_run(bundle: Path) -> None:
    """They are programs, to be copied to where the settings name them."""
    hooks = sorted((bundle / "hooks").iterdir())

    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in hooks} == {
        "kubernetes-taint": 0o755,
        "slurm-drain": 0o755,
        "ticket-body": 0o755,
    }


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
