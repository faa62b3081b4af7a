"""TLS on the port, with the tools that people and scrapers use: openssl, curl, promtool."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.client import HTTPSConnection
from pathlib import Path
from unittest.mock import patch

import pytest

from gpuwatch.exposition.certificates import Validity
from gpuwatch.exposition.protection import protect
from gpuwatch.exposition.web_file import WebFileError
from tests.support.certificates import Pair
from tests.support.guarded import MUTUAL, SERVER, Guarded, users, watched
from tests.support.patience import eventually
from tests.support.require import require
from tests.support.web import PATIENCE_SECONDS, everything

CURL_NO_ANSWER = {52, 56}  # an empty reply, or a failure to receive
CURL_TLS_FAILED = 35
HSTS = "Strict-Transport-Security: max-age=63072000"


@pytest.fixture(name="guarded")
def _guarded(tmp_path: Path) -> Guarded:
    return Guarded.make(tmp_path / "web")


def _shown_by(pair: Pair) -> tuple[str, ...]:
    return "--cert", str(pair.certificate), "--key", str(pair.key)


def _s_client(port: int, *words: str) -> str:
    command = [
        *(require("openssl", "openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-brief"),
        *words,
    ]
    done = subprocess.run(
        command,
        input=b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        capture_output=True,
        check=False,
        timeout=60,
    )
    return (done.stdout + done.stderr).decode()


def test_metrics_are_served_by_tls(guarded: Guarded) -> None:
    """Whole, also to who closes after one answer, and by HEAD."""
    with watched(guarded.write(SERVER)) as port:
        kept = guarded.curl(port.running.port)
        closed = guarded.curl(port.running.port, "--http1.0")
        head = guarded.curl(port.running.port, "--head")

    assert (kept, closed, head) == ((0, "200"), (0, "200"), (0, "200"))
    assert port.running.reported == []


def test_several_requests_go_over_one_connection(guarded: Guarded) -> None:
    """A handshake costs more than a scrape."""
    with watched(guarded.write(SERVER)) as port:
        connection = HTTPSConnection(
            "localhost", port.running.port, timeout=PATIENCE_SECONDS, context=guarded.context()
        )
        connection.connect()
        ours = connection.sock.getsockname()
        bodies = set()
        for _ in range(5):
            connection.request("GET", "/metrics")
            bodies.add(connection.getresponse().read())
        still = connection.sock.getsockname()
        connection.close()

    assert (still, len(bodies)) == (ours, 1)


def test_an_answer_does_not_wait_for_an_acknowledgement(guarded: Guarded) -> None:
    """What the server sends first by TLS would hold up what it sends next (Nagle's algorithm)."""
    with watched(guarded.write(SERVER)) as port, port.running.connect() as client:
        client.sendall(b"\x16\x03\x01")
        eventually(lambda: port.running.server.open_connections)
        (taken,) = port.running.server._crowd.guests

        at_once = eventually(
            lambda: taken._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        )

    assert at_once


@pytest.mark.parametrize(
    ("section", "asked", "spoken"),
    [
        (SERVER, "-tls1_3", "TLSv1.3"),
        (SERVER, "-tls1_2", "TLSv1.2"),
        (f"{SERVER}  min_version: TLS13\n", "-tls1_3", "TLSv1.3"),
        (f"{SERVER}  max_version: TLS12\n", "-tls1_2", "TLSv1.2"),
    ],
)
def test_the_versions_of_the_file_are_spoken(
    guarded: Guarded, section: str, asked: str, spoken: str
) -> None:
    """As openssl sees it."""
    with watched(guarded.write(section)) as port:
        told = _s_client(port.running.port, asked, "-ign_eof")

    assert f"Protocol version: {spoken}" in told
    assert "HTTP/1.1 200 OK" in told


@pytest.mark.parametrize(
    ("section", "asked"),
    [
        (f"{SERVER}  min_version: TLS13\n", ("-tls1_2",)),
        (f"{SERVER}  max_version: TLS12\n", ("-tls1_3",)),
        (SERVER, ("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")),
        (SERVER, ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256")),
        (SERVER, ("-tls1_2", "-cipher", "AES128-GCM-SHA256")),
    ],
)
def test_other_versions_and_weak_suites_are_not_spoken(
    guarded: Guarded, section: str, asked: tuple[str, ...]
) -> None:
    """No handshake comes about."""
    with watched(guarded.write(section)) as port:
        told = _s_client(port.running.port, *asked, "-ign_eof")

    assert "CONNECTION ESTABLISHED" not in told
    assert "HTTP/1.1" not in told


def test_plain_http_gets_nothing_from_a_port_of_tls(guarded: Guarded) -> None:
    """Not even a status."""
    with watched(guarded.write(SERVER)) as port, port.running.connect() as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = everything(client)

    assert b"HTTP/1.1" not in answer
    assert port.running.reported == []


def test_only_clients_with_a_certificate_of_the_authority_are_answered(guarded: Guarded) -> None:
    """One that another authority signed is as good as none."""
    ours = guarded.authority.issue("client", "DNS:prometheus")
    stranger = Guarded.make(guarded.directory / "elsewhere").authority.issue("client")
    with watched(guarded.write(MUTUAL)) as port:
        known = guarded.curl(port.running.port, *_shown_by(ours))
        without = guarded.curl(port.running.port)
        foreign = guarded.curl(port.running.port, *_shown_by(stranger))

    assert known == (0, "200")
    assert (without[1], foreign[1]) == ("000", "000")
    assert {without[0], foreign[0]} <= CURL_NO_ANSWER | {CURL_TLS_FAILED}


def test_a_certificate_may_be_shown_or_not_but_not_a_wrong_one(guarded: Guarded) -> None:
    """VerifyClientCertIfGiven."""
    ours = guarded.authority.issue("client", "DNS:prometheus")
    stranger = Guarded.make(guarded.directory / "elsewhere").authority.issue("client")
    section = MUTUAL.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    with watched(guarded.write(section)) as port:
        answers = [
            guarded.curl(port.running.port, *words)[1]
            for words in ((), _shown_by(ours), _shown_by(stranger))
        ]

    assert answers == ["200", "200", "000"]


def test_of_the_authoritys_clients_only_those_named_are_answered(guarded: Guarded) -> None:
    """client_allowed_sans: names and addresses."""
    scraper = guarded.authority.issue("scraper", "DNS:prometheus,IP:192.0.2.7")
    backup = guarded.authority.issue("backup", "DNS:backup")
    by_address = MUTUAL + "  client_allowed_sans: [192.0.2.7]\n"
    with watched(guarded.write(by_address)) as port:
        answers = [
            guarded.curl(port.running.port, *_shown_by(pair))[1] for pair in (scraper, backup)
        ]

    assert answers == ["200", "000"]


def test_a_client_that_never_shakes_hands_holds_nobody_up(guarded: Guarded) -> None:
    """Whether it is silent, half through the handshake, or connected and silent."""
    with watched(guarded.write(SERVER)) as port:
        silent = [port.running.connect() for _ in range(10)]
        for client in silent[::2]:
            client.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        half = [port.running.connect() for _ in range(5)]
        shaken = [guarded.context().wrap_socket(one, server_hostname="localhost") for one in half]
        answers = {guarded.curl(port.running.port) for _ in range(3)}
        threads = [one.name for one in threading.enumerate() if one.name.startswith("web")]
        for client in (*silent, *shaken):
            client.close()

    assert answers == {(0, "200")}
    assert threads == ["web"]


def test_a_client_that_leaves_in_its_handshake_is_forgotten(guarded: Guarded) -> None:
    """Without a word in the log."""
    with watched(guarded.write(SERVER)) as port:
        for sent in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00" + b"\0" * 600):
            with port.running.connect() as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                everything(client)
        gone = eventually(lambda: not port.running.server.open_connections)

    assert gone
    assert port.running.reported == []


def _removed(guarded: Guarded) -> None:
    (guarded.directory / "server.key").unlink()


def _opened_up(guarded: Guarded) -> None:
    (guarded.directory / "server.key").chmod(0o644)


def _made_a_folder(guarded: Guarded) -> None:
    _removed(guarded)
    (guarded.directory / "server.key").mkdir()


def _of_another(guarded: Guarded) -> None:
    guarded.authority.issue("other").key.replace(guarded.directory / "server.key")


def _garbled(guarded: Guarded) -> None:
    (guarded.directory / "server.key").write_text("none")


def _encrypted(guarded: Guarded) -> None:
    key = guarded.directory / "server.key"
    command = [require("openssl", "openssl"), "ec", "-aes256", "-passout", "pass:hidden"]
    subprocess.run([*command, "-in", key, "-out", key], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (_removed, "server.key cannot be read: No such file or directory"),
        (_opened_up, "server.key is open to others: mode 644 (make it mode 640"),
        (_made_a_folder, "server.key is not a file (name one)"),
        (_of_another, "do not belong together (put both of one pair there)"),
        (_garbled, "are refused by OpenSSL"),
        (_encrypted, "are refused by OpenSSL"),
    ],
)
def test_a_key_that_cannot_be_used_is_told(
    guarded: Guarded, harm: Callable[[Guarded], None], problem: str
) -> None:
    """Which, why, and the way out; OpenSSL never asks a terminal for a passphrase."""
    harm(guarded)

    with pytest.raises(WebFileError) as refused:
        protect(guarded.write(SERVER))

    assert problem in str(refused.value)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("server.pem", "none", "are refused by OpenSSL"),
        ("authority.pem", "none", "authority.pem holds no certificates (is it PEM?)"),
    ],
)
def test_certificates_that_are_none_are_told(
    guarded: Guarded, name: str, text: str, problem: str
) -> None:
    """Ours, and that of the clients' authority."""
    (guarded.directory / name).write_text(text)

    with pytest.raises(WebFileError) as refused:
        protect(guarded.write(MUTUAL))

    assert problem in str(refused.value)


