"""Server: the agent's end of the control socket: one JSON line in, one out, nobody can hold it."""

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gpuwatch.control.forms import Access
from gpuwatch.control.peers import GROUP, Peer, group_id, peer_of
from gpuwatch.control.requests import (
    ANSWER_LIMIT,
    REQUEST_LIMIT,
    ControlError,
    ErrorKind,
    Request,
    parse,
)

Handler = Callable[[Request, Peer], Mapping[str, object]]
Notice = Callable[[str, Mapping[str, object]], None]

_CLIENTS = 16
_CHUNK = 1 << 16
_DISCARD_SECONDS = 0.5
_PATH_LIMIT = 107  # sun_path, unix(7)
_MODE = 0o660


class ControlServer:
    """Listens at `path` until `stop`.

    `handler(request, peer)` runs in the connection's thread and returns the answer; it raises
    ControlError to refuse. Access is decided before it is called. `notice(event, facts)` is told
    of requests that failed, for the log. A client has `client_seconds` for its line, and the same
    for reading the answer; at most 16 clients are served at a time. Members of the group
    `group_name` may change things, where this host has that group.
    """

    def __init__(
        self,
        path: Path,
        handler: Handler,
        notice: Notice,
        *,
        client_seconds: float = 5.0,
        group_name: str = GROUP,
    ) -> None:
        self.path = path
        self._handler = handler
        self._notice = notice
        self._client_seconds = client_seconds
        self._group = group_id(group_name)
        self._group_name = group_name
        self._places = threading.BoundedSemaphore(_CLIENTS)
        self._stopping = threading.Event()
        self._lock_file: int | None = None
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)

    def start(self) -> None:
        """Open the socket and serve. Raises OSError or ControlError when that cannot be.

        A stale socket file is replaced; a socket that is alive, or is no socket, is refused.
        """
        if len(os.fsencode(self.path)) > _PATH_LIMIT:
            raise ControlError(
                ErrorKind.FAILED,
                f"control socket: {self.path} is longer than {_PATH_LIMIT} bytes",
                "choose a shorter agent.runtime_directory",
            )
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._lock()
        try:
            self._refuse_alive()
            self._socket = self._bind()
        except BaseException:
            self._unlock()
            raise
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether requests are taken."""
        return self._thread.is_alive()

    def stop(self, within_seconds: float = 1.0) -> None:
        """Close the socket and take its file away; a handler at work is not waited for."""
        self._stopping.set()
        if self._socket is None:
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
        self._socket.close()
        self._thread.join(within_seconds)
        self.path.unlink(missing_ok=True)
        self._unlock()
        self._socket = None

    def _lock(self) -> None:
        """Of two agents that start at once, one gets the socket. The kernel frees a dead one's."""
        self._lock_file = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._unlock()
            raise self._alive() from error

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _alive(self) -> ControlError:
        return ControlError(
            ErrorKind.FAILED,
            f"control socket: another agent listens at {self.path}",
            "stop it (systemctl stop gpuwatch), or set another agent.runtime_directory",
        )

    def _refuse_alive(self) -> None:
        """Raise unless the path is free or its socket is dead."""
        if not self.path.exists():
            return
        if not self.path.is_socket():
            raise ControlError(
                ErrorKind.FAILED,
                f"control socket: {self.path} exists and is no socket",
                "move it away, or set another agent.runtime_directory",
            )
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
            try:
                probe.connect(str(self.path))
            except ConnectionRefusedError:
                return
            except BlockingIOError:
                pass  # its queue is full: alive
        raise self._alive()

    def _bind(self) -> socket.socket:
        """A listening socket that has its owner and mode before anybody can find it."""
        temporary = self.path.with_name(f".{os.getpid()}.sock")
        temporary.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(temporary))
            if self._group not in (None, temporary.stat().st_gid):
                try:
                    os.chown(temporary, -1, self._group)
                except PermissionError:
                    facts = {"group": self._group_name, "path": str(self.path)}
                    self._notice("control-socket-group-not-set", facts)
            temporary.chmod(_MODE)
            listening.listen(_CLIENTS)
            temporary.rename(self.path)
        except BaseException:
            listening.close()
            temporary.unlink(missing_ok=True)
            raise
        return listening

    def _accept(self) -> None:
        listening = self._socket
        while listening is not None and not self._stopping.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                self._stopping.wait(0.1)  # stopped, or out of descriptors until some come free
                continue
            if not self._places.acquire(blocking=False):
                self._turn_away(connection)
                continue
            try:
                threading.Thread(
                    target=self._serve, args=(connection,), name="control-client", daemon=True
                ).start()
            except RuntimeError:  # the service's limit of tasks is reached
                self._places.release()
                self._turn_away(connection)

    def _turn_away(self, connection: socket.socket) -> None:
        busy = ControlError(
            ErrorKind.BUSY, f"{_CLIENTS} clients are being served", "try again in some seconds"
        )
        with connection, contextlib.suppress(OSError):
            connection.setblocking(False)
            connection.send(_line(busy.document()))

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                answer = _line(self._answer(connection))
                _send(connection, answer, self._client_seconds)
        finally:
            self._places.release()

    def _answer(self, connection: socket.socket) -> Mapping[str, object]:
        """The handler's answer, or the error in its place. Raises OSError for a client gone."""
        try:
            peer = peer_of(connection)
            request = parse(_receive(connection, self._client_seconds))
            self._check(request, peer)
            return self._handler(request, peer)
        except ControlError as refused:
            return refused.document()
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault in one answer must not end the agent
            self._notice("control-request-failed", {"error": repr(error)})
            failed = ControlError(
                ErrorKind.FAILED, f"the agent failed: {error!r}", "see its log; please report it"
            )
            return failed.document()

    def _check(self, request: Request, peer: Peer) -> None:
        if request.form.access is Access.READING or peer.may_change(os.geteuid(), self._group):
            return
        raise ControlError(
            ErrorKind.DENIED,
            f"{request.do} changes something, and uid {peer.uid} may only read",
            f"use sudo, or join the group {self._group_name}",
        )


