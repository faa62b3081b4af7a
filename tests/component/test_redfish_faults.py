"""A Redfish service that fails, hangs or lies: what it costs, and how it is told."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.redfish import gate, service
from simulator.bmc.certificate import Certificate, make_certificate
from simulator.bmc.redfish import SESSIONS, Fault, RedfishBmc, Request
from simulator.bmc.redfish_answers import Behaviour
from simulator.bmc.redfish_servers import rack_server
from simulator.bmc.redfish_tree import ROOT, link
from tests.support.redfish import Asked, asking, settings_of
from tests.support.require import require

SENSORS = "Chassis/1/Sensors"
ELSEWHERE = "https://other.example"


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(service, "LOGIN_SECONDS", 0.5)
    monkeypatch.setattr(service, "PULSE_SECONDS", 0.5)


@contextmanager
def _asked(
    certificate: Certificate, behaviour: Behaviour | None = None, **settings: object
) -> Iterator[tuple[RedfishBmc, Asked]]:
    with (
        RedfishBmc(rack_server(), certificate, behaviour) as bmc,
        asking(settings_of(bmc, **settings)) as asked,
    ):
        yield bmc, asked


def _logins(bmc: RedfishBmc) -> list[Request]:
    return [each for each in bmc.requests if each.method == "POST"]


FAULTS = {
    "absent": (Fault(status=404), GapReason.UNSUPPORTED),
    "denied": (Fault(status=403), GapReason.DENIED),
    "failed": (Fault(status=500), GapReason.FAILED),
    "busy": (Fault(status=503), GapReason.FAILED),
    "no JSON": (Fault(body=b"<html>"), GapReason.FAILED),
    "truncated": (Fault(body=b'{"Members": ['), GapReason.FAILED),
    "no object": (Fault(body=b"[1, 2]"), GapReason.FAILED),
    "no collection": (Fault(body=b'{"Members": 7}'), GapReason.FAILED),
    "deep": (Fault(body=b"[" * 100_000), GapReason.FAILED),
    "no UTF-8": (Fault(body=b'{"Name": "\xff\xfe"}'), GapReason.FAILED),
    "short": (Fault(body=b"{}", short=True), GapReason.LOST),
    "endless": (Fault(endless=True), GapReason.FAILED),
    "drips": (Fault(drip_seconds=0.05), GapReason.TIMED_OUT),
    "drips headers": (Fault(drip_headers=True, drip_seconds=0.05), GapReason.TIMED_OUT),
    "hangs": (Fault(hang_seconds=60), GapReason.TIMED_OUT),
    "drops": (Fault(drop=True), GapReason.LOST),
    "redirects away": (Fault(status=302, location=f"{ELSEWHERE}{ROOT}/"), GapReason.FAILED),
    "redirects to plain HTTP": (
        Fault(status=302, location="http://127.0.0.1:9/redfish/v1/"),
        GapReason.FAILED,
    ),
    "redirects in circles": (
        Fault(status=302, location=f"{ROOT}/{SENSORS}"),
        GapReason.FAILED,
    ),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_resource_that_fails_costs_only_its_rows(
    certificate: Certificate, fault: Fault, reason: GapReason
) -> None:
    """It is a gap with a reason; the rest arrives, in this sweep and the next."""
    with _asked(certificate) as (bmc, asked):
        bmc.faults[SENSORS] = fault
        first, second = asked.sweep(), asked.sweep()
        bmc.faults.clear()
        asked.clock.sleep(700)
        healed = asked.sweep()

    for sweep in (first, second):
        assert sweep.gaps[SENSORS].reason is reason
        assert len(sweep.supplies) == 2
        assert sweep.chassis.power_on is True
    assert healed.gaps == {}
    assert len(healed.sensors) == len(first.sensors) + 17


def test_what_hangs_is_left_alone_for_a_while(certificate: Certificate) -> None:
    """Else it would cost every sweep its ten seconds."""
    with _asked(certificate) as (bmc, asked):
        bmc.faults[SENSORS] = Fault(hang_seconds=60)
        asked.sweep()
        before = len([each for each in bmc.requests if SENSORS in each.path])
        asked.sweep()
        after = len([each for each in bmc.requests if SENSORS in each.path])

    assert before == after


def test_a_redirection_within_the_service_is_followed(certificate: Certificate) -> None:
    """Some services answer so to a path without its last slash."""
    with _asked(certificate) as (bmc, asked):
        bmc.tree.add("Chassis/1/Elsewhere", PowerWatts={"Reading": 77.0})
        bmc.faults["Chassis/1/EnvironmentMetrics"] = Fault(
            status=308, location=f"{ROOT}/Chassis/1/Elsewhere"
        )
        watts = asked.sweep().watts

    assert watts == 77.0


@pytest.mark.parametrize(
    "target",
    [
        f"{ELSEWHERE}/redfish/v1/Systems/1",
        "//other.example/redfish/v1/Systems/1",
        "/redfish/v1/../admin",
        "/redfish/v1/%2e%2e/admin",
        "/redfish/v1/Systems\\1",
        "/admin",
        "file:///etc/passwd",
        7,
        None,
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed(
    certificate: Certificate, target: object
) -> None:
    """Our session would go with it."""
    with _asked(certificate) as (bmc, asked):
        bmc.tree.resources["Chassis/1"]["Sensors"] = {"@odata.id": target}
        sweep = asked.sweep()
        paths = {each.path for each in bmc.requests}

    assert len(sweep.supplies) == 2
    assert {path for path in paths if not path.startswith(ROOT)} == set()
    assert not any("admin" in path for path in paths)


def test_pages_that_lead_in_circles_end(certificate: Certificate) -> None:
    """Each is read once."""
    with _asked(certificate) as (bmc, asked):
        page = {
            "Members": [{**link(f"{SENSORS}/X"), "Reading": 1, "ReadingUnits": "V"}],
            "Members@odata.nextLink": f"{ROOT}/{SENSORS}",
        }
        bmc.faults[SENSORS] = Fault(body=json.dumps(page).encode())
        sensors = asked.sweep().sensors

    assert [each.key for each in sensors if each.key == f"{SENSORS}/X"] == [f"{SENSORS}/X"]


def test_a_dead_bmc_is_unreachable(certificate: Certificate) -> None:
    """At once, with the address and the way out."""
    with RedfishBmc(rack_server(), certificate) as bmc:
        settings = settings_of(bmc)
    with asking(settings) as asked:
        trouble = asked.trouble()

    assert trouble.reason is BmcTrouble.UNREACHABLE
    assert settings["address"] in trouble.text


def test_a_name_that_does_not_resolve_is_unreachable(certificate: Certificate) -> None:
    """Like a host that is not there."""
    with _asked(certificate, address="bmc.invalid") as (_, asked):
        trouble = asked.trouble()

    assert trouble.reason is BmcTrouble.UNREACHABLE


def test_a_bmc_that_hangs_in_the_middle_ends_the_sweep(certificate: Certificate) -> None:
    """After one request and a look whether anything is answered, not after each resource."""
    with _asked(certificate) as (bmc, asked):
        asked.sweep()
        before = len(bmc.requests)
        bmc.faults["*"] = Fault(hang_seconds=1.0)
        trouble = asked.trouble()
        bmc.faults.clear()
        asked.clock.sleep(700)
        healed = asked.sweep()
        sessions = bmc.sessions
        hung = [each for each in bmc.requests[before:] if each.status == 0]

    assert trouble.reason is BmcTrouble.TIMED_OUT
    assert len(hung) <= 2
    assert healed.gaps == {}
    assert sessions == 1


def test_a_port_without_tls_is_no_redfish_service(certificate: Certificate) -> None:
    """Somebody else listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_speak_plainly, args=(listener,))
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with _asked(certificate, address=address) as (_, asked):
            trouble = asked.trouble()
        thread.join()

    assert trouble.reason is BmcTrouble.PROTOCOL


