"""Scraped hosts: what Prometheus finds at each of its targets, as a test says.

A list of targets stands in Prometheus's settings and an agent chooses its port, so one server of
the test answers for all targets: with what the agent answers there and then, with its last words or
a text that the test wrote down, with nothing yet, or not at all. Nothing is changed on the way.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.receiver import serving

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_WAIT_SECONDS = 5
Answer = Callable[[dict[str, str]], tuple[bytes, str]]  # request headers -> body, content type


def _refuse(_headers: dict[str, str]) -> tuple[bytes, str]:
    raise OSError("nobody listens")


def _agent(port: int) -> Answer:
    def ask(headers: dict[str, str]) -> tuple[bytes, str]:
        connection = HTTPConnection("127.0.0.1", port, timeout=_WAIT_SECONDS)
        with closing(connection):
            connection.request("GET", "/metrics", headers=headers)
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK:
                raise OSError(f"the agent answers {answer.status}")
            return answer.read(), answer.headers["Content-Type"]

    return ask


@dataclass(slots=True)
class Hosts:
    """What each instance answers; one that was never spoken of answers, and tells nothing."""

    port: int = 0
    _answers: dict[str, Answer] = field(default_factory=dict)

    def agent(self, instance: str, port: int) -> None:
        """An agent listens there."""
        self._answers[instance] = _agent(port)

    def tell(self, instance: str, *lines: str) -> None:
        """It tells these series, in the text format."""
        body = "".join(f"{line.rstrip()}\n" for line in lines).encode()
        self._answers[instance] = lambda _headers: (body, _TEXT)

    def refuse(self, instance: str) -> None:
        """Nobody listens there."""
        self._answers[instance] = _refuse

    def hold(self, instance: str) -> None:
        """It goes on telling what it tells now."""
        told = self.answer(instance, {"Accept": "*/*"})
        self._answers[instance] = lambda _headers: told

    def target(self, instance: str, job: str) -> dict[str, object]:
        """The instance as a target of Prometheus."""
        labels = {"instance": instance, "job": job, "__metrics_path__": f"/{instance}"}
        return {"targets": [f"127.0.0.1:{self.port}"], "labels": labels}

    def answer(self, instance: str, headers: dict[str, str]) -> tuple[bytes, str]:
        """What it answers; raises OSError where nobody listens."""
        ask = self._answers.get(instance)
        return (b"", _TEXT) if ask is None else ask(headers)


def _handler(hosts: Hosts) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers for one target by its path."""

        def do_GET(self) -> None:
            accept = {"Accept": self.headers["Accept"] or "*/*"}
            try:
                body, content_type = hosts.answer(self.path.removeprefix("/"), accept)
            except (OSError, HTTPException):
                self.send_error(HTTPStatus.BAD_GATEWAY)
                return
            with suppress(ConnectionError):  # Prometheus waits no longer, and asks again
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Keep quiet."""

    return Handler


@contextmanager
def scraped() -> Iterator[Hosts]:
    """Hosts on a port of loopback."""
    hosts = Hosts()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hosts))
    server.daemon_threads = True
    hosts.port = server.server_address[1]
    with serving(server):
        yield hosts
