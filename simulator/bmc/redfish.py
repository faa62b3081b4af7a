"""Redfish: a simulated service over HTTPS, which notes every request, and may misbehave.

It serves a tree (see redfish_servers.py) that may change while it runs. `faults` are what befalls
requests for a path, `*` being all of them.
"""

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from simulator.bmc.certificate import Certificate
from simulator.bmc.redfish_answers import Behaviour, find
from simulator.bmc.redfish_tree import ROOT, Resource, Tree, link

USER, PASSWORD = "monitor", "redfish-secret"
SESSIONS = "SessionService/Sessions"
_PIECE = b'{"Name": "' + b"x" * 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What befalls a request. `times` bounds how often, None being always."""

    status: int | None = None
    body: bytes | None = None
    location: str = ""  # of a redirection
    hang_seconds: float = 0.0
    drop: bool = False  # the connection, without an answer
    short: bool = False  # a body that ends before it should
    endless: bool = False
    drip_seconds: float = 0.0  # between two bytes of the body
    drip_headers: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came, and how it was answered (0: not at all)."""

    method: str
    path: str
    status: int


@dataclass(slots=True)
class _State:
    """What the threads of a service share, under one lock."""

    requests: list[Request] = field(default_factory=list)
    sessions: dict[str, tuple[str, float]] = field(default_factory=dict)  # token: name, last used
    connections: int = 0
    logins: int = 0
    arrived: list[str] = field(default_factory=list)  # paths, whether or not they were answered


