"""A running web server for tests, on free ports of loopback, and raw clients for it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.compat import CompatTable
from gpuwatch.exposition.connections import Limits
from gpuwatch.exposition.families import Vocabulary
from gpuwatch.exposition.figures import Figures
from gpuwatch.exposition.listen import Address
from gpuwatch.exposition.protection import Protection
from gpuwatch.exposition.site import Site
from gpuwatch.exposition.web import Handler, WebServer
from tests.support.snapshots import rich_snapshot

PATIENCE_SECONDS = 20.0
UNPROTECTED = Protection()


@dataclass(slots=True)
class Running:
    """A started server with everything it reported."""

    server: WebServer
    reported: list[tuple[str, Exception]]

    @property
    def port(self) -> int:
        """The port of the first address."""
        return self.server.ports[0]

    def connect(self) -> socket.socket:
        """A raw connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
        """One request on its own connection; the response with its body read."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()


@contextmanager
def serving(
    handler: Handler,
    *,
    limits: Limits | None = None,
    addresses: tuple[Address, ...] = (Address("127.0.0.1", 0),),
    protection: Callable[[], Protection] = lambda: UNPROTECTED,
) -> Iterator[Running]:
    """A server that answers by `handler` while the block runs."""
    reported: list[tuple[str, Exception]] = []
    server = WebServer(
        addresses,
        handler,
        report=lambda path, error: reported.append((path, error)),
        limits=limits,
        protection=protection,
    )
    server.start()
    try:
        yield Running(server, reported)
    finally:
        server.stop(PATIENCE_SECONDS)


def site(
    current: Callable[[], Snapshot] = rich_snapshot,
    *,
    heartbeat_age: float = 0.5,
    compat: tuple[CompatTable, ...] = (),
    figures: Figures | None = None,
) -> Handler:
    """The site's handler over a snapshot."""
    return Site(
        current,
        heartbeat_age=lambda: heartbeat_age,
        vocabulary=Vocabulary(),
        compat=compat,
        figures=figures,
    ).answer


def everything(client: socket.socket) -> bytes:
    """All that the server sends until it closes; a reset counts as the end."""
    pieces = []
    try:
        while piece := client.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)
