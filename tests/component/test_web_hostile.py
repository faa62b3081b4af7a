"""Hostile clients beside a polite one, each a process of its own that does not stop."""

import os
from pathlib import Path
from threading import active_count

import pytest

from gpuwatch.exposition.connections import Limits
from gpuwatch.exposition.protection import protect
from tests.support.guarded import PASSWORD, SERVER, Guarded, users
from tests.support.hostile import ADDRESS, KINDS, TLS_KINDS, besieged, descriptors
from tests.support.patience import eventually
from tests.support.web import serving, site

LIMITS = Limits(connections=24, strangers=6, head_seconds=1.0, response_seconds=1.0)
SCRAPES = 8
AROUND = 24  # descriptors of the tests themselves, and of clients that are just taken or ended


@pytest.fixture(name="guarded", scope="module")
def _guarded(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    return Guarded.make(tmp_path_factory.mktemp("guarded") / "web")


@pytest.mark.parametrize("kind", KINDS)
def test_a_polite_client_is_answered_beside_a_hostile_one(kind: str) -> None:
    """And neither connections, descriptors nor threads grow past their bounds."""
    before = descriptors(os.getpid()), active_count()
    with serving(site(), limits=LIMITS) as running, besieged(kind, running.port):
        answers = [running.ask("/metrics")[0].status for _ in range(SCRAPES)]
        held = running.server.open_connections
        during = descriptors(os.getpid()), active_count()

    assert answers == [200] * SCRAPES
    assert held <= LIMITS.connections
    assert during[0] <= before[0] + LIMITS.connections + AROUND
    assert during[1] <= before[1] + 1
    assert running.reported == []


@pytest.mark.parametrize("kind", TLS_KINDS)
def test_a_polite_client_is_answered_by_tls_beside_a_hostile_one(
    kind: str, guarded: Guarded
) -> None:
    """Its handshake and its password included."""
    protection = protect(guarded.write(SERVER + users("prom")))
    before = active_count()
    with (
        serving(site(), limits=LIMITS, protection=lambda: protection) as running,
        besieged(kind, running.port),
    ):
        who = ("--user", f"prom:{PASSWORD}")
        answers = [guarded.curl(running.port, *who) for _ in range(SCRAPES)]
        held = running.server.open_connections
        threads = active_count()

    assert answers == [(0, "200")] * SCRAPES
    assert held <= LIMITS.connections
    assert threads <= before + 2
    assert running.reported == []


def test_all_is_given_back_when_they_have_left() -> None:
    """Every connection and every descriptor."""
    with serving(site(), limits=LIMITS) as running:
        before = descriptors(os.getpid())
        with besieged("500 at once", running.port):
            running.ask("/metrics")
        gone = eventually(lambda: not running.server.open_connections)
        given_back = eventually(lambda: descriptors(os.getpid()) <= before)

    assert gone
    assert given_back


def test_a_greedy_address_crowds_out_itself_only() -> None:
    """A scraper's idle connection outlives a flood from elsewhere."""
    with serving(site(), limits=LIMITS) as running, running.connect() as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        first = idle.recv(65_536)
        with besieged("500 at once", running.port):
            flooded = eventually(lambda: running.server.crowded_out > LIMITS.connections)
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            second = idle.recv(65_536)

    assert ADDRESS != "127.0.0.1"
    assert flooded
    assert first.endswith(b"ok\n")
    assert second.endswith(b"ok\n")


def test_guesses_of_one_address_are_bounded(guarded: Guarded) -> None:
    """More than a few at a time are told to come back, and cost no bcrypt."""
    protection = protect(guarded.write(users("prom")))
    request = b"GET /metrics HTTP/1.1\r\nHost: h\r\nAuthorization: Basic cHJvbTo%d\r\n\r\n"
    with serving(site(), protection=lambda: protection) as running:
        clients = [running.connect() for _ in range(12)]
        for number, client in enumerate(clients):
            client.sendall(request.replace(b"cHJvbTo%d", b"cHJvbTo" + b"%02d=" % (number + 10)))
        told = {client.recv(65_536).split(b" ")[1] for client in clients}
        for client in clients:
            client.close()

    assert told <= {b"401", b"429"}
    assert b"401" in told


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), "401"),
        (("--user", "prom:wrong"), "401"),
        (("--user", f"nobody:{PASSWORD}"), "401"),
        (("--header", "Authorization: Bearer token"), "401"),
        (("--user", f"prom:{PASSWORD}"), "200"),
        (("--user", f"prom:{PASSWORD}", "--head"), "200"),
        (("--user", f"prom:{PASSWORD}", "--request", "POST"), "405"),
    ],
)
def test_who_has_no_password_sees_nothing(
    guarded: Guarded, words: tuple[str, ...], status: str
) -> None:
    """On any path, whether it exists or not."""
    protection = protect(guarded.write(SERVER + users("prom")))
    with serving(site(), protection=lambda: protection) as running:
        answers = {
            guarded.curl(running.port, *words, path=path)[1] for path in ("/metrics", "/healthz")
        }

    assert answers == {status}


def test_a_refusal_says_how_to_log_in(tmp_path: Path) -> None:
    """By the challenge that browsers and scrapers understand, and nothing of the host."""
    guarded = Guarded(tmp_path, Guarded.make(tmp_path / "unused").authority)
    protection = protect(guarded.write(users("prom")))
    with serving(site(), protection=lambda: protection) as running:
        response, body = running.ask("/nope")

    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="gpuwatch", charset="UTF-8"'
    assert body == b"a user and a password are needed\n"


def test_answers_are_strict_and_tell_no_version() -> None:
    """Pages, documents and refusals alike."""
    with serving(site()) as running:
        answers = [
            running.ask("/")[0],
            running.ask("/metrics")[0],
            running.ask("/nope")[0],
            running.ask("/", method="PUT")[0],
        ]

    assert [answer.status for answer in answers] == [200, 200, 404, 405]
    assert {
        (
            answer.headers["X-Content-Type-Options"],
            answer.headers["X-Frame-Options"],
            answer.headers["Referrer-Policy"],
            answer.headers["Cache-Control"],
            answer.headers["Server"],
            "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"],
            "script" in answer.headers["Content-Security-Policy"],
        )
        for answer in answers
    } == {("nosniff", "deny", "no-referrer", "no-store", None, True, False)}
