"""The web server against real sockets: what clients may do to it, and what they cannot."""

import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection
from itertools import count
from threading import active_count

import pytest
from prometheus_client import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gpuwatch.domain.snapshot import Snapshot, SourceState
from gpuwatch.exposition.compat import TABLES
from gpuwatch.exposition.connections import Limits
from gpuwatch.exposition.frame import SECURITY_POLICY
from gpuwatch.exposition.listen import Address, ListenError
from gpuwatch.exposition.messages import HeadLimits, Request, Response
from gpuwatch.exposition.web import WebServer
from tests.support.patience import eventually
from tests.support.snapshots import rich_snapshot, uuid_of
from tests.support.web import PATIENCE_SECONDS, Running, everything, serving, site

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4"
# The library's function has no annotations.
parse_openmetrics: Callable[[str], Iterator[Metric]] = (
    openmetrics_parser.text_string_to_metric_families
)


@pytest.fixture
def running() -> Iterator[Running]:
    """The site of the rich snapshot."""
    with serving(site()) as server:
        yield server


def _echo(request: Request) -> Response:
    return Response(body=request.path.encode())


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/flags", "text/html; charset=utf-8"),
        (f"/gpu/{uuid_of(2)}", "text/html; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/readyz", "application/json"),
        ("/api/v1/status", "application/json"),
        ("/api/v1/gpus", "application/json"),
        (f"/api/v1/gpus/{uuid_of(6)}", "application/json"),
        (f"/api/v1/gpus/{uuid_of(6)}/explain", "application/json"),
        ("/api/v1/flags", "application/json"),
        ("/api/v1/events", "application/json"),
        ("/api/v1/windows", "application/json"),
    ],
)
def test_every_path_answers(running: Running, path: str, content_type: str) -> None:
    """With its type, strictly."""
    response, body = running.ask(path)

    assert (response.status, response.getheader("Content-Type")) == (200, content_type)
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert response.getheader("Cache-Control") == "no-store"
    assert (response.getheader("Content-Security-Policy") or "").startswith("default-src 'none'")
    assert body
    assert running.reported == []


def test_metrics_are_text_for_who_asks_nothing(running: Running) -> None:
    """Prometheus text 0.0.4, as curl gets it."""
    response, body = running.ask("/metrics")

    names = {family.name for family in parse_text(body.decode())}
    assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    assert "gpuwatch_gpu_present" in names


def test_metrics_are_openmetrics_for_who_asks(running: Running) -> None:
    """By the Accept header, compressed, and whole."""
    response, body = running.ask("/metrics", Accept=OPENMETRICS, Accept_Encoding="gzip")

    families = {family.name for family in parse_openmetrics(gzip.decompress(body).decode())}
    assert response.getheader("Content-Encoding") == "gzip"
    assert (response.getheader("Content-Type") or "").startswith("application/openmetrics-text")
    assert "gpuwatch_gpu_xid_errors" in families


def test_metrics_can_be_asked_for_by_name(running: Running) -> None:
    """`name[]`, repeated."""
    _, body = running.ask("/metrics?name[]=gpuwatch_gpu_present&name[]=gpuwatch_build_info")

    names = {family.name for family in parse_text(body.decode())}
    assert names == {"gpuwatch_gpu_present", "gpuwatch_build_info"}


def test_head_tells_the_length_and_sends_no_body(running: Running) -> None:
    """The same headers as a GET."""
    got, body = running.ask("/metrics")

    told, nothing = running.ask("/metrics", method="HEAD")

    assert told.getheader("Content-Length") == got.getheader("Content-Length") == str(len(body))
    assert nothing == b""


def test_changing_methods_are_refused(running: Running) -> None:
    """405 with what is allowed."""
    response, _ = running.ask("/metrics", method="POST")

    assert (response.status, response.getheader("Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/nope", "/metrics/", "/gpu/GPU-nope", "/gpu/", "/%2e%2e/passwd"])
def test_an_unknown_path_is_told_in_plain_words(running: Running, path: str) -> None:
    """404 with a sentence that leads on."""
    response, body = running.ask(path)

    assert (response.status, response.getheader("Content-Type")) == (
        404,
        "text/plain; charset=utf-8",
    )
    assert b"there is" in body or b"no GPU of this host has that UUID" in body


def test_an_unknown_path_of_the_api_is_told_in_json(running: Running) -> None:
    """So that a script can read it."""
    response, body = running.ask("/api/v1/gpus/GPU-nope")

    assert response.status == 404
    assert json.loads(body) == {"error": "no GPU of this host has that UUID; / lists them"}