def _speak_plainly(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=404), BmcTrouble.PROTOCOL),
        (Fault(status=503), BmcTrouble.UNREACHABLE),
        (Fault(body=b"{}"), BmcTrouble.PROTOCOL),
        (Fault(status=302, location=ELSEWHERE), BmcTrouble.PROTOCOL),
    ],
    ids=["absent", "starting", "another's", "moved"],
)
def test_a_root_that_is_none_is_told(
    certificate: Certificate, fault: Fault, reason: BmcTrouble
) -> None:
    """A web server without Redfish, a BMC that starts, a portal."""
    with _asked(certificate) as (bmc, asked):
        bmc.faults[""] = fault
        trouble = asked.trouble()

    assert trouble.reason is reason


def test_a_certificate_of_an_unknown_authority_is_refused(certificate: Certificate) -> None:
    """The system's authorities did not sign it; nothing was asked and nothing sent."""
    with _asked(certificate, ca_file="") as (bmc, asked):
        trouble = asked.trouble()
        requests = bmc.requests

    assert trouble.reason is BmcTrouble.CERTIFICATE
    assert "ca_file" in trouble.text
    assert requests == ()


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    """Though its authority is known."""
    require("openssl", "openssl")
    other = make_certificate(tmp_path, "DNS:other.example")
    with _asked(other) as (bmc, asked):
        trouble = asked.trouble()
        requests = bmc.requests

    assert trouble.reason is BmcTrouble.CERTIFICATE
    assert requests == ()


