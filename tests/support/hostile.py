"""Hostile clients of the port, each a process that goes on until it is ended.

python -m tests.support.hostile KIND PORT
"""

import selectors
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.agents import ROOT, clean_environment

ADDRESS = "127.0.0.2"  # not the polite client's: that is 127.0.0.1
_TURN_SECONDS = 0.01
_SMALL_BUFFER = 4_096
_OPENED_AT_ONCE = 100
_END = b" HTTP/1.1\r\nHost: h\r\n\r\n"
_GET = b"GET /metrics" + _END
# Nothing of it is kept: it is rendered for every request.
_RENDERED = b"GET /metrics?name[]=gpuwatch_gpu_present&name[]=gpuwatch_build_info" + _END
_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
_WRONG = b"GET /metrics HTTP/1.1\r\nHost: h\r\nAuthorization: Basic cHJvbTpndWVzcw==\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """What such a client does: how many connections, what it sends first and then again and again.

    `again` is sent at every answer, or at every turn by who does not read.
    """

    connections: int
    first: bytes = b""
    again: bytes = b""
    reads: bool = True
    shuts: bool = False
    handshake: bool = False


KINDS: dict[str, Kind] = {
    "silent": Kind(200),
    "slow head": Kind(200, b"GET /metrics HTTP/1.1\r\nX: ", b"a", reads=False),
    "500 at once": Kind(500, _GET, _GET),
    "huge headers": Kind(50, b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 200_000),
    "huge line": Kind(50, b"GET /" + b"a" * 200_000),
    "bodies": Kind(
        50, b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n", b"a" * 9_999
    ),
    "bad methods": Kind(50, b"BREW /metrics" + _END + b"\x00\xff\r\n\r\n", b"BREW /" + _END),
    "path tricks": Kind(50, b"GET //..%2f..%00/%2e%2e/etc/passwd" + _END, b"GET /../.." + _END),
    "sent ahead": Kind(50, _GET * 100, _GET * 100),
    "half closed": Kind(50, _GET, shuts=True),
    "never reads": Kind(100, _GET * 40, _GET, reads=False),
    "no pause": Kind(60, _RENDERED, _RENDERED),
}
TLS_KINDS: dict[str, Kind] = {
    "TLS, silent": Kind(200),
    "TLS, half a hello": Kind(200, _HELLO),
    "TLS, no TLS": Kind(50, _GET),
    "TLS, handshakes": Kind(20, handshake=True),
    "TLS, passwords": Kind(20, _WRONG, _WRONG, handshake=True),
}


class _Client:
    """Some connections that are opened again when they end."""

    def __init__(self, kind: Kind, port: int) -> None:
        self._kind = kind
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def turn(self) -> None:
        """Open what is missing, hear what was said, and say more."""
        missing = self._kind.connections - len(self._selector.get_map())
        for _ in range(min(missing, _OPENED_AT_ONCE)):
            with suppress(OSError):
                self._open()
        keys = list(self._selector.get_map().values())
        ready = keys if not self._kind.reads else [key for key, _ in self._selector.select(0)]
        for key in ready:
            one = key.fileobj
            if isinstance(one, socket.socket):
                self._go_on(one)

    def _open(self) -> None:
        one = socket.socket()
        if not self._kind.reads:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        one.settimeout(5)
        one.bind((ADDRESS, 0))
        one.connect(("127.0.0.1", self._port))
        if self._kind.handshake:
            one = self._tls.wrap_socket(one)
        one.setblocking(False)
        self._selector.register(one, selectors.EVENT_READ)
        self._say(one, self._kind.first)
        if self._kind.handshake and not self._kind.first:
            self._close(one)

    def _go_on(self, one: socket.socket) -> None:
        try:
            if self._kind.reads and not one.recv(65_536):
                self._close(one)
                return
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            self._close(one)
            return
        self._say(one, self._kind.again)

    def _say(self, one: socket.socket, what: bytes) -> None:
        try:
            if what:
                one.send(what)
            if self._kind.shuts:
                one.shutdown(socket.SHUT_WR)
        except (BlockingIOError, ssl.SSLWantWriteError):
            return
        except OSError:
            self._close(one)

    def _close(self, one: socket.socket) -> None:
        with suppress(KeyError):
            self._selector.unregister(one)
        one.close()


@contextmanager
def besieged(kind: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Such a client at a port of 127.0.0.1, which has begun and goes on inside."""
    command = [sys.executable, "-m", "tests.support.hostile", kind, str(port)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment() | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def descriptors(pid: int) -> int:
    """How many files and sockets a process holds."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def main() -> None:
    """Be such a client until somebody ends it."""
    name, port = sys.argv[1:]
    client = _Client((KINDS | TLS_KINDS)[name], int(port))
    client.turn()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while True:
        client.turn()
        time.sleep(_TURN_SECONDS)


if __name__ == "__main__":
    main()