def test_a_bmc_is_found_by_its_name(running: Running) -> None:
    """For people and for programs; the list has fewer entries of its logs than it alone."""
    _, page = running.ask("/bmc/main")
    _, one = running.ask("/api/v1/bmcs/main")
    _, several = running.ask("/api/v1/bmcs")

    assert b"power supply PS3 has failed" in page
    assert json.loads(one)["findings"][0]["code"] == "redundancy-lost"
    assert [bmc["name"] for bmc in json.loads(several)["bmcs"]] == [
        "main",
        "hgx",
        "node-18",
        "node-19",
    ]


@pytest.mark.parametrize("path", ["/bmc/nope", "/api/v1/bmcs/nope", "/api/v1/bmcs/"])
def test_a_bmc_that_is_not_watched_is_not_found(running: Running, path: str) -> None:
    """404 with a sentence that leads on."""
    response, body = running.ask(path)

    assert response.status == 404
    assert b"no BMC has that name in the settings; / lists them" in body


@pytest.mark.parametrize("path", ["/runbooks", "/runbooks/"])
def test_runbooks_are_listed(running: Running, path: str) -> None:
    """With a link to each."""
    response, body = running.ask(path)

    assert response.status == 200
    assert b'href="/runbooks/off-the-bus"' in body


def test_a_runbook_is_found_by_its_code(running: Running) -> None:
    """As a page under the policy of all pages, compressed where it is wanted."""
    response, body = running.ask("/runbooks/off-the-bus", Accept_Encoding="gzip")

    assert response.status == 200
    assert response.headers["Content-Security-Policy"] == SECURITY_POLICY
    assert b"First five minutes" in gzip.decompress(body)


@pytest.mark.parametrize(
    "path", ["/runbooks/xyzzy", "/runbooks/README", "/runbooks/../flags", "/runbooks/off-the-bus/"]
)
def test_what_is_no_runbook_is_not_found(running: Running, path: str) -> None:
    """Told in plain words, with where they are listed."""
    response, body = running.ask(path)

    assert response.status == 404
    assert body == b"no runbook has that code; /runbooks/ lists them\n"


def test_a_hostile_board_name_does_not_become_a_script(running: Running) -> None:
    """Not on its page, not in the list; and the policy would not run it."""
    pages = [running.ask(path) for path in ("/", f"/gpu/{uuid_of(7)}")]

    assert all(b"<script" not in body for _, body in pages)
    assert all(b"&lt;script&gt;" in body for _, body in pages)
    assert all(
        "script-src" not in (response.getheader("Content-Security-Policy") or "")
        for response, _ in pages
    )


def test_names_of_other_exporters_are_told_where_they_are_switched_on() -> None:
    """In both formats, of all BMCs or of one; what is no target is a 404."""
    with serving(site(compat=TABLES)) as running:
        text, body = running.ask("/metrics/compat")
        _, openmetrics = running.ask("/metrics/compat", Accept=OPENMETRICS)
        _, one = running.ask("/metrics/compat?target=main")
        unknown, said = running.ask("/metrics/compat?target=%3Cscript%3E")

    assert (text.status, text.getheader("Content-Type")) == (200, CONTENT_TYPE_PLAIN_0_0_4)
    assert b'ipmi_up{bmc="main",collector="ipmi",host=""} 1.0' in body
    assert openmetrics.endswith(b"# EOF\n")
    assert b'ipmi_up{collector="ipmi"} 1.0' in one
    assert (unknown.status, b"script" in said) == (404, False)


def test_names_of_other_exporters_are_off_by_default(running: Running) -> None:
    """One sentence says how to have them."""
    response, body = running.ask("/metrics/compat")

    assert response.status == 404
    assert b"switched off (compat.ipmi = true, compat.dcgm = true)\n" in body


def test_a_hostile_path_is_not_echoed(running: Running) -> None:
    """A 404 never carries what was asked for."""
    _, body = running.ask("/%3Cscript%3Ealert(1)%3C/script%3E")

    assert b"script" not in body


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/metrics", "/metrics/compat", "/readyz", "/api/v1/status", "/api/v1/gpus/any"],
)
def test_a_stalled_loop_shows_no_program_old_verdicts(path: str) -> None:
    """Prometheus then has no series, which alerts; it would keep a healthy one for ever."""
    with serving(site(heartbeat_age=31.0)) as running:
        response, body = running.ask(path)

    assert response.status == 503
    assert b"has not moved for 31 s" in body


@pytest.mark.parametrize("path", ["/", "/flags", f"/gpu/{uuid_of(1)}"])
def test_a_stalled_loop_shows_people_a_warning(path: str) -> None:
    """They get what is known, and are told how old it is."""
    with serving(site(heartbeat_age=31.0)) as running:
        response, body = running.ask(path)

    assert response.status == 200
    assert b"gpuwatch has stood still for 31 s" in body