@pytest.mark.parametrize("reader", ["load_cert_chain", "load_verify_locations"])
def test_a_file_that_goes_while_it_is_read_is_told(guarded: Guarded, reader: str) -> None:
    """Who rotates by removing and writing meets us in between; OpenSSL opens files anew."""
    gone = FileNotFoundError(2, "No such file or directory")

    with (
        patch.object(ssl.SSLContext, reader, side_effect=gone),
        pytest.raises(WebFileError, match="cannot be read: No such file or directory"),
    ):
        protect(guarded.write(MUTUAL))


def test_a_web_file_that_others_may_read_is_refused(guarded: Guarded) -> None:
    """Whoever has the hashes can guess at his leisure."""
    guarded.write(SERVER + users("prom")).chmod(0o644)

    with pytest.raises(WebFileError, match=r"web.yml: is open to others: mode 644 \(make it"):
        protect(guarded.file)


def test_the_end_of_a_certificate_is_read_from_it(guarded: Guarded) -> None:
    """As openssl and the ssl module read it, in this century and the next."""
    told, expected = [], []
    for days in (1, 20_000, 40_000):
        pair = guarded.authority.issue("server", days=days)
        decoded = ssl.create_default_context()
        decoded.load_verify_locations(pair.certificate)
        dates = subprocess.run(
            [require("openssl", "openssl"), "x509", "-dates", "-noout", "-in", pair.certificate],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\n")
        begin, end = (ssl.cert_time_to_seconds(date.partition("=")[2]) for date in dates[:2])
        expected.append(Validity(begin, end))
        told.append(protect(guarded.write(SERVER)).validity)

    assert told == expected


@pytest.mark.parametrize(
    "text",
    [
        SERVER,
        MUTUAL,
        f"{MUTUAL}  min_version: TLS13\n  max_version: TLS13\n",
        f"{SERVER}http_server_config:\n  http2: false\n  headers:\n    {HSTS}\n",
        SERVER + users("prom", "alice"),
        users("prom"),
    ],
    ids=["tls", "mutual", "versions", "headers", "users", "users-only"],
)
def test_promtool_accepts_what_is_accepted_here(guarded: Guarded, text: str) -> None:
    """One file for all exporters of a host."""
    file = guarded.write(text)
    protect(file)

    told = subprocess.run(
        [require("promtool", "prometheus"), "check", "web-config", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert told.returncode == 0, told.stderr