class RedfishBmc:
    """A service; use as a context."""

    def __init__(
        self, tree: Tree, certificate: Certificate, behaviour: Behaviour | None = None
    ) -> None:
        self.tree = tree
        self.certificate = certificate
        self.behaviour = behaviour or Behaviour()
        self.faults: dict[str, Fault] = {}
        self.accounts = {USER: PASSWORD}
        self.lock = threading.RLock()
        self.ended = threading.Event()
        self.state = _State()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where it listens, `host:port`."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def sessions(self) -> int:
        """How many are open."""
        with self.lock:
            return len(self.state.sessions)

    @property
    def requests(self) -> tuple[Request, ...]:
        """All, so far."""
        with self.lock:
            return tuple(self.state.requests)

    def arrivals(self, path: str) -> int:
        """How many requests came for `path`, without `/redfish/v1/`."""
        with self.lock:
            return self.state.arrived.count(path)

    def expire_sessions(self) -> None:
        """End all sessions, as a BMC does that starts anew."""
        with self.lock:
            self.state.sessions.clear()

    def set(self, place: str, value: object) -> None:
        """Change a value; see Tree.set."""
        with self.lock:
            self.tree.set(place, value)

    def log(self, path: str, message: str, **properties: object) -> None:
        """Write an entry into the log service at `path`."""
        with self.lock:
            entries = self.tree.logs[f"{path}/Entries"]
            record = str(max((int(each["Id"]) for each in entries), default=0) + 1)
            created = datetime.now(UTC).isoformat(timespec="seconds")
            entries.append(
                {
                    "Id": record,
                    "Created": created,
                    "EntryType": "Event",
                    "Severity": "OK",
                    "Message": message,
                    **properties,
                }
            )
            most = self.tree.resources[path].get("MaxNumberOfRecords", 1_000)
            del entries[: max(len(entries) - most, 0)]

    def clear_log(self, path: str) -> None:
        """Empty a log, as another tool might."""
        with self.lock:
            self.tree.logs[f"{path}/Entries"].clear()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, bmc: RedfishBmc) -> None:
        self.bmc = bmc
        self._context = bmc.certificate.context()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[Any, Any]:
        """The handshake is the handler's matter: it may take long, or fail."""
        connection, peer = super().get_request()
        with self.bmc.lock:
            self.bmc.state.connections += 1
        connection.settimeout(60)
        wrapped = self._context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        return wrapped, peer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is none."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is sent in one piece
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        bmc = self.server.bmc
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        place = urlsplit(self.path)
        path = place.path.removeprefix(ROOT).strip("/")
        with bmc.lock:
            bmc.state.arrived.append(path)
        bmc.ended.wait(bmc.behaviour.delay_seconds)
        fault = bmc.faults.get(path) or bmc.faults.get("*")
        if fault is not None:
            self._misbehave(fault)
            return
        with bmc.lock:
            status, document, headers = self._answer(path, parse_qs(place.query), sent)
        self._send(status, json.dumps(document).encode() if document is not None else b"", headers)

    def _answer(
        self, path: str, query: dict[str, list[str]], sent: bytes
    ) -> tuple[int, Resource | None, dict[str, str]]:
        bmc = self.server.bmc
        if self.command == "POST" and path == SESSIONS:
            return self._log_in(sent)
        if path and bmc.behaviour.wants_login and not self._known():
            return 401, None, {}
        if self.command == "DELETE" and path.startswith(f"{SESSIONS}/"):
            return self._log_out(path.rpartition("/")[2])
        if self.command != "GET":
            return 405, None, {}
        return self._get(find(bmc.tree, bmc.behaviour, path, query))

    def _get(self, document: Resource | None) -> tuple[int, Resource | None, dict[str, str]]:
        if document is None:
            return 404, None, {}
        if not self.server.bmc.behaviour.tags:
            return 200, document, {}
        tag = f'"{hash(json.dumps(document, sort_keys=True)) & 0xFFFFFFFF:08x}"'
        same = self.headers.get("If-None-Match") == tag
        return (304, None, {"ETag": tag}) if same else (200, document, {"ETag": tag})

    def _known(self) -> bool:
        bmc, now = self.server.bmc, time.monotonic()
        sessions = bmc.state.sessions
        for token, (_, used_at) in list(sessions.items()):
            if now - used_at > bmc.behaviour.session_seconds:
                del sessions[token]
        token = self.headers.get("X-Auth-Token", "")
        if token in sessions:
            sessions[token] = (sessions[token][0], now)
            return True
        basic = self.headers.get("Authorization", "")
        return basic in {_basic(user, password) for user, password in bmc.accounts.items()}

    def _log_in(self, sent: bytes) -> tuple[int, Resource | None, dict[str, str]]:
        bmc = self.server.bmc
        if not bmc.behaviour.sessions:
            return 404, None, {}
        said = json.loads(sent)
        if bmc.accounts.get(said.get("UserName")) != said.get("Password"):
            return 401, None, {}
        if len(bmc.state.sessions) >= bmc.behaviour.sessions:
            message = {"MessageId": "Base.1.8.SessionLimitExceeded", "Message": "no session left"}
            return 503, {"error": {"@Message.ExtendedInfo": [message]}}, {}
        bmc.state.logins += 1
        token, name = secrets.token_hex(16), str(bmc.state.logins)
        bmc.state.sessions[token] = (name, time.monotonic())
        at = link(f"{SESSIONS}/{name}")
        session: Resource = {**at, "Id": name}
        if bmc.behaviour.password_expired:
            session["@Message.ExtendedInfo"] = [
                {"MessageId": "Base.1.8.PasswordChangeRequired", "MessageArgs": ["Accounts"]}
            ]
        return 201, session, {"X-Auth-Token": token, "Location": at["@odata.id"]}

    def _log_out(self, name: str) -> tuple[int, Resource | None, dict[str, str]]:
        sessions = self.server.bmc.state.sessions
        for token, (known, _) in list(sessions.items()):
            if known == name:
                del sessions[token]
                return 204, None, {}
        return 404, None, {}

    def _misbehave(self, fault: Fault) -> None:
        bmc = self.server.bmc
        bmc.ended.wait(fault.hang_seconds)
        if fault.drop or fault.hang_seconds:
            self._note(0)
            self.close_connection = True
            return
        status = fault.status or 200
        if fault.endless or fault.drip_seconds or fault.drip_headers:
            self._trickle(status, fault)
            return
        headers = {"Location": fault.location} if fault.location else {}
        body = fault.body or b""
        if fault.short:
            headers["Content-Length"] = str(len(body) + 100)
            self.close_connection = True
        self._send(status, body, headers)

    def _trickle(self, status: int, fault: Fault) -> None:
        """An answer that does not end."""
        ended = self.server.bmc.ended
        self._note(status)
        self.close_connection = True
        try:
            if fault.drip_headers:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                self.wfile.flush()
            else:
                self.send_response(status)
                self.end_headers()
            while not ended.wait(fault.drip_seconds):
                self.wfile.write(b" " if fault.drip_seconds else _PIECE)
                self.wfile.flush()
        except OSError:
            return

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._note(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _note(self, status: int) -> None:
        bmc = self.server.bmc
        with bmc.lock:
            bmc.state.requests.append(Request(self.command, self.path, status))


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