def test_a_host_that_has_not_looked_yet_is_not_ready() -> None:
    """503 with the whole list."""
    snapshot = replace(rich_snapshot(), sources=(SourceState(name="nvml", up=False, fresh=False),))

    with serving(site(lambda: snapshot)) as running:
        response, body = running.ask("/readyz")

    assert response.status == 503
    assert json.loads(body)["sources"][0]["reason"] == "has not succeeded yet"


def test_a_crash_of_a_page_is_a_500_without_detail() -> None:
    """The client learns nothing of the inside; the report has it all; the server goes on."""

    def crash(request: Request) -> Response:
        raise RuntimeError(f"secret of {request.path}")

    with serving(crash) as running:
        first, body = running.ask("/a")
        second, _ = running.ask("/b")

    assert (first.status, second.status) == (500, 500)
    assert b"secret" not in body
    assert [(path, str(error)) for path, error in running.reported] == [
        ("/a", "secret of /a"),
        ("/b", "secret of /b"),
    ]


def test_a_scraper_keeps_its_connection(running: Running) -> None:
    """Ten scrapes over one connection."""
    connection = HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_SECONDS)
    connection.connect()
    ours = connection.sock.getsockname()

    bodies = set()
    for _ in range(10):
        connection.request("GET", "/metrics")
        bodies.add(connection.getresponse().read())

    assert connection.sock.getsockname() == ours
    assert len(bodies) == 1
    connection.close()


def test_requests_sent_ahead_are_answered_in_order() -> None:
    """Pipelining, as RFC 9112 wants it."""
    with serving(_echo) as running, running.connect() as client:
        client.sendall(
            b"GET /one HTTP/1.1\r\nHost: h\r\n\r\n"
            b"GET /two HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )
        answers = everything(client)

    assert answers.index(b"/one") < answers.index(b"/two")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 30_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 8_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 100 + b"\r\n", b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", b"405"),
    ],
)
def test_what_is_too_large_or_malformed_is_refused_and_closed(sent: bytes, status: bytes) -> None:
    """The client gets to read why."""
    with serving(_echo) as running, running.connect() as client:
        client.sendall(sent)
        answer = everything(client)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1 4") == 1


def test_a_head_without_end_is_cut_off() -> None:
    """A client that sends for ever is stopped at the limit, not at the end of memory."""
    limits = Limits(head=HeadLimits(head_bytes=1_000))

    with serving(_echo, limits=limits) as running, running.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + b"a" * 5_000)
        answer = everything(client)

    assert answer.startswith(b"HTTP/1.1 431")


def test_a_slow_head_is_ended_at_its_deadline() -> None:
    """However steadily it trickles, the whole head has one deadline."""
    with (
        serving(_echo, limits=Limits(head_seconds=0.5)) as running,
        running.connect() as client,
    ):
        client.settimeout(0.05)
        answer = b""

        def trickled() -> bool:
            nonlocal answer
            try:
                client.sendall(b"a")
                answer += client.recv(65_536)
            except TimeoutError:
                return False
            except OSError:
                return True
            return b"408" in answer

        client.sendall(b"GET / HTTP/1.1\r\nX: ")
        ended = eventually(trickled)

    assert ended
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_client_that_says_nothing_is_ended() -> None:
    """Without an answer: it asked nothing."""
    with (
        serving(_echo, limits=Limits(head_seconds=0.2)) as running,
        running.connect() as client,
    ):
        assert everything(client) == b""


