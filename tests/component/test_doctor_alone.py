"""What the doctor asks while no agent runs, of hardware that hangs: it is told, and left behind."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gpuwatch.cli.doctor.alone import ask_bmcs, ask_gpus
from gpuwatch.cli.doctor.answers import State
from gpuwatch.cli.doctor.driver import asked_alone
from gpuwatch.config.loading import load
from gpuwatch.config.models import Settings
from simulator.world import Server
from tests.support.agents import ROOT
from tests.support.doctors import scene
from tests.support.require import miss
from tests.support.server import MakeServer

_BECOMING = """
import os
from gpuwatch.cli.doctor import scene
scene.AGENTS_USER = "nobody"
scene.become_the_agents_user()
print(os.getresuid() == (65534,) * 3, 0 in os.getgroups())
"""


_ASKING = """
import os, sys
from pathlib import Path
from gpuwatch.cli.doctor.driver import look_at_gpus
from tests.support.doctors import scene
root = Path(sys.argv[1])
options = f"agent.state_directory={root}/state", f"agent.runtime_directory={root}"
place = scene(root, None, *options, uid=65534)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
print(*{f"{one.state}: {one.found}; {one.remedy}" for one in look_at_gpus(place)}, sep="\\n")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may enter, as /run/gpuwatch is."""
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _settings(server: Server, patch: pytest.MonkeyPatch) -> Settings:
    """Settings by which the simulated driver is asked, as by an agent of this environment."""
    for name, value in server.environment().items():
        patch.setenv(name, value)
    options = (
        f"nvml.sysfs={server.sysfs}",
        f"nvml.proc={server.proc}",
        "nvml.end_grace=200ms",
        "nvml.kill_after=500ms",
    )
    return load(options=options, environment={}).settings


def test_a_driver_that_hangs_is_told(
    make_server: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it sits; what follows from it is not known."""
    server = make_server(gpus=1)
    settings = _settings(server, monkeypatch)
    server.hang(None, "nvmlInitWithFlags")

    answers = tuple(asked_alone(scene(tmp_path), ask_gpus(settings, 16.0)))

    assert [one.state for one in answers] == [State.PROBLEM, *[State.UNKNOWN] * 3]
    assert "driver-hung" in answers[0].remedy


def test_a_gpu_that_hangs_is_named(
    make_server: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others answer all the same."""
    server = make_server(gpus=3)
    settings = _settings(server, monkeypatch)
    server.hang(2, "nvmlDeviceGetTemperature")

    told = {one.name: one for one in asked_alone(scene(tmp_path), ask_gpus(settings, 12.0))}

    assert told["driver"].state is State.OK
    assert told["gpus"].state is State.PROBLEM
    assert str(server.get(2, "pci")) in told["gpus"].found
    assert "of 2 GPUs told" in told["signals"].found


def test_a_gpu_that_may_not_be_opened_is_named(
    make_server: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the real child: what is wrong is our right, and the GPU may be well."""
    server = make_server(gpus=2)
    settings = _settings(server, monkeypatch)
    server.fail(1, "nvmlDeviceGetHandleByIndex_v2", 4)

    told = {one.name: one for one in asked_alone(scene(tmp_path), ask_gpus(settings, 12.0))}

    assert told["gpus"].found == (
        f"the driver does not let us open {server.get(1, 'pci')} (no permission)"
    )
    assert "/dev/nvidiaN" in told["gpus"].remedy


def test_a_bmc_that_is_frozen_holds_nobody_up(tmp_path: Path) -> None:
    """It takes connections, and says nothing."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        options = (
            "bmc.cold.protocol=redfish",
            f"bmc.cold.address=127.0.0.1:{frozen.getsockname()[1]}",
            "bmc.cold.user=watch",
            f"bmc.cold.password_file={secret}",
        )
        settings = load(options=options, environment={}).settings

        told = ask_bmcs(settings, frozenset({"cold"}), 2.0)

    assert told == {}


@pytest.mark.parametrize("closed", ["maintenance.d", "maintenance.d/chg-1.json", "state"])
def test_who_may_not_know_of_a_release_does_not_take_the_driver_up(
    folder: Path, closed: str
) -> None:
    """Under an upgrade, an ordinary user who asks what is wrong would have the module held."""
    if os.geteuid():
        miss("the right to become another user (run as root)")
    (folder / "maintenance.d").mkdir()
    (folder / "maintenance.d/chg-1.json").write_text("{}")
    (folder / "state").mkdir()
    (folder / "state/release.json").write_text("{}")
    (folder / closed).chmod(0)

    done = subprocess.run(
        [sys.executable, "-c", _ASKING, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    told = done.stdout.splitlines()[-1]  # after the warning of a file that cannot be read

    assert told.startswith("unknown: not asked: ")
    assert f"{folder}/{closed}" in told
    assert told.endswith("; sudo gpuwatch doctor")


def test_gpus_are_asked_by_the_rights_of_the_agents_user() -> None:
    """For good, and without root's groups."""
    if os.geteuid():
        miss("the right to become another user (run as root)")
    done = subprocess.run(
        [sys.executable, "-c", _BECOMING], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.split() == ["True", "False"]
