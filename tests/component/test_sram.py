"""The one privileged call, made by the program of its own on a simulated driver."""

import os
import subprocess
import sys
import time
from pathlib import Path

from gpuwatch.clock import SystemClock
from gpuwatch.sources.sram_counts import read
from simulator.world import Server
from tests.support.agents import clean_environment
from tests.support.commands import run
from tests.support.server import MakeServer

UNIQUE = 'gpuwatch_gpu_sram_unique_uncorrected_addresses{protection="parity"}'
EXCEEDED = "gpuwatch_gpu_sram_threshold_exceeded"
PROGRAM = (sys.executable, "-P", "-m", "gpuwatch.sources.nvml.sram")


def _ask(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words],
        env=clean_environment() | server.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60.0,
    )


def test_every_gpu_is_asked_and_told_by_its_uuid(make_server: MakeServer, tmp_path: Path) -> None:
    """The bank that has most addresses, not their sum."""
    server, path = make_server(gpus=2), tmp_path / "counts.json"
    server.privileged("everyone")
    for number, bank in enumerate((0, 0, 1)):
        server.set(1, f"sram.unique.{number}", f"0 {bank} 0 0 {4096 + number} 1 1")

    server.set(1, "sram.threshold_exceeded", 1)

    asked = _ask(server, str(path))

    told = read(path, SystemClock().now(), {os.geteuid()})
    uuids = [str(server.get(slot, "uuid")) for slot in (0, 1)]
    assert (asked.returncode, asked.stderr) == (0, "")
    assert set(told.gpus) == set(uuids)
    assert [told.gpus[uuid][UNIQUE] for uuid in uuids] == [0, 2]
    assert [told.gpus[uuid][EXCEEDED] for uuid in uuids] == [0, 1]
    assert 0 <= time.clock_gettime(time.CLOCK_BOOTTIME) - told.boottime < 60
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_the_driver_denies_to_us_too_is_told(make_server: MakeServer, tmp_path: Path) -> None:
    """No count stands in the file, and the unit has failed."""
    server, path = make_server(gpus=1), tmp_path / "counts.json"
    server.privileged("nobody")

    asked = _ask(server, str(path))

    told = read(path, SystemClock().now(), {os.geteuid()})
    assert asked.returncode == 1
    assert "(does the unit have CAP_SYS_ADMIN?)" in asked.stderr
    assert list(told.gpus.values()) == [{}]


def test_a_driver_that_does_not_answer_leaves_the_file_as_it_was(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """With one line that says why, and status 1: the unit has failed."""
    server, path = make_server(gpus=1), tmp_path / "counts.json"
    server.unload()

    asked = _ask(server, str(path))

    assert asked.returncode == 1
    assert asked.stderr.startswith("gpuwatch: SRAM counts: NVML failed with code ")
    assert not path.exists()


def test_a_folder_that_is_not_there_is_named(make_server: MakeServer, tmp_path: Path) -> None:
    """And what makes it."""
    asked = _ask(make_server(gpus=1), str(tmp_path / "nowhere" / "counts.json"))

    assert asked.returncode == 1
    assert "nowhere/counts.json cannot be written: " in asked.stderr


def test_without_an_agent_the_driver_is_not_asked(tmp_path: Path) -> None:
    """Nobody would read it, and nobody can say whether the driver is let go of."""
    asked = run("sram-counts", "--socket", str(tmp_path / "control.sock"))

    assert (asked.status, asked.err) == (0, "")
    assert asked.out.startswith("not asked: no agent listens at ")


def test_a_refused_configuration_is_told(tmp_path: Path) -> None:
    """With the status of every command."""
    (tmp_path / "gpuwatch.toml").write_text("nvml = 5\n")

    asked = run("sram-counts", "--config", str(tmp_path / "gpuwatch.toml"))

    assert asked.status == 78
    assert "nvml" in asked.err