def _line(answer: Mapping[str, object]) -> bytes:
    line = json.dumps(answer, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"
    if len(line) <= ANSWER_LIMIT:
        return line
    failed = ControlError(
        ErrorKind.FAILED, "the answer is larger than 16 MiB", "ask for less; please report it"
    )
    return _line(failed.document())


def _receive(connection: socket.socket, seconds: float) -> bytes:
    """One line within the time and size. Raises ControlError(USAGE), OSError when cut off."""
    deadline = time.monotonic() + seconds
    got = bytearray()
    while b"\n" not in got:
        if len(got) > REQUEST_LIMIT:
            _discard(connection)
            raise ControlError(
                ErrorKind.USAGE, f"a request is at most {REQUEST_LIMIT} bytes", "shorten it"
            )
        left = deadline - time.monotonic()
        if left <= 0:
            raise ControlError(
                ErrorKind.USAGE, f"no whole line came within {seconds:g} s", "send one JSON line"
            )
        connection.settimeout(left)
        try:
            chunk = connection.recv(_CHUNK)
        except TimeoutError:
            continue
        if not chunk:
            raise ConnectionAbortedError("the client closed before its line was whole")
        got += chunk
    return bytes(got.partition(b"\n")[0])


def _discard(connection: socket.socket) -> None:
    """Read what else is on its way: a client to whom it is sent back unread loses the answer."""
    connection.settimeout(_DISCARD_SECONDS)
    with contextlib.suppress(OSError):
        left = 2 * REQUEST_LIMIT
        while left > 0 and (chunk := connection.recv(_CHUNK)):
            left -= len(chunk)


def _send(connection: socket.socket, line: bytes, seconds: float) -> None:
    """All of it within the time, however slowly the client reads."""
    deadline = time.monotonic() + seconds
    left = memoryview(line)
    while left and (remaining := deadline - time.monotonic()) > 0:
        connection.settimeout(remaining)
        left = left[connection.send(left) :]
