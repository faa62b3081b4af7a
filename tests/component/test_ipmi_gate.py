"""What a BMC was sent in a child's whole life, by the BMC's own record: it was only ever read."""

from dataclasses import replace

import pytest

from gpuwatch.sources.bmc.gate import ForbiddenCommandError
from gpuwatch.sources.bmc.lan import LanLink
from simulator.bmc.server import ADMIN, MONITOR, Model, Quirk
from tests.support.bmc import MakeBmc
from tests.support.ipmi_process import IpmiChild, lan_settings
from tests.support.patience import eventually

# Written down here once more, by hand: what IPMI 2.0 and DCMI call "Get", "Read" and "Reserve", and
# what sets up and ends a session. The test must not believe the table that it tests.
READING = {
    (0x00, 0x01): "Get Chassis Status",
    (0x00, 0x07): "Get System Restart Cause",
    (0x04, 0x23): "Get Sensor Reading Factors",
    (0x04, 0x2D): "Get Sensor Reading",
    (0x06, 0x01): "Get Device ID",
    (0x06, 0x25): "Get Watchdog Timer",
    (0x06, 0x37): "Get System GUID",
    (0x06, 0x38): "Get Channel Authentication Capabilities",
    (0x06, 0x3B): "Set Session Privilege Level",
    (0x06, 0x3C): "Close Session",
    (0x06, 0x59): "Get System Info Parameters",
    (0x0A, 0x10): "Get FRU Inventory Area Info",
    (0x0A, 0x11): "Read FRU Data",
    (0x0A, 0x20): "Get SDR Repository Info",
    (0x0A, 0x22): "Reserve SDR Repository",
    (0x0A, 0x23): "Get SDR",
    (0x0A, 0x40): "Get SEL Info",
    (0x0A, 0x42): "Reserve SEL",
    (0x0A, 0x43): "Get SEL Entry",
    (0x0A, 0x48): "Get SEL Time",
    (0x2C, 0x02): "Get Power Reading",
}
# Makers whose own commands pyghmi would send as soon as it knows them.
LENOVO, IBM = 19046, 20301


def test_in_a_whole_life_nothing_but_reading_is_sent(make_bmc: MakeBmc) -> None:
    """Sweeps, news, a cleared log, odd answers, refusals, a failed log-in, a restart, the end."""
    bmc = make_bmc(
        Model(large=True, delay_milliseconds=0, quirks=frozenset(Quirk), manufacturer=LENOVO)
    )
    bmc.forget_commands()
    with IpmiChild(lan_settings(bmc, replace(MONITOR, password="not-this-one"))) as child:
        child.failure()
    with IpmiChild(lan_settings(bmc, ADMIN, privilege="administrator")) as child:
        child.sweep()
    with IpmiChild(lan_settings(bmc)) as child:
        child.log()
        bmc.sel_fill(210)
        child.log()
        bmc.sel_clear()
        bmc.sel_add("PCIe Fatal", 8)
        child.log()
        bmc.sensor_code("GPU2 Temp", 0xD4)
        bmc.refuse(0x0A, 0x40, 0xD4)
        bmc.updating()
        child.sweep_until(lambda told: told.updating and "sel" in told.gaps)
        child.end()

    sent = {(command.netfn, command.command) for command in bmc.commands()}

    assert sent - READING.keys() == set()
    assert {(0x06, 0x3C), (0x0A, 0x43), (0x04, 0x2D), (0x2C, 0x02)} <= sent


def test_no_maker_is_sent_commands_of_its_own(make_bmc: MakeBmc) -> None:
    """A library that knows a maker asks for more than it was told to."""
    bmc = make_bmc(Model(delay_milliseconds=0, manufacturer=IBM, product=0x0101))
    bmc.forget_commands()
    with IpmiChild(lan_settings(bmc)) as child:
        child.sweep()

    sent = {(command.netfn, command.command) for command in bmc.commands()}

    assert sent <= READING.keys()


def test_an_idle_session_is_kept_by_asking_who_the_bmc_is(
    make_bmc: MakeBmc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two sweeps nothing else is sent, and the session is still the same."""
    monkeypatch.setattr("pyghmi.ipmi.private.session.MAX_IDLE", 0.2)
    monkeypatch.setattr("pyghmi.ipmi.private.session.random.random", lambda: 0.0)
    bmc = make_bmc(Model(delay_milliseconds=0))
    link = LanLink.open(lan_settings(bmc))
    bmc.forget_commands()

    link.rest(1.0)

    sent = {(command.netfn, command.command) for command in bmc.commands()}
    kept = bmc.sessions()
    link.close()
    assert sent == {(0x06, 0x01)}
    assert len(kept) == 1
    assert eventually(lambda: not bmc.sessions())


@pytest.mark.parametrize(
    ("netfn", "command", "data"),
    [(0x0A, 0x47, b"\0\0CLR\xaa"), (0x00, 0x02, b"\0"), (0x2C, 0x02, b"\0\x01\0\0")],
    ids=["clear SEL", "power off", "another group"],
)
def test_what_only_others_may_send_never_leaves(
    make_bmc: MakeBmc, netfn: int, command: int, data: bytes
) -> None:
    """Whoever asks the library for it, in a session of an administrator."""
    bmc = make_bmc(Model(delay_milliseconds=0))
    link = LanLink.open(lan_settings(bmc, ADMIN, privilege="administrator"))
    bmc.forget_commands()

    with pytest.raises(ForbiddenCommandError):
        link._session.raw_command(netfn, command, data=data)

    assert bmc.commands() == []
    link.close()
    assert eventually(lambda: not bmc.sessions())
