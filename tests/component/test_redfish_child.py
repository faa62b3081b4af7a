"""The Redfish child as a process: its sessions, its connection, its memory and its end."""

import os
from pathlib import Path

import pytest

from gpuwatch.domain.bmc import BmcSweep
from gpuwatch.sources.bmc_loop import FRESH
from gpuwatch.sources.bmc_redfish import translate
from simulator.bmc.certificate import Certificate
from simulator.bmc.redfish import PASSWORD, SESSIONS, Fault, RedfishBmc
from simulator.bmc.redfish_answers import Behaviour
from simulator.bmc.redfish_servers import gpu_server, rack_server
from tests.support.patience import eventually
from tests.support.processes import address_space, bound_memory, memory_bytes
from tests.support.redfish import MOMENT, RedfishChild, settings_of

POLLS = 200
MANY = 1_000 if os.environ.get("GPUWATCH_SOAK") else POLLS
CHILD_BYTES = 40 << 20


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_many_sweeps_take_one_session_and_one_connection(certificate: Certificate) -> None:
    """And leave none, nor memory, nor descriptors."""
    with (
        RedfishBmc(gpu_server(), certificate) as bmc,
        RedfishChild(settings_of(bmc, interval=0.001)) as child,
    ):
        child.sweep(20)
        before = memory_bytes(child.pid), _descriptors(child.pid)
        child.sweep(MANY)
        after = memory_bytes(child.pid), _descriptors(child.pid)
        taken = bmc.sessions, bmc.state.logins, bmc.state.connections
        status = child.end()
        left = bmc.sessions

    assert taken == (1, 1, 1)
    assert (status, left) == (0, 0)
    assert after[1] == before[1]
    assert after[0] is not None
    assert before[0] is not None
    assert after[0] < min(before[0] + (4 << 20), CHILD_BYTES)


def test_what_it_says_is_understood(certificate: Certificate) -> None:
    """Through a real pipe, in lines that fit."""
    with RedfishBmc(rack_server(), certificate) as bmc, RedfishChild(settings_of(bmc)) as child:
        sweep = translate(child.sweep(), MOMENT, "host")

    assert isinstance(sweep, BmcSweep)
    assert sweep.identity.serial == "SY0001"


def test_sigterm_closes_the_session(certificate: Certificate) -> None:
    """While it waits for its next sweep."""
    settings = {"interval": 600.0}
    with (
        RedfishBmc(rack_server(), certificate) as bmc,
        RedfishChild(settings_of(bmc, **settings)) as child,
    ):
        child.sweep()
        status = child.terminate()
        left = bmc.sessions

    assert (status, left) == (0, 0)


def test_sigterm_closes_the_session_of_a_bmc_that_hangs(certificate: Certificate) -> None:
    """In the middle of a request that is not answered; the next one is."""
    sensors = "Chassis/1/Sensors"
    with RedfishBmc(rack_server(), certificate) as bmc, RedfishChild(settings_of(bmc)) as child:
        child.sweep()
        before = bmc.arrivals(sensors)
        bmc.faults[sensors] = Fault(hang_seconds=60)
        hangs = eventually(lambda: bmc.arrivals(sensors) > before)
        status = child.terminate()
        left = bmc.sessions

    assert hangs
    assert (status, left) == (0, 0)


def test_a_failure_is_told_and_hides_the_password(certificate: Certificate) -> None:
    """The child goes on by itself."""
    with RedfishBmc(rack_server(), certificate) as bmc, RedfishChild(settings_of(bmc)) as child:
        bmc.accounts.clear()
        bmc.faults[SESSIONS] = Fault(status=400, body=PASSWORD.encode())
        bmc.expire_sessions()
        failed = child.next("failed")

    assert failed["reason"] == "protocol"
    assert PASSWORD not in str(failed)


def test_a_root_that_wants_a_login_is_no_obstacle(certificate: Certificate) -> None:
    """The library only warns of such a service, on standard error."""
    with RedfishBmc(rack_server(), certificate) as bmc, RedfishChild(settings_of(bmc)) as child:
        bmc.faults[""] = Fault(status=401)
        bmc.expire_sessions()
        sweep = child.sweep(3)

    assert sweep["gaps"] == {}


@pytest.mark.parametrize("setting", ["password", "address"])
def test_nothing_secret_is_seen_from_outside(certificate: Certificate, setting: str) -> None:
    """Neither in its command line nor in its environment."""
    with RedfishBmc(rack_server(), certificate) as bmc, RedfishChild(settings_of(bmc)) as child:
        child.sweep()
        place = Path(f"/proc/{child.pid}")
        seen = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
        secret = str(child.settings[setting]).encode()

    assert secret not in seen


def test_what_the_environment_says_of_proxies_is_not_heard(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A BMC is on the management network, and no proxy's matter."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with RedfishBmc(rack_server(), certificate) as bmc, RedfishChild(settings_of(bmc)) as child:
        sweep = child.sweep()

    assert sweep["gaps"] == {}


def test_a_session_lives_on_between_rare_sweeps(certificate: Certificate) -> None:
    """It is used before it would end for idleness."""
    behaviour = Behaviour(session_seconds=1.0)
    tree = rack_server()
    tree.set("SessionService#/SessionTimeout", 1)
    with (
        RedfishBmc(tree, certificate, behaviour) as bmc,
        RedfishChild(settings_of(bmc, interval=2.5)) as child,
    ):
        child.sweep(2)
        logins = bmc.state.logins

    assert logins == 1


def test_an_answer_that_takes_all_its_memory_ends_the_child_which_says_why(
    certificate: Certificate,
) -> None:
    """One that is no longer than may be, and many times that once it is read; then a fresh one."""
    sensors = "Chassis/1/Sensors"
    swollen = b'{"Members": [' + b"{}," * 1_300_000 + b"{}]}"
    with RedfishBmc(rack_server(), certificate) as bmc, RedfishChild(settings_of(bmc)) as child:
        child.sweep()
        bound_memory(child.pid, address_space(child.pid) + (32 << 20))
        bmc.faults[sensors] = Fault(body=swollen)
        failure = child.next("failed")
        status = child.wait()

    assert failure["reason"] == "protocol"
    assert "MiB to read; asked anew by a fresh child" in failure["text"]
    assert status == FRESH