def test_a_pinned_certificate_needs_no_authority(certificate: Certificate) -> None:
    """Written as openssl writes it."""
    digits = certificate.fingerprint.upper()
    pinned = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    with _asked(certificate, ca_file="", fingerprint=pinned) as (_, asked):
        sweep = asked.sweep()

    assert sweep.gaps == {}


def test_another_certificate_than_the_pinned_one_is_refused(certificate: Certificate) -> None:
    """Before anything is sent; also where an authority vouches for it."""
    troubles: list[BmcTrouble] = []
    requests: list[Request] = []
    for ca_file in ("", str(certificate.file)):
        with _asked(certificate, ca_file=ca_file, fingerprint="ab" * 32) as (bmc, asked):
            troubles.append(asked.trouble().reason)
            requests += bmc.requests

    assert troubles == [BmcTrouble.CERTIFICATE] * 2
    assert requests == []


@pytest.mark.parametrize(
    "settings", [{"ca_file": "/nowhere.pem"}, {"ca_file": "", "fingerprint": "12:34"}]
)
def test_what_cannot_be_trusted_by_is_said(
    certificate: Certificate, settings: dict[str, Any]
) -> None:
    """A file that is none, a fingerprint that is too short."""
    with _asked(certificate, **settings) as (_, asked):
        trouble = asked.trouble()

    assert trouble.reason is BmcTrouble.CERTIFICATE
    assert set(settings) & set(trouble.text.split())


def test_a_wrong_password_is_tried_once(certificate: Certificate) -> None:
    """A BMC locks out who tries too often."""
    with _asked(certificate, password="wrong") as (bmc, asked):
        trouble = asked.trouble()
        logins = _logins(bmc)

    assert trouble.reason is BmcTrouble.PASSWORD
    assert "wrong" not in trouble.text.replace("wrong ones", "")
    assert len(logins) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=503), BmcTrouble.NO_SESSION),
        (
            Fault(
                status=400,
                body=b'{"error": {"@Message.ExtendedInfo": [{"Message": "Session limit exceeded",'
                b' "MessageId": "Base.1.8.SessionLimitExceeded"}],'
                b' "message": "CreateLimitReachedForResource"}}',
            ),
            BmcTrouble.NO_SESSION,
        ),
        (Fault(status=403), BmcTrouble.PRIVILEGE),
        (Fault(status=500), BmcTrouble.PROTOCOL),
        (Fault(status=201, body=b"{}"), BmcTrouble.PROTOCOL),
        (Fault(status=302, location=ELSEWHERE), BmcTrouble.PROTOCOL),
        (Fault(hang_seconds=60), BmcTrouble.TIMED_OUT),
    ],
    ids=["busy", "limit", "forbidden", "failed", "nothing", "moved", "hangs"],
)
def test_a_login_that_fails_is_told(
    certificate: Certificate, fault: Fault, reason: BmcTrouble
) -> None:
    """By what the service says of it."""
    with _asked(certificate) as (bmc, asked):
        bmc.faults[SESSIONS] = fault
        trouble = asked.trouble()

    assert trouble.reason is reason


