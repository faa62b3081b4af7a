"""The units of systemd/: taken without a word, and as closed as they say."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.require import require

UNITS = Path(__file__).parent.parent.parent / "systemd"
SERVICES = ("gpuwatch.service", "gpuwatch-sram.service")
MOST_EXPOSED = 2.0  # of 10


def _analyze(*words: str) -> subprocess.CompletedProcess[str]:
    command = require("systemd-analyze", "systemd")
    return subprocess.run([command, *words], capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a command that every machine has: the package's is not installed here."""
    for unit in UNITS.glob("gpuwatch*.*"):
        text = unit.read_text().replace("/usr/bin/gpuwatch", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    drop_ins = tmp_path / "gpuwatch.service.d"
    drop_ins.mkdir()
    for drop_in in UNITS.glob("[0-9]*.conf"):
        (drop_ins / drop_in.name).write_text(drop_in.read_text())
    return tmp_path


@pytest.mark.parametrize("unit", [*SERVICES, "gpuwatch-sram.timer"])
def test_systemd_takes_a_unit_without_a_word(units: Path, unit: str) -> None:
    """It exits 0 for settings that it does not know, too: only its silence tells."""
    verified = _analyze("verify", "--man=no", str(units / unit))

    assert (verified.stderr, verified.returncode) == ("", 0)


def test_systemd_takes_the_drop_ins_too(units: Path) -> None:
    """They are read with the unit: one that is wrong is spoken about."""
    (units / "gpuwatch.service.d" / "10-local-ipmi.conf").write_text("[Service]\nGroups=x\n")

    verified = _analyze("verify", "--man=no", str(units / "gpuwatch.service"))

    assert "Groups" in verified.stderr


def test_systemd_speaks_about_a_setting_that_it_does_not_know(units: Path) -> None:
    """So that silence means something."""
    broken = units / "gpuwatch.service"
    broken.write_text(broken.read_text().replace("UMask=", "Umask="))

    verified = _analyze("verify", "--man=no", str(broken))

    assert "Umask" in verified.stderr


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_is_hardly_exposed(unit: str) -> None:
    """By systemd's own measure, from 0 to 10."""
    limit = f"--threshold={MOST_EXPOSED * 10:.0f}"

    judged = _analyze("security", "--no-pager", "--offline=true", limit, str(UNITS / unit))

    assert judged.returncode == 0, judged.stdout


def test_what_the_agent_is_open_to_is_a_short_list() -> None:
    """Each has its reason beside it in the unit; one more is a decision, and no accident."""
    told = _open_to("gpuwatch.service")

    assert told == {
        "AmbientCapabilities",  # /dev/kmsg
        "CapabilityBoundingSet_CAP_SYSLOG",
        "DeviceAllow",  # the GPUs
        "IPAddressDeny",  # the networks of Prometheus and the BMCs are the site's
        "PrivateDevices",
        "PrivateNetwork",
        "PrivateUsers",
        "ProcSubset",  # /proc/driver/nvidia
        "ProtectKernelLogs",
        "ProtectProc",  # who logged in before sudo
        "RestrictAddressFamilies_AF_INET_INET6",
        "RestrictAddressFamilies_AF_UNIX",
        "RootDirectoryOrRootImage",
        "UMask",  # the group reads the history
    }


def _open_to(unit: str) -> set[str]:
    judged = _analyze("security", "--offline=true", "--json=short", str(UNITS / unit))
    return {one["json_field"] for one in json.loads(judged.stdout) if float(one["exposure"] or 0)}
