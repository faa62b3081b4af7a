"""The IPMI child in band: the same BMC through the kernel's device, without any session."""

from pathlib import Path

import pytest

from gpuwatch.sources.bmc import local
from gpuwatch.sources.bmc.gate import ForbiddenCommandError
from simulator.bmc.server import IpmiBmc, Model
from tests.support.bmc import MakeBmc
from tests.support.ipmi_process import IpmiChild, lan_settings, local_settings

DEVICE = Path("/dev/ipmi0")
QUICK = Model(delay_milliseconds=0)


def _in_band(bmc: IpmiBmc, **changes: object) -> IpmiChild:
    environment = {**bmc.local_environment(DEVICE), "SIMULATED_IPMI_SECONDS": "0.3"}
    return IpmiChild(local_settings(DEVICE, **changes), environment)


def test_both_ways_tell_the_same(make_bmc: MakeBmc) -> None:
    """Every sensor, supply and entry; but no cipher suite, and no session."""
    bmc = make_bmc(Model(large=True, delay_milliseconds=0))
    bmc.psu_lost(4)
    with IpmiChild(lan_settings(bmc)) as child:
        log, over_lan = child.log(), child.sweep()

    with _in_band(bmc) as child:
        local_log, in_band = child.log(), child.sweep()
        sessions = bmc.sessions()

    assert in_band.sensors == over_lan.sensors
    assert (in_band.supplies, in_band.redundancies) == (over_lan.supplies, over_lan.redundancies)
    assert local_log.entries == log.entries
    assert (in_band.identity.cipher_suite, in_band.identity.serial) == (None, "SN-SYS-0001")
    assert sessions == []


def test_in_band_nothing_is_denied(make_bmc: MakeBmc) -> None:
    """The host is the BMC's own; what an account may not read over LAN is read."""
    with _in_band(make_bmc(QUICK)) as child:
        sweep = child.sweep()

    assert "dcmi" not in sweep.gaps
    assert sweep.watts == 4800.0


def test_a_bmc_that_is_silent_in_band_is_said_and_found_again(make_bmc: MakeBmc) -> None:
    """The kernel answers in its place, with a code that says so."""
    bmc = make_bmc(QUICK)
    with _in_band(bmc) as child:
        child.sweep()
        bmc.freeze()
        failure = child.failure()
        bmc.thaw()

        sweep = child.receive("sweep")

    assert failure["reason"] == "timed_out"
    assert "code 0xff only" in failure["text"]
    assert len(sweep["sensors"]) == 60


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("nowhere/ipmi0", "does not exist (is the module ipmi_devintf loaded"),
        ("file", "is no IPMI device (see `device`)"),
    ],
)
def test_a_device_that_is_none_is_said_with_the_way_out(
    tmp_path: Path, place: str, text: str
) -> None:
    """A host without a BMC, or without the module; another file."""
    (tmp_path / "file").write_text("")
    with IpmiChild(local_settings(tmp_path / place)) as child:
        failure = child.failure()

    assert failure["reason"] == "device"
    assert text in failure["text"]


def test_what_only_others_may_send_is_refused_in_band_too(
    make_bmc: MakeBmc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate stands before the device as it stands before the network."""
    bmc = make_bmc(QUICK)
    bmc.forget_commands()
    monkeypatch.setattr(local.Session, "__init__", lambda _self, _path: None)
    session = local.Session("/dev/ipmi0")

    with pytest.raises(ForbiddenCommandError):
        session.raw_command(0x0A, 0x47, b"\0\0CLR\xaa")

    assert bmc.commands() == []