def test_an_expired_password_is_told_and_its_session_closed(certificate: Certificate) -> None:
    """A service makes a session then, in which the password could be changed, and no more."""
    with _asked(certificate, Behaviour(password_expired=True)) as (bmc, asked):
        trouble = asked.trouble()
        sessions = bmc.sessions

    assert trouble.reason is BmcTrouble.PASSWORD
    assert "change it there" in trouble.text
    assert sessions == 0


def test_a_bmc_without_a_free_session_heals(certificate: Certificate) -> None:
    """Another tool held the only one."""
    with _asked(certificate, Behaviour(sessions=1)) as (bmc, asked):
        with asking(settings_of(bmc)) as other:
            other.sweep()
            trouble = asked.trouble()
        healed = asked.sweep()

    assert trouble.reason is BmcTrouble.NO_SESSION
    assert healed.gaps == {}


def test_an_account_that_may_read_nothing_is_told(certificate: Certificate) -> None:
    """It can log in, and that is all."""
    with _asked(certificate) as (bmc, asked):
        bmc.faults |= dict.fromkeys(("Systems", "Chassis", "Managers"), Fault(status=403))
        trouble = asked.trouble()

    assert trouble.reason is BmcTrouble.PRIVILEGE


def test_a_service_that_tells_nothing_is_told(certificate: Certificate) -> None:
    """As a BMC does that has just started."""
    with _asked(certificate) as (bmc, asked):
        bmc.faults |= dict.fromkeys(("Systems", "Chassis", "Managers"), Fault(status=503))
        trouble = asked.trouble()

    assert trouble.reason is BmcTrouble.PROTOCOL
    assert "503" in trouble.text


