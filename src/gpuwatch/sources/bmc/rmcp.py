"""RMCP: pyghmi's session over LAN, made safe for a process that lives for years.

It has one thread, deadlines, and a gate that every payload passes; what nobody understands is
dropped, and nothing of an ended session is left to be found by the next.
"""

import math
import select
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

from pyghmi.ipmi.private import session

from gpuwatch.sources.bmc import gate

_LONGEST_DATAGRAM = 3_000
_BURST = 64  # datagrams taken at once: a flood must not keep us from looking at the clock
_RMCP_PLUS = 6
_TIMED_OUT = 0xFFFF  # pyghmi's own completion code
_SHA_256 = 256
_LESS_PATIENT = 0.5  # seconds
_LOG_IN_PATIENCE = 2.5  # seconds: the longest wait for a repetition of a log-in
_ESTABLISHED = "ESTABLISHED"
_UNREADABLE = (LookupError, ValueError, TypeError, AttributeError, struct.error)


class Stage(StrEnum):
    """How far a log-in came."""

    CAPABILITIES = "capabilities"
    VERSION = "version"  # it speaks IPMI 1.5 only
    OPEN = "open"
    NAME = "name"  # RAKP 2: user, privilege, and whether we share a password
    KEY = "key"  # RAKP 4: and the BMC key
    PRIVILEGE = "privilege"
    DONE = "done"


class OverdueError(Exception):
    """The deadline passed while an answer was awaited."""


class Patience:
    """Until when pyghmi may wait, on the monotonic clock."""

    def __init__(self) -> None:
        self.until = math.inf

    def left(self) -> float:
        """Seconds; raises OverdueError when there are none."""
        seconds = self.until - time.monotonic()
        if seconds <= 0:
            raise OverdueError
        return seconds


PATIENCE = Patience()


def _wait(seconds: float, _address: object = None, _events: object = None) -> None:
    """Wait for datagrams and hand them to the session: in place of pyghmi's second thread.

    That thread loses wake-ups, so that a fast BMC stalls for a second, and knows no deadline.
    """
    wait = max(min(seconds, PATIENCE.left()), 0.0)
    poller = select.poll()
    for each in session.iosockets:
        poller.register(each, select.POLLIN)
    poller.poll(math.ceil(min(wait, 3600.0) * 1000))
    for each in session.iosockets:
        _take(each)
    while session.sessionqueue:
        session.sessionqueue.popleft().process_pktqueue()


def _take(socket: Any) -> None:  # noqa: ANN401 - a socket
    port = socket.getsockname()[1]
    for _ in range(_BURST):
        received = session._io_recvfrom(socket, _LONGEST_DATAGRAM)  # noqa: SLF001 - see module
        if received is None:
            return
        data, address = received
        handler = session.Session.bmc_handlers.get(address, {}).get(port)
        if handler is not None:
            handler.pktqueue.append((data, address, socket, True))
            session.sessionqueue.append(handler)


def _log(*words: object) -> None:
    """What the library prints belongs into the log: standard output is for messages."""
    sys.stderr.write(" ".join(map(str, words)) + "\n")


session._io_wait = _wait  # noqa: SLF001 - there is no other way to bound its waits
session._monotonic_time = time.monotonic  # noqa: SLF001 - its own counts in steps of 10 ms
session.iothread = _wait  # anything but None: no thread is started
session.iothreadready = True
session.print = _log


class Session(session.Session):
    """A session whose log-in says where it failed, and which sends nothing but what the gate lets.

    `refused` says that the BMC answered no, with `status` of RMCP+ or IPMI, 0 where a key differs.
    """

    stage = Stage.CAPABILITIES
    status = 0
    refused = False

    @property
    def cipher_suite(self) -> int:
        """17 (SHA-256) or 3 (SHA-1); others are never proposed."""
        return 17 if self.attemptedhash == _SHA_256 else 3

    def send_payload(
        self,
        payload: Sequence[int] = (),
        payload_type: int | None = None,
        *others: Any,  # noqa: ANN401 - the library's own
        **named: Any,  # noqa: ANN401 - likewise
    ) -> None:
        """Everything that leaves goes through here. Raises ForbiddenCommandError."""
        if payload:  # without one the last is repeated
            gate.check_payload(-1 if payload_type is None else payload_type, payload)
        super().send_payload(payload, payload_type, *others, **named)

    def onlogon(self, parameter: dict[str, Any]) -> None:
        """The log-in has ended, well or not."""
        if "error" in parameter:
            self.refused = parameter.get("code") != _TIMED_OUT
        else:
            self.stage = Stage.DONE
        super().onlogon(parameter)

    def _handle_ipmi_packet(
        self, data: bytearray, sockaddr: object = None, qent: object = None
    ) -> int | None:
        # A packet of IPMI 1.5 has no place in a session of 2.0: its sequence number, which nothing
        # vouches for, would make the library drop what comes after.
        if self.authtype == _RMCP_PLUS and data[4:5] != bytes([_RMCP_PLUS]):
            return None
        with suppress(*_UNREADABLE):
            return super()._handle_ipmi_packet(data, sockaddr, qent)
        if self.logging and self not in session.Session.waiting_sessions:
            # Taken for an answer before it was seen to be none: nothing would be asked again.
            self._mark_broken("an answer that nobody can read")
        return None

    def _timedout(self) -> None:
        # Each repetition would wait a whole second longer than the one before it: of four tries
        # one in sixty fails where a fifth of all datagrams is lost, of seven one in a thousand.
        self.timeout -= _LESS_PATIENT
        super()._timedout()

    def _relog(self) -> None:
        # The library forgets a session that does not answer, and a BMC that was only deaf for a
        # while would keep it for a minute.
        if self.sessioncontext == _ESTABLISHED:
            self.lastpayload = None  # kept by the library, to be sent in the new session
            netfn, number = gate.CLOSE_SESSION
            data = bytearray(struct.pack("<I", self.sessionid))
            closing = self._make_ipmi_payload(netfn, number, None, data)
            self.send_payload(closing, gate.IPMI_MESSAGE, retry=False)
        self.maxtimeout = _LOG_IN_PATIENCE
        super()._relog()

    def _got_channel_auth_cap(self, response: dict[str, Any]) -> None:
        self.status = response.get("code", 0)
        super()._got_channel_auth_cap(response)

    def _get_session_challenge(self) -> None:
        self.stage = Stage.VERSION
        self.onlogon({"error": "IPMI 1.5"})

    def _got_rmcp_response(self, data: bytearray) -> int | None:
        self.stage, self.status = Stage.OPEN, data[1]
        return super()._got_rmcp_response(data)

    def _got_rakp2(self, data: bytearray) -> int | None:
        self.stage, self.status = Stage.NAME, data[1]
        return super()._got_rakp2(data)

    def _got_rakp4(self, data: bytearray) -> int | None:
        self.stage, self.status = Stage.KEY, data[1]
        return super()._got_rakp4(data)

    def _req_priv_level(self) -> None:
        self.stage = Stage.PRIVILEGE
        super()._req_priv_level()


def forget() -> None:
    """Leave nothing that the next session could take for its own, and close every socket."""
    for kept in (
        session.Session.bmc_handlers,
        session.Session.initting_sessions,
        session.Session.waiting_sessions,
        session.Session.keepalive_sessions,
        session.Session.socketpool,
        session.sessionqueue,
        session.ioqueue,
    ):
        kept.clear()
    for each in session.iosockets:
        each.close()
    session.iosockets.clear()
