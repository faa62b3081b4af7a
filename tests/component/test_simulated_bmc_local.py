"""The simulated device node: in band, tools that know nothing of us meet the same BMC."""

import os
import subprocess
from pathlib import Path

import pytest

from simulator.bmc.server import IpmiBmc, Model
from tests.support.bmc import MakeBmc, ipmitool
from tests.support.require import require

WITHIN_SECONDS = "0.2"


def _in_band(bmc: IpmiBmc, *words: str) -> str:
    """What ipmitool says through the kernel's interface, as it believes."""
    asked = subprocess.run(
        [require("ipmitool", "ipmitool"), "-I", "open", *words],
        env={
            **os.environ,
            **bmc.local_environment(),
            "SIMULATED_IPMI_SECONDS": WITHIN_SECONDS,
        },
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return asked.stdout + asked.stderr


def test_both_ways_lead_to_the_same_sensors(make_bmc: MakeBmc) -> None:
    """In band as over the network: every sensor, every value, every state."""
    bmc = make_bmc(Model(large=True))
    bmc.psu_lost(4)

    in_band = _in_band(bmc, "sdr", "elist")

    assert in_band == ipmitool(bmc, "sdr", "elist")
    assert "Power Supply AC lost" in in_band


def test_freeipmi_finds_the_device_too(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """A second tool, with another way of waiting for answers."""
    bmc = make_bmc()

    asked = subprocess.run(
        [
            *(require("ipmi-sensors", "freeipmi-tools"), "-D", "OPENIPMI", "--quiet-cache"),
            *(f"--sdr-cache-directory={tmp_path}", "--comma-separated-output", "-t", "fan"),
        ],
        env={**os.environ, **bmc.local_environment()},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert asked.stdout.count("9600.00,RPM") == 8


def test_no_session_is_opened_in_band(make_bmc: MakeBmc) -> None:
    """The local interface asks for no password and takes none of the few sessions."""
    bmc = make_bmc()
    bmc.forget_commands()

    _in_band(bmc, "raw", "0x06", "0x01")

    commands = {(command.netfn, command.command) for command in bmc.commands()}
    assert (0x06, 0x01) in commands
    assert commands.isdisjoint({(0x06, 0x3A), (0x06, 0x3B), (0x06, 0x3C)})


def test_a_silent_one_times_out_and_a_thawed_one_answers_again(make_bmc: MakeBmc) -> None:
    """As the kernel's driver: an answer with code 0xff when the BMC gives none."""
    bmc = make_bmc()
    bmc.freeze()
    frozen = _in_band(bmc, "raw", "0x06", "0x01")
    bmc.thaw()
    thawed = _in_band(bmc, "raw", "0x06", "0x01")
    bmc.stop()

    dead = _in_band(bmc, "raw", "0x06", "0x01")

    assert "0xff Unspecified error" in frozen
    assert thawed.split()[:4] == ["20", "01", "02", "14"]
    assert "0xff Unspecified error" in dead


@pytest.mark.parametrize(("path", "status"), [("/nowhere/ipmi0", 0), ("/dev/ipmi0", 1)])
def test_the_node_stands_where_it_is_told_and_nowhere_else(
    make_bmc: MakeBmc, path: str, status: int
) -> None:
    """A test may put it at any path; to `test -c` it is a character device."""
    bmc = make_bmc()

    looked = subprocess.run(
        [require("test", "coreutils"), "-c", path],
        env={**os.environ, **bmc.local_environment(Path("/nowhere/ipmi0"))},
        check=False,
        timeout=60,
    )

    assert looked.returncode == status