def test_a_service_that_is_too_slow_for_anything_is_told(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers a login, and then the time is over."""
    monkeypatch.setattr("gpuwatch.sources.redfish.talk.SWEEP_SECONDS", 0.1)
    with _asked(certificate) as (_, asked):
        trouble = asked.trouble()

    assert trouble.reason is BmcTrouble.TIMED_OUT


def test_an_expired_session_is_made_anew(certificate: Certificate) -> None:
    """Within the sweep, and once."""
    with _asked(certificate) as (bmc, asked):
        asked.sweep()
        bmc.expire_sessions()
        sweep = asked.sweep()
        sessions, logins = bmc.sessions, _logins(bmc)

    assert sweep.gaps == {}
    assert (sessions, len(logins)) == (1, 2)


def test_a_service_that_refuses_every_session_is_not_asked_for_more(
    certificate: Certificate,
) -> None:
    """A resource that is refused again, right after a login, is refused."""
    with _asked(certificate) as (bmc, asked):
        bmc.faults[SENSORS] = Fault(status=401)
        sweep = asked.sweep()
        asked.clock.sleep(700)
        asked.sweep()
        asked.sweep()
        logins, sessions = _logins(bmc), bmc.sessions

    assert sweep.gaps[SENSORS] == Gap(GapReason.DENIED, 401)
    assert (len(logins), sessions) == (3, 1)


def test_a_service_without_sessions_is_asked_with_the_password(certificate: Certificate) -> None:
    """Whether its root says so, or the attempt."""
    told = []
    for offered in (True, False):
        with _asked(certificate, Behaviour(sessions=0)) as (bmc, asked):
            if not offered:
                del bmc.tree.resources[""]["SessionService"], bmc.tree.resources[""]["Links"]
            sweeps = [each for each in asked.messages() if each["say"] == "sweep"]
            told.append((sweeps[0]["session"], sweeps[0]["gaps"], len(_logins(bmc))))

    assert told == [("basic", {}, 1), ("basic", {}, 0)]


def test_a_wrong_password_without_sessions_is_told(certificate: Certificate) -> None:
    """The first resource that wants it says so."""
    with _asked(certificate, Behaviour(sessions=0), password="wrong") as (bmc, asked):
        del bmc.tree.resources[""]["SessionService"], bmc.tree.resources[""]["Links"]
        trouble = asked.trouble()

    assert trouble.reason is BmcTrouble.PASSWORD


def test_a_password_that_is_changed_without_sessions_is_tried_once(
    certificate: Certificate,
) -> None:
    """It goes with every request of a sweep: a few of them would lock the account."""
    with _asked(certificate, Behaviour(sessions=0)) as (bmc, asked):
        asked.sweep()
        bmc.accounts = {"gpuwatch": "another"}
        before = len(bmc.requests)
        trouble = asked.trouble()
        tried = bmc.requests[before:]

    assert trouble.reason is BmcTrouble.PASSWORD
    assert len(tried) == 1


def test_one_resource_that_is_refused_without_sessions_is_a_gap(certificate: Certificate) -> None:
    """The password is right, as others are shown: it is no matter of the account's."""
    with _asked(certificate, Behaviour(sessions=0)) as (bmc, asked):
        bmc.faults[SENSORS] = Fault(status=401)

        sweep = asked.sweep()

    assert sweep.gaps[SENSORS] == Gap(GapReason.DENIED, 401)


def test_the_gate_lets_nothing_pass_that_changes_anything(certificate: Certificate) -> None:
    """Many sweeps of a service that fails and heals: GETs, and our own sessions made and closed."""
    with _asked(certificate) as (bmc, asked):
        for fault in (Fault(status=500), Fault(drop=True), Fault(status=401)):
            bmc.faults[SENSORS] = fault
            asked.sweep()
        bmc.expire_sessions()
        asked.clock.sleep(4_000)
        asked.sweep()
        asked.talk.close()
        others = [each for each in bmc.requests if each.method != "GET"]

    assert {(each.method, each.path.rpartition("/")[0]) for each in others} == {
        ("POST", f"{ROOT}/SessionService"),
        ("DELETE", f"{ROOT}/{SESSIONS}"),
    }


def test_an_answer_has_a_largest_size(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collection that is too long with its members in it is asked for without them."""
    with _asked(certificate) as (_, asked):
        whole = asked.sweep()
    monkeypatch.setattr(gate, "ANSWER_BYTES", 3_000)
    with _asked(certificate) as (_, asked):
        parts = asked.sweep()

    assert parts.gaps == {}
    assert parts.sensors == whole.sensors


def test_a_sweep_without_time_tells_what_it_knew(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sensors asked one by one of a slow service: some in this sweep, the others in the next."""
    monkeypatch.setattr("gpuwatch.sources.redfish.talk.SWEEP_SECONDS", 0.6)
    with _asked(certificate, Behaviour(expands=False)) as (_, asked):
        whole = asked.sweep()
    with _asked(certificate, Behaviour(expands=False, delay_seconds=0.02)) as (_, asked):
        first = asked.sweep()
        asked.sweep()
        asked.sweep()
        asked.sweep()
        last = asked.sweep()

    assert len(first.sensors) < len(whole.sensors)
    assert GapReason.TIMED_OUT in {gap.reason for gap in first.gaps.values()}
    assert len(last.sensors) == len(whole.sensors)
