"""LAN: one session with a BMC over RMCP+, from its name to its end, each step with a deadline."""

import queue
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pyghmi.exceptions import IpmiException

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc.gate import CLOSE_SESSION, Command
from gpuwatch.sources.bmc.link import Answer
from gpuwatch.sources.bmc.refusals import refusal, silence
from gpuwatch.sources.bmc.rmcp import PATIENCE, OverdueError, Session, Stage, forget
from gpuwatch.sources.bmc_loop import Trouble

PRIVILEGES = {"user": 2, "operator": 3, "administrator": 4}
NAME_SECONDS = 10.0
LOG_IN_SECONDS = 20.0
COMMAND_SECONDS = 30.0  # it is repeated for 16 s, then we log in again and repeat it once more
CLOSE_SECONDS = 1.0
_REST_SECONDS = 5.0
_BREATH_SECONDS = 0.05
_DEFAULT_PORT = 623


def resolve(host: str, port: int, seconds: float = NAME_SECONDS) -> list[str]:
    """The addresses of a name. Raises Trouble, also when the name service is silent.

    In a thread of its own, because a resolver cannot be told how long it may take.
    """
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        found = answers.get(timeout=seconds)
    except queue.Empty:
        text = f"the name service says nothing of {host} within {seconds:g} s (use an IP address)"
        raise Trouble(BmcTrouble.UNREACHABLE, text) from None
    if isinstance(found, OSError):
        text = f"its name {host} does not resolve: {found.strerror} (see `address`)"
        raise Trouble(BmcTrouble.UNREACHABLE, text) from found
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def split_address(address: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[IPv6]:port"; the port may be left out."""
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = address, str(_DEFAULT_PORT)
    return host.strip("[]"), int(port)


def key_of(text: str) -> bytes | None:
    """A BMC key as it is written: text, or hexadecimal behind 0x. None for no key."""
    if text.startswith("0x"):
        with suppress(ValueError):
            return bytes.fromhex(text[2:])
    return text.encode() or None


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Bound everything that the library waits for in the block. Raises OverdueError."""
    PATIENCE.until = time.monotonic() + seconds
    try:
        yield
    finally:
        PATIENCE.until = float("inf")


class LanLink:
    """A session that is logged in. Of such there is at most one in a process."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def open(cls, settings: Mapping[str, Any], attempt: int = 0) -> "LanLink":
        """Log in. Raises Trouble. Of several addresses, each `attempt` takes the next."""
        host, port = split_address(str(settings["address"]))
        addresses = resolve(host, port)
        forget()
        try:
            return cls(_log_in(addresses[attempt % len(addresses)], port, settings))
        except BaseException:
            forget()
            raise

    @property
    def cipher_suite(self) -> int | None:
        """The suite that protects the session."""
        return self._session.cipher_suite

    @property
    def alive(self) -> bool:
        """Whether it is still logged in, as far as we know."""
        return bool(self._session.logged) and not self._session.broken

    def ask(self, command: Command, data: Sequence[int] = (), lun: int = 0) -> Answer:
        """Send one command. Raises Trouble when no answer comes."""
        netfn, number = command
        try:
            with _within(COMMAND_SECONDS):
                told = self._session.raw_command(netfn, number, data=bytes(data), rslun=lun)
        except (IpmiException, OverdueError) as error:
            raise silence(self._session.stage) from error
        return Answer(int(told["code"]), bytes(told["data"]))

    def rest(self, seconds: float) -> None:
        """Wait inside the library: only there does it send what keeps the session alive."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not self.alive:
                time.sleep(left)
                return
            Session.wait_for_rsp(min(left, _REST_SECONDS))
            # It comes back with each datagram, whoever sent it.
            time.sleep(min(max(until - time.monotonic(), 0.0), _BREATH_SECONDS))

    def close(self) -> None:
        """Log out: a BMC has few sessions, and keeps those that nobody closed. Never raises."""
        with suppress(Exception):
            self._log_out()
        forget()

    def _log_out(self) -> None:
        session = self._session
        if session.logged:
            # Whatever was under way is over: the library would wait for its answer first.
            session.lastpayload = None
            session.incommand = False
            session.pendingpayloads.clear()
            Session.waiting_sessions.pop(session, None)
            with _within(CLOSE_SECONDS):
                _ask_to_close(session)


def _ask_to_close(session: Session, *, repeatedly: bool = True) -> None:
    netfn, number = CLOSE_SESSION
    data = struct.pack("<I", session.sessionid)
    session.raw_command(netfn, number, data=data, retry=repeatedly)


def _log_in(address: str, port: int, settings: Mapping[str, Any]) -> Session:
    stage_of: list[Session] = []
    try:
        with _within(LOG_IN_SECONDS):
            # As bytes: with texts the library would hand out a dead session for ever.
            session = Session(
                address,
                str(settings["user"]).encode(),
                str(settings["password"]).encode(),
                port=port,
                kg=key_of(str(settings.get("kg") or "")),
                onlogon=lambda _outcome: None,
                privlevel=PRIVILEGES[str(settings.get("privilege") or "user")],
            )
            stage_of.append(session)
            while session.logging:
                Session.wait_for_rsp(LOG_IN_SECONDS)
    except (IpmiException, OverdueError) as error:
        raise silence(stage_of[0].stage if stage_of else Session.stage) from error
    if session.refused:
        if session.stage is Stage.PRIVILEGE:
            # The session is open, only too low; the library forgets it.
            session.logged = 1
            with suppress(Exception):
                _ask_to_close(session, repeatedly=False)
        raise refusal(session.stage, session.status)
    if not session.logged or session.broken:
        raise silence(session.stage)
    return session
