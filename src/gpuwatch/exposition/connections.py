"""Connections: one client from its welcome, with TLS or without, to a parting that it can read."""

import asyncio
import socket
from dataclasses import dataclass, field
from time import monotonic

from gpuwatch.exposition.messages import HeadLimits
from gpuwatch.exposition.protection import Protection

_PARTING_BYTES = 65_536
_PARTING_SECONDS = 1.0
_GLANCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may take.

    A connection gets `head_seconds` for a TLS handshake and as many for each whole request head,
    `response_seconds` to take the whole answer, `idle_seconds` between requests (longer than any
    scrape interval in use) and `connection_seconds` in all. At most `connections` are open, and of
    one address at most `strangers` that have not been answered yet. An address may connect `burst`
    times at once and then so often `each_second`; see `crowd`.
    """

    connections: int = 64
    strangers: int = 16
    each_second: float = 100.0
    burst: int = 64
    head: HeadLimits = field(default_factory=HeadLimits)
    head_seconds: float = 10.0
    response_seconds: float = 30.0
    idle_seconds: float = 150.0
    connection_seconds: float = 3_600.0


class Connection:
    """One client. `since` is when it began to wait for, send or take what it is at (monotonic).

    `protection` is the one that it was let in by. It can be spoken with once `welcome` has said so.
    """

    def __init__(self, taken: socket.socket, group: str, protection: Protection) -> None:
        self.group = group
        self.protection = protection
        self.opened = self.since = monotonic()
        self.stranger = True
        self.task: asyncio.Task[None] | None = None
        self._socket = taken
        self._transport: asyncio.Transport | None = None
        self._upgraded: asyncio.Transport | None = None
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def welcome(self, limits: Limits) -> bool:
        """Open it, by TLS where that is asked for; whether this client may speak at all."""
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=limits.head.head_bytes)
        tls = self.protection.tls
        protocol = _Stream(self.reader)
        first = protocol if tls is None else _Waiting()
        if tls is not None:
            async with asyncio.timeout(limits.head_seconds):
                await _has_spoken(self._socket)
        transport, _ = await loop.connect_accepted_socket(lambda: first, self._socket)
        self._transport = transport
        if tls is not None:
            upgraded = await loop.start_tls(
                transport,
                protocol,
                tls,
                server_side=True,
                ssl_handshake_timeout=limits.head_seconds,
                ssl_shutdown_timeout=_PARTING_SECONDS,
            )
            if upgraded is None:  # it left in this instant
                return False
            self._upgraded = transport = upgraded
            protocol.over_tls = True
            protocol.connection_made(upgraded)
        self.writer = asyncio.StreamWriter(transport, protocol, self.reader, loop)
        # A full answer must have left before its deadline, so drain() waits for an empty buffer.
        # (TLS takes an empty buffer for a full one where the limit is 0.)
        transport.set_write_buffer_limits(high=0 if tls is None else 1, low=0)
        return self.protection.admits(transport.get_extra_info("peercert"))

    async def send(self, message: bytes, limits: Limits) -> None:
        """Send all of a message within its time. Raises TimeoutError or OSError."""
        self.since = monotonic()
        self.writer.write(message)
        async with asyncio.timeout(limits.response_seconds):
            await self.writer.drain()
            # By TLS it has then left for the transport below, which tells nobody when it is done.
            while self._transport is not None and self._transport.get_write_buffer_size():  # noqa: ASYNC110
                await asyncio.sleep(_GLANCE_SECONDS)

    async def part(self) -> None:
        """Say goodbye so that the client gets the answer: closing on unread bytes resets it."""
        self.since = monotonic()
        if not self.writer.can_write_eof():  # TLS has a goodbye of its own
            self.writer.close()
            async with asyncio.timeout(2 * _PARTING_SECONDS):
                await self.writer.wait_closed()
            return
        self.writer.write_eof()
        left = _PARTING_BYTES
        async with asyncio.timeout(_PARTING_SECONDS):
            while left > 0 and (piece := await self.reader.read(left)):
                left -= len(piece)

    def end(self) -> None:
        """End it wherever it is."""
        if self.task is not None:
            self.task.cancel()
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Let go of the socket, at once and without a word."""
        if self._upgraded is not None:
            self._upgraded.abort()
        if self._transport is not None:
            self._transport.abort()
        else:
            self._socket.close()


async def _has_spoken(taken: socket.socket) -> None:
    """Wait for the first bytes: who is silent does not cost the quarter of a megabyte of TLS."""
    loop = asyncio.get_running_loop()
    spoken = asyncio.Event()
    loop.add_reader(taken, spoken.set)
    try:
        await spoken.wait()
    finally:
        loop.remove_reader(taken)


class _Waiting(asyncio.Protocol):
    """Reads nothing: what a client sends first is for TLS."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.ReadTransport):
            transport.pause_reading()


class _Stream(asyncio.StreamReaderProtocol):
    """A stream; by TLS nothing can be said to who has said that it ends."""

    over_tls = False

    def eof_received(self) -> bool:
        return bool(super().eof_received()) and not self.over_tls
