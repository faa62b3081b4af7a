"""The IPMI child and everything that can go wrong between it and a BMC."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc import lan, rmcp
from gpuwatch.sources.bmc.talk import IpmiTalk
from gpuwatch.sources.bmc_loop import Trouble
from simulator.bmc.relay import Faults, Relay
from simulator.bmc.server import ADMIN, MONITOR, Account, IpmiBmc, Model
from tests.support.bmc import MakeBmc, ipmitool_shell
from tests.support.ipmi_process import IpmiChild, lan_settings
from tests.support.patience import eventually

QUICK = Model(delay_milliseconds=0)
SET_PRIVILEGE = 0x3B
KEY = "0123456789abcdef"


def _sweep(talk: IpmiTalk) -> dict[str, Any]:
    *_, sweep = talk.sweep()
    return sweep


def _values(sweep: dict[str, Any]) -> dict[str, float]:
    return {each["name"]: each["value"] for each in sweep["sensors"] if "value" in each}


@contextmanager
def _talking(bmc: IpmiBmc, relay: Relay) -> Iterator[IpmiTalk]:
    """A Talk in this process, by way of the relay; logged out at the end."""
    talk = IpmiTalk(lan_settings(bmc, port=relay.port))
    try:
        yield talk
    finally:
        relay.faults = Faults()
        talk.close()


@pytest.fixture(name="hurried")
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions every few hundredths of a second, and deadlines of two: as on a short day."""
    monkeypatch.setattr("pyghmi.ipmi.private.session.initialtimeout", 0.04)
    monkeypatch.setattr("pyghmi.ipmi.private.session.random.random", lambda: 0.0)
    monkeypatch.setattr(rmcp, "_LESS_PATIENT", 0.98)
    monkeypatch.setattr(lan, "COMMAND_SECONDS", 2.0)
    monkeypatch.setattr(lan, "LOG_IN_SECONDS", 2.0)


@pytest.mark.parametrize(
    ("account", "key", "reason", "text"),
    [
        (replace(MONITOR, password="not-this-one"), "", "password", "the password is wrong"),
        (replace(MONITOR, name="nobody"), "", "password", "the user is unknown or disabled"),
        (MONITOR, "wrong key", "password", "the BMC key (Kg) is wrong"),
    ],
)
def test_what_the_bmc_refuses_is_said_with_the_way_out(
    make_bmc: MakeBmc, account: Account, key: str, reason: str, text: str
) -> None:
    """And without the secret."""
    bmc = make_bmc(QUICK)
    with IpmiChild(lan_settings(bmc, account, kg=key)) as child:
        failure = child.failure()

    assert failure["reason"] == reason
    assert text in failure["text"]
    assert account.password not in failure["text"]


def test_a_bmc_with_a_key_of_its_own_is_asked_with_it(make_bmc: MakeBmc) -> None:
    """And not without."""
    bmc = make_bmc(replace(QUICK, key=KEY))
    with IpmiChild(lan_settings(bmc)) as without:
        failure = without.failure()

    with IpmiChild(lan_settings(bmc, kg=KEY)) as child:
        sweep = child.sweep()

    assert (failure["reason"], len(sweep.sensors)) == ("password", 60)


def test_a_bmc_without_a_free_session_is_waited_for(make_bmc: MakeBmc) -> None:
    """It says which ran out, and goes on when one is free."""
    bmc = make_bmc(QUICK)
    bmc.free_sessions(0)
    with IpmiChild(lan_settings(bmc)) as child:
        failure = child.failure()
        bmc.free_sessions(3)

        sweep = child.receive("sweep")

    assert failure["reason"] == BmcTrouble.NO_SESSION
    assert "all its sessions are taken (close sessions that nobody uses" in failure["text"]
    assert sweep["gaps"].keys() <= {"bios", "dcmi"}


