# What gpuwatch uses, and replaces, of pyghmi's session over LAN, typed.

import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

iothread: object
iothreadready: bool
iosockets: list[socket.socket]
ioqueue: deque[Any]
sessionqueue: deque[Session]
print: Callable[..., None]  # noqa: A001 - the built-in one, until a module of that name has its own
_monotonic_time: Callable[[], float]
_io_wait: Callable[..., None]

def _io_recvfrom(mysocket: socket.socket, size: int) -> tuple[bytes, tuple[Any, ...]] | None: ...

class Session:
    bmc_handlers: dict[tuple[Any, ...], dict[int, Session]]
    waiting_sessions: dict[Session, dict[str, Any]]
    initting_sessions: dict[tuple[Any, ...], Session]
    keepalive_sessions: dict[Session, dict[str, Any]]
    socketpool: dict[socket.socket, int]

    logged: int
    logging: bool
    broken: bool
    authtype: int
    attemptedhash: int
    sessionid: int
    timeout: float
    maxtimeout: float
    sessioncontext: str | None
    incommand: float | bool
    lastpayload: bytearray | None
    pendingpayloads: deque[Any]
    pktqueue: deque[Any]

    def __init__(
        self,
        bmc: str,
        userid: bytes,
        password: bytes,
        port: int = 623,
        kg: bytes | None = None,
        onlogon: Callable[[dict[str, Any]], None] | None = None,
        privlevel: int | None = None,
        keepalive: bool = True,
    ) -> None: ...
    def raw_command(
        self,
        netfn: int,
        command: int,
        bridge_request: object = None,
        data: Sequence[int] = (),
        retry: bool = True,
        delay_xmit: float | None = None,
        timeout: float | None = None,
        callback: object = None,
        rslun: int = 0,
    ) -> dict[str, Any]: ...
    def send_payload(
        self,
        payload: Sequence[int] = (),
        payload_type: int | None = None,
        retry: bool = True,
        delay_xmit: float | None = None,
        needskeepalive: bool = False,
        timeout: float | None = None,
    ) -> None: ...
    def process_pktqueue(self) -> None: ...
    def onlogon(self, parameter: dict[str, Any]) -> None: ...
    def _mark_broken(self, error: object = None) -> None: ...
    def _handle_ipmi_packet(
        self, data: bytearray, sockaddr: object = None, qent: object = None
    ) -> int | None: ...
    def _got_channel_auth_cap(self, response: dict[str, Any]) -> None: ...
    def _get_session_challenge(self) -> None: ...
    def _got_rmcp_response(self, data: bytearray) -> int | None: ...
    def _got_rakp2(self, data: bytearray) -> int | None: ...
    def _got_rakp4(self, data: bytearray) -> int | None: ...
    def _req_priv_level(self) -> None: ...
    def _timedout(self) -> None: ...
    def _relog(self) -> None: ...
    def _make_ipmi_payload(
        self, netfn: int, command: int, bridge_request: object, data: bytearray
    ) -> bytearray: ...
    @classmethod
    def wait_for_rsp(cls, timeout: float | None = None, callout: bool = True) -> int: ...