def test_an_idle_scraper_is_ended_after_its_patience() -> None:
    """And may connect again."""
    with (
        serving(_echo, limits=Limits(idle_seconds=0.2)) as running,
        running.connect() as client,
    ):
        client.sendall(b"GET /one HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = everything(client)

    assert answer.endswith(b"/one")


def test_a_connection_does_not_live_for_ever() -> None:
    """Past its time it is closed, however busy."""
    with (
        serving(_echo, limits=Limits(connection_seconds=0.3)) as running,
        running.connect() as client,
    ):

        def closed() -> bool:
            try:
                client.sendall(b"GET /again HTTP/1.1\r\nHost: h\r\n\r\n")
                return not client.recv(65_536)
            except OSError:
                return True

        assert eventually(closed)


def test_a_client_that_does_not_read_is_ended() -> None:
    """Its answer has a deadline; others are answered meanwhile."""
    big = b"x" * 40_000_000

    def answer(request: Request) -> Response:
        return Response(body=big if request.path == "/big" else b"small")

    with (
        serving(answer, limits=Limits(response_seconds=0.5)) as running,
        running.connect() as lazy,
    ):
        lazy.sendall(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
        _, body = running.ask("/small")
        gone = eventually(lambda: not running.server.open_connections)
        received = everything(lazy)

    assert body == b"small"
    assert gone
    assert len(received) < len(big)


def test_idle_and_slow_clients_do_not_keep_a_scrape_out() -> None:
    """More of them than connections: the longest idle gives way to the newcomer."""
    limits = Limits(connections=8)

    with serving(site(), limits=limits) as running:
        clients = [running.connect() for _ in range(40)]
        for client in clients[::2]:
            client.sendall(b"GET / HTTP/1.1\r\nX: ")
        answers = {running.ask("/metrics")[0].status for _ in range(5)}
        held = running.server.open_connections
        for client in clients:
            client.close()

    assert answers == {200}
    assert held <= 8


def test_a_thousand_clients_need_no_thousand_threads() -> None:
    """Connections cost no thread: there is one for all."""
    with serving(_echo, limits=Limits(connections=16, burst=200)) as running:
        before = active_count()
        clients = [running.connect() for _ in range(100)]
        running.ask("/still-there")
        during = active_count()
        for client in clients:
            client.close()

    assert during == before


def test_scrapes_while_the_snapshot_changes_are_whole() -> None:
    """Each body is of one version, complete and parseable."""
    versions = count(1)
    snapshot = rich_snapshot()

    def changing() -> Snapshot:
        version = next(versions)
        return replace(snapshot, version=version, history_bytes=version)

    with serving(site(changing)) as running, ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: running.ask("/metrics", Accept=OPENMETRICS)[1], range(24))
        )

    sizes = {
        sample.value
        for body in answers
        for family in parse_openmetrics(body.decode())
        for sample in family.samples
        if sample.name == "gpuwatch_history_size_bytes"
    }
    assert len(sizes) == 24
    assert running.reported == []


def test_several_addresses_of_both_families_are_served() -> None:
    """IPv4 and IPv6 side by side, each with its port."""
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):  # noqa: PTH110 - a plain look
        pytest.skip("missing: IPv6 (a kernel with it)")
    addresses = (Address("127.0.0.1", 0), Address("::1", 0))

    with serving(_echo, addresses=addresses) as running:
        answers = []
        for host, port in zip(("127.0.0.1", "::1"), running.server.ports, strict=True):
            connection = HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
            connection.request("GET", "/x")
            answers.append(connection.getresponse().read())
            connection.close()

    assert answers == [b"/x", b"/x"]


def test_a_taken_port_is_told_with_the_way_out() -> None:
    """And nothing is left listening."""
    with serving(_echo) as running:
        taken = Address("127.0.0.1", running.port)
        second = WebServer((Address("127.0.0.1", 0), taken), _echo, report=lambda *_: None)

        with pytest.raises(ListenError, match=f"cannot listen on 127.0.0.1:{running.port}"):
            second.start()

        assert second.ports == ()


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("127.0.0.1", "is another gpuwatch running"),
        ("192.0.2.7", "no interface of this host has that address"),
    ],
)
def test_an_address_that_cannot_be_had_names_the_setting(host: str, told: str) -> None:
    """A taken port and an address of another host want different things done."""
    with serving(_echo) as running:
        server = WebServer((Address(host, running.port),), _echo, report=lambda *_: None)

        with pytest.raises(ListenError, match=told) as refused:
            server.start()

        assert str(refused.value).endswith("the setting is web.listen_addresses)")


def test_the_port_is_free_at_once_after_stop() -> None:
    """With clients connected, and a child alive that was started meanwhile."""
    with serving(_echo) as running:
        port = running.port
        client = running.connect()
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"],
            stdin=subprocess.PIPE,
            close_fds=False,
        )
    again = WebServer((Address("127.0.0.1", port),), _echo, report=lambda *_: None)

    again.start()

    assert again.ports == (port,)
    again.stop(PATIENCE_SECONDS)
    client.close()
    child.communicate(timeout=PATIENCE_SECONDS)


def test_stopping_ends_open_connections() -> None:
    """Nobody hangs on a server that has ended."""
    with serving(_echo) as running:
        client = running.connect()
        client.sendall(b"GET /one HTTP/1.1\r\nHost: h\r\n\r\n")
        client.recv(1)

    assert everything(client).endswith(b"/one")
    client.close()


def test_stopping_while_clients_arrive_is_quiet() -> None:
    """Whatever is half accepted at that instant is closed as well."""
    reported = []
    for _ in range(10):
        with serving(_echo) as running:
            clients = [running.connect() for _ in range(20)]
        reported.extend(running.reported)
        for client in clients:
            client.close()

    assert reported == []


def test_a_server_that_was_never_started_stops_quietly() -> None:
    """So that an agent may stop what it did not get to start."""
    server = WebServer((Address("127.0.0.1", 0),), _echo, report=lambda *_: None)

    server.stop(1.0)

    assert server.ports == ()