def test_a_privilege_that_the_account_has_not_is_said_and_leaves_no_session(
    make_bmc: MakeBmc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The BMC opens the session before it refuses what we want in it."""
    bmc = make_bmc(QUICK)
    asked = rmcp.Session.raw_command

    def refusing(
        session: rmcp.Session, netfn: int, command: int, data: Sequence[int], *, retry: bool = True
    ) -> dict[str, Any]:
        answer = asked(session, netfn, command, data=data, retry=retry) or {}
        return {**answer, "code": 0x80 * (command == SET_PRIVILEGE)}

    monkeypatch.setattr(rmcp.Session, "raw_command", refusing)

    with pytest.raises(Trouble, match="the account may not have this privilege") as refused:
        _sweep(IpmiTalk(lan_settings(bmc, privilege="operator")))

    assert refused.value.reason is BmcTrouble.PRIVILEGE
    assert eventually(lambda: not bmc.sessions())


def test_a_dead_bmc_is_said_and_found_again(make_bmc: MakeBmc) -> None:
    """Without anybody's help, within one pause."""
    bmc = make_bmc(QUICK)
    bmc.stop()
    with IpmiChild(lan_settings(bmc)) as child:
        failure = child.failure()
        bmc.start()

        sweep = child.receive("sweep")

    assert failure["reason"] == BmcTrouble.UNREACHABLE
    assert failure["text"].startswith("it does not answer (is the address right")
    assert len(sweep["sensors"]) == 60


def test_a_bmc_that_restarts_under_an_open_session_heals_without_a_failure(
    make_bmc: MakeBmc,
) -> None:
    """It was updated, too: the records that changed are read again."""
    bmc = make_bmc(QUICK)
    with IpmiChild(lan_settings(bmc)) as child:
        before = child.sweep()
        bmc.stop()
        with IpmiBmc(
            bmc.directory, replace(QUICK, extra_sensors=2, firmware="2.15"), bmc.ports
        ) as updated:
            after = child.sweep_until(lambda told: told.identity.firmware == "2.15")
            sessions = updated.sessions()

    assert len(after.sensors) == len(before.sensors) + 2
    assert len(sessions) == 1


@pytest.mark.usefixtures("hurried")
def test_a_bmc_that_stands_still_for_a_moment_is_waited_for(make_bmc: MakeBmc) -> None:
    """It answers late, and nothing is said of it."""
    bmc = make_bmc(QUICK)
    with Relay(bmc.port) as relay, _talking(bmc, relay) as talk:
        before = _sweep(talk)
        messages = talk.sweep()
        bmc.freeze()
        timer = threading.Timer(0.5, bmc.thaw)
        timer.start()

        *_, after = messages

        timer.join()
        assert _values(after) == _values(before)
        assert len(bmc.sessions()) == 1


@pytest.mark.usefixtures("hurried")
def test_a_bmc_that_stands_still_for_long_is_given_up_and_found_again(make_bmc: MakeBmc) -> None:
    """Frozen in the middle of a sweep; thawed, it closes the session that we gave up."""
    bmc = make_bmc(QUICK)
    with Relay(bmc.port) as relay, _talking(bmc, relay) as talk:
        before = _sweep(talk)
        bmc.freeze()
        with pytest.raises(Trouble, match="it answered, and then no more") as given_up:
            _sweep(talk)
        bmc.thaw()

        after = _sweep(talk)

        assert given_up.value.reason is BmcTrouble.TIMED_OUT
        assert _values(after) == _values(before)
        assert eventually(lambda: len(bmc.sessions()) == 1)


@pytest.mark.usefixtures("hurried")
def test_a_black_hole_is_noticed_and_left_again(make_bmc: MakeBmc) -> None:
    """At the log-in it is unreachable, in a session it is silent."""
    bmc = make_bmc(QUICK)
    with Relay(bmc.port) as relay, _talking(bmc, relay) as talk:
        reasons = []
        for _ in range(2):
            relay.faults = Faults(black_hole=True)
            with pytest.raises(Trouble) as trouble:
                _sweep(talk)
            reasons.append(trouble.value.reason)
            relay.faults = Faults()
            _sweep(talk)

    assert reasons == [BmcTrouble.UNREACHABLE, BmcTrouble.TIMED_OUT]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "faults",
    [
        Faults(loss=0.2),
        Faults(duplicates=0.5),
        Faults(late=0.3, late_seconds=0.15),
        Faults(garbage=0.5),
        Faults(reorder=0.2, jitter=0.01),
        Faults(loss=0.05, duplicates=0.2, late=0.1, late_seconds=0.2, garbage=0.2, reorder=0.1),
    ],
    ids=["loss", "duplicates", "late", "garbage", "reordered", "everything"],
)
def test_a_bad_network_changes_no_value(make_bmc: MakeBmc, faults: Faults) -> None:
    """What is lost is asked again, and what comes twice or late is nobody's answer."""
    bmc = make_bmc(QUICK)
    with Relay(bmc.port) as relay, _talking(bmc, relay) as talk:
        expected = _values(_sweep(talk))
        relay.faults = faults

        swept = [_values(_sweep(talk)) for _ in range(3)]

        relay.faults = Faults()
        assert swept == [expected] * 3
        assert sum(relay.counts.values()) > relay.counts["passed"]


