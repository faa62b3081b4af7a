"""Fleet server: many hosts behind one port of loopback, each with its own path."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.fleet_recording import Recordings
from tests.support.fleet_replay import Replay, name_of

HOSTS, TROUBLED, SILENT = 200, 9, 1


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts by their numbers: first those in trouble, last those that do not answer."""

    port: int
    quiet: Replay
    troubled: Replay

    @property
    def instances(self) -> dict[str, str]:
        """The path of every host's metrics by its instance."""
        return {f"{name_of(host)}:9853": f"/{host}/metrics" for host in range(HOSTS)}


def replay_of(host: int, recorded: Sequence[Replay]) -> Replay | None:
    """What a host tells: as one in trouble, as one that is well, or nothing."""
    quiet, troubled = recorded
    if host < TROUBLED:
        return troubled
    return quiet if host < HOSTS - SILENT else None


class _Listener(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


@contextmanager
def fleet(recorded: Recordings) -> Iterator[Fleet]:
    """The fleet, which answers inside."""
    replays = Replay(recorded.quiet), Replay(recorded.troubled)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            replay = replay_of(int(self.path.split("/")[1]), replays)
            self.send_response(HTTPStatus.OK if replay else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            if replay:
                host = int(self.path.split("/")[1])
                with suppress(ConnectionError):  # whoever asked may be gone
                    self.wfile.write(replay.text(host, time.time()).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Listener(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Fleet(server.server_address[1], *replays)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
