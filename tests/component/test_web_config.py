"""The web file in the life of an agent: rotated, broken, repaired, and never half in force."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from gpuwatch.agent.privilege import problem_of_root
from gpuwatch.agent.web_config import WebConfigWatch
from gpuwatch.config.loading import load
from gpuwatch.domain.snapshot import WebState
from gpuwatch.exposition.protection import Protection
from gpuwatch.exposition.web_file import WebFileError
from tests.support.commands import run
from tests.support.guarded import PASSWORD, SERVER, Guarded, Watched, users, watched
from tests.support.patience import eventually
from tests.support.web import serving, site

ROOT_ID, OTHER_ID = 0, 999


@pytest.fixture(name="guarded")
def _guarded(tmp_path: Path) -> Guarded:
    return Guarded.make(tmp_path / "web")


@pytest.fixture(name="port")
def _port(guarded: Guarded) -> Iterator[Watched]:
    with watched(guarded.write(SERVER)) as port:
        yield port


def test_a_new_certificate_is_shown_without_a_restart(guarded: Guarded, port: Watched) -> None:
    """To every client that connects from then on."""
    before = guarded.serial(port.running.port)
    guarded.authority.issue("server")

    port.watch.read()

    assert guarded.serial(port.running.port) != before
    assert port.watch.state().config_failing is False


def test_half_a_rotation_keeps_the_old_pair(guarded: Guarded, port: Watched) -> None:
    """It is told only when it stays wrong, and is over when the other half is there."""
    before = guarded.serial(port.running.port)
    new = guarded.authority.issue("new")
    new.certificate.replace(guarded.directory / "server.pem")

    with capture_logs() as first:
        port.watch.read()
    failing_at_first = port.watch.state().config_failing
    with capture_logs() as later:
        port.watch.read()
        port.watch.read()
    between = guarded.serial(port.running.port), port.watch.state().config_failing
    new.key.replace(guarded.directory / "server.key")
    port.watch.read()

    assert (first, failing_at_first) == ([], False)
    assert [entry["event"] for entry in later] == ["web-config-refused"]
    assert "do not belong together" in later[0]["problem"]
    assert between == (before, True)
    assert guarded.serial(port.running.port) != before
    assert port.watch.state().config_failing is False


def test_a_reload_reads_again_and_tells_at_once(guarded: Guarded, port: Watched) -> None:
    """Whoever sends SIGHUP waits for an answer in the log."""
    guarded.write("tls_server_confg:\n")

    port.watch.look()
    with capture_logs() as told:
        port.watch.read()

    assert [entry["event"] for entry in told] == ["web-config-refused"]
    assert port.watch.state().config_failing is True
    assert guarded.curl(port.running.port) == (0, "200")


def test_what_was_missing_is_found_when_it_comes(guarded: Guarded, port: Watched) -> None:
    """Also when it is not among the files that were in force."""
    guarded.write(SERVER.replace("server", "next").replace("tls_next", "tls_server"))
    port.watch.read()
    port.watch.read()
    failing = port.watch.state().config_failing
    before = guarded.serial(port.running.port)
    guarded.authority.issue("next")

    port.watch.read()

    assert failing is True
    assert guarded.serial(port.running.port) != before


@pytest.mark.parametrize("left", ["", "gone"])
def test_an_emptied_or_lost_file_does_not_open_the_port(
    guarded: Guarded, port: Watched, left: str
) -> None:
    """What was in force stays."""
    guarded.write("")
    guarded.file.replace(guarded.directory / (left or guarded.file.name))

    port.watch.read()
    port.watch.read()

    assert port.watch.state().config_failing is True
    assert guarded.curl(port.running.port) == (0, "200")


def test_nothing_is_read_that_did_not_change(port: Watched) -> None:
    """A look costs a few calls to stat."""
    with patch("gpuwatch.agent.web_config.protect") as reading:
        port.watch.read()

    assert reading.call_count == 0


def test_who_is_connected_meets_the_new_users(guarded: Guarded, port: Watched) -> None:
    """The open connection is asked for a password, and ends with that answer."""
    guarded.write(SERVER + users("prom"))

    port.watch.read()
    without = guarded.curl(port.running.port)
    with_password = guarded.curl(port.running.port, "--user", f"prom:{PASSWORD}")

    assert (without, with_password) == ((0, "401"), (0, "200"))


def test_the_thread_looks_by_itself_and_ends(guarded: Guarded) -> None:
    """Asked for by a reload, and without one."""
    with patch("gpuwatch.agent.web_config.PERIOD_SECONDS", 0.05):
        watch = WebConfigWatch(guarded.write(SERVER))
        watch.start()
        guarded.write(users("prom"))
        taken = eventually(lambda: watch.protection().users)
        watch.look()
        watch.stop()
        ended = eventually(lambda: not watch.alive)

    assert taken
    assert ended


def test_without_a_file_nothing_is_watched() -> None:
    """And nothing is told of it."""
    watch = WebConfigWatch(None)

    watch.start()
    watch.look()
    watch.read()

    assert watch.alive
    assert watch.state() == WebState()
    assert watch.protection().tls is None


def test_a_file_that_is_refused_at_the_start_is_an_error(guarded: Guarded) -> None:
    """Nothing is served without the protection that somebody wants."""
    with pytest.raises(WebFileError, match="says nothing"):
        WebConfigWatch(guarded.write(""))


def test_a_refused_file_keeps_the_agent_from_starting(guarded: Guarded) -> None:
    """One line, and the status of a refused configuration; `check-config` says the same."""
    guarded.write(SERVER + "  cipher_suites: []\n")
    setting = ("--set", f"web.config_file={guarded.file}")
    place = ("--set", f"agent.runtime_directory={guarded.directory}")
    here = {"GPUWATCH_CONFIG": "/dev/null"}

    started = run(
        "run", *setting, *place, "--set", "web.listen_addresses=127.0.0.1:0", environment=here
    )
    checked = run("check-config", *setting, environment=here)

    problem = "line 4: tls_server_config.cipher_suites is not carried over"
    assert (started.status, checked.status) == (78, 78)
    assert started.err.startswith(f"gpuwatch: web.config_file {guarded.file}: {problem}")
    assert f'web.config_file = "{guarded.file}" {problem}' in checked.err


def test_headers_of_the_file_take_the_place_of_ours(guarded: Guarded) -> None:
    """On every answer, refusals included."""
    text = (
        "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n"
        "    Strict-Transport-Security: max-age=1\n"
    )
    with watched(guarded.write(text)) as port:
        answers = [
            port.running.ask("/metrics")[0],
            port.running.ask("/nope")[0],
            port.running.ask("/", method="POST")[0],
        ]

    assert [answer.status for answer in answers] == [200, 404, 405]
    assert {
        (answer.headers["X-Frame-Options"], answer.headers["Strict-Transport-Security"])
        for answer in answers
    } == {("sameorigin", "max-age=1")}


@pytest.mark.parametrize(
    ("addresses", "user", "allowed", "refused"),
    [
        ('[":9853"]', ROOT_ID, "false", True),
        ('["127.0.0.1:1", "192.0.2.7:1"]', ROOT_ID, "false", True),
        ('["host.example:9853"]', ROOT_ID, "false", True),
        ('[":9853"]', ROOT_ID, "true", False),
        ('[":9853"]', OTHER_ID, "false", False),
        ('["127.0.0.1:9853", "[::1]:9853", "localhost:9853"]', ROOT_ID, "false", False),
    ],
)
def test_root_does_not_answer_the_network(
    addresses: str, user: int, allowed: str, refused: bool
) -> None:
    """Unless it is told that it may; loopback is no network."""
    options = (f"web.listen_addresses={addresses}", f"agent.allow_root={allowed}")
    settings = load(options=options, environment={"GPUWATCH_CONFIG": "/dev/null"}).settings

    problem = problem_of_root(settings, user)

    assert bool(problem) is refused
    assert ("agent.allow_root = true" in problem) is refused


def test_a_protection_of_the_past_ends_with_one_answer() -> None:
    """A kept connection does not outlive the certificate by which it was opened."""
    protections = iter([Protection(), Protection()])
    current = next(protections)

    with serving(site(), protection=lambda: current) as running, running.connect() as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        first = client.recv(65_536)
        current = next(protections)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        second = client.recv(65_536)
        after = client.recv(65_536)

    assert b"Connection: keep-alive" in first
    assert b"Connection: close" in second
    assert after == b""