@pytest.mark.usefixtures("hurried")
def test_forged_datagrams_break_no_session(make_bmc: MakeBmc) -> None:
    """Too short, of another version, with a sequence number far ahead, with another's session."""
    forged = (
        b"\x06",
        b"\x06\x00\xff\x07",
        b"\x06\x00\xff\x07\x06",
        b"\x06\x00\xff\x07\x06\xc0",
        b"\x06\x00\xff\x07\x00" + b"\xff" * 8 + b"\x08" + bytes(8),
        b"\x06\x00\xff\x07\x02" + b"\x7f" * 8 + bytes(40),
        b"\x06\x00\xff\x07\x06\xc0" + bytes(4) + b"\xff" * 4 + b"\x20\x00" + bytes(48),
        b"\x06\x00\xff\x07\x06\x11" + bytes(10),
        b"\x06\x00\xff\x07\x06\x13" + bytes(60),
        b"\x06\x00\xff\x07\x06\x15" + bytes(20),
    )
    bmc = make_bmc(QUICK)
    with Relay(bmc.port) as relay, _talking(bmc, relay) as talk:
        expected = _values(_sweep(talk))
        for data in forged:
            relay.inject(data)

        swept = _values(_sweep(talk))

        assert swept == expected
        assert len(bmc.sessions()) == 1


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=80), head=st.sampled_from([b"", b"\x06\0\xff\x07\x06"]))
def test_no_datagram_can_raise(data: bytes, head: bytes) -> None:
    """Whatever comes from a BMC's address while a log-in is under way."""
    session = rmcp.Session("127.0.0.1", b"u", b"p", port=9, onlogon=lambda _: None, privlevel=2)

    session._handle_ipmi_packet(bytearray(head + data), ("127.0.0.1", 9), None)

    rmcp.forget()
    assert not session.logged


def test_a_session_that_another_tool_left_open_is_not_ours(make_bmc: MakeBmc) -> None:
    """Ours is one beside it, and only ours is closed."""
    bmc = make_bmc(QUICK)
    with ipmitool_shell(bmc):
        assert eventually(lambda: len(bmc.sessions()) == 1)
        with IpmiChild(lan_settings(bmc, ADMIN)) as child:
            child.sweep()
            during = len(bmc.sessions())
            child.end()

        assert eventually(lambda: len(bmc.sessions()) == during - 1)

    assert during == 2


def test_a_child_that_is_told_to_end_in_the_middle_of_a_sweep_logs_out(make_bmc: MakeBmc) -> None:
    """A BMC that answers slowly does not keep it."""
    bmc = make_bmc(replace(QUICK, delay_milliseconds=100))
    with IpmiChild(lan_settings(bmc)) as child:
        child.receive("ready")
        assert eventually(lambda: len(bmc.sessions()) == 1)

        status = child.end()

        assert status == 0
        assert eventually(lambda: not bmc.sessions())
