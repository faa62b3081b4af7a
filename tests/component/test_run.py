"""What `make run` puts together before the agent starts."""

from pathlib import Path

import pytest

from gpuwatch.config.loading import load
from simulator import run
from simulator.bmc.commands import place
from simulator.bmc.server import IpmiBmc
from simulator.story import Story
from tests.support.bmc import MakeBmc
from tests.support.server import MakeServer


def test_the_agent_takes_the_settings_for_the_bmc(
    make_bmc: MakeBmc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The BMC stands in the configuration, its password in a file of its own that nobody reads."""
    monkeypatch.setattr(run, "PLACE", tmp_path)
    bmc = make_bmc()
    config = tmp_path / "gpuwatch.toml"

    config.write_text(run.WINDOW + run.bmc_settings(bmc))

    settings = load(file=config, environment={}).settings
    assert settings.bmc["host"].endpoint == f"127.0.0.1:{bmc.port}"
    assert (tmp_path / "bmc-password").stat().st_mode & 0o777 == 0o600


def test_a_bmc_that_a_killed_run_left_is_ended(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """The next run begins with nobody on its ports."""
    make_bmc()  # or skip where there can be none
    left = run.start_bmc(tmp_path)
    assert left is not None
    before = IpmiBmc.open(place(tmp_path)).pid

    run.stop_bmc(tmp_path)

    after = left.pid
    left.stop()
    assert (before is None, after) == (False, None)


def test_without_the_simulator_there_is_no_bmc_and_a_word_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The GPUs are shown on every machine."""
    monkeypatch.setenv("PATH", "")

    started = run.start_bmc(tmp_path)

    assert started is None
    assert "missing: ipmi_sim (apt-get install openipmi)" in capsys.readouterr().out


def test_the_scenes_are_told_in_the_order_of_their_days(
    make_server: MakeServer, make_bmc: MakeBmc, tmp_path: Path
) -> None:
    """Those of the BMC stand among those of the GPUs, and only where there is one."""
    server, bmc = make_server(gpus=8), make_bmc()

    with_bmc = Story(server, bmc, tmp_path / "socket", 1.0, print).scenes()
    without = Story(server, None, tmp_path / "socket", 1.0, print).scenes()

    assert [scene.day for scene in with_bmc] == sorted(scene.day for scene in with_bmc)
    assert [scene for scene in with_bmc if scene.look_for.startswith("BMC")] == [
        scene for scene in with_bmc if scene.day not in {other.day for other in without}
    ]
