"""Web: a bounded HTTP/1.1 server on one thread, which no client can hold up."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Thread
from time import monotonic
from typing import TypeVar

from gpuwatch.exposition.listen import Address, bind
from gpuwatch.exposition.messages import (
    METHODS,
    HeadLimits,
    Request,
    RequestError,
    Response,
    encode,
    parse_head,
    plain,
)

Handler = Callable[[Request], Response]
Report = Callable[[str, Exception], None]
_END_OF_HEAD = b"\r\n\r\n"
_PARTING_BYTES = 65_536
_PARTING_SECONDS = 1.0
_Got = TypeVar("_Got")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may take.

    A connection gets `head_seconds` for a whole request head, `response_seconds` to take the whole
    answer, `idle_seconds` between requests (longer than any scrape interval in use) and
    `connection_seconds` in all. At most `connections` are open: one more ends the one that has
    been longest in its present state, so that neither idle nor slow clients keep a scrape out.
    """

    connections: int = 64
    head: HeadLimits = field(default_factory=HeadLimits)
    head_seconds: float = 10.0
    response_seconds: float = 30.0
    idle_seconds: float = 150.0
    connection_seconds: float = 3_600.0


@dataclass(slots=True, eq=False)
class _Connection:
    """One client; `since` is when it began to wait for, send or take what it is at (monotonic)."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    opened: float
    since: float


class WebServer:
    """Answers GET and HEAD on some addresses by asking `handler`, on a thread of its own.

    The handler runs on that thread and must not block: it copies or renders, it never waits. When
    it raises, the client gets a 500 without detail and `report` the path and the exception. Access
    control belongs around the handler, TLS into `_listen`.
    """

    def __init__(
        self,
        addresses: tuple[Address, ...],
        handler: Handler,
        *,
        report: Report,
        limits: Limits | None = None,
    ) -> None:
        self._addresses = addresses
        self._handler = handler
        self._report = report
        self._limits = limits or Limits()
        self._sockets: tuple[socket.socket, ...] = ()
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Bind every address and begin to answer. Raises ListenError, and then listens nowhere."""
        bound: list[socket.socket] = []
        try:
            for address in self._addresses:
                bound.extend(bind(address))
        except Exception:
            for listening in bound:
                listening.close()
            raise
        self._sockets = tuple(bound)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, args=(self._loop,), name="web", daemon=True)
        self._thread.start()

    @property
    def ports(self) -> tuple[int, ...]:
        """The port of every listening socket, in the order of the addresses."""
        return tuple(listening.getsockname()[1] for listening in self._sockets)

    @property
    def alive(self) -> bool:
        """Whether requests are answered."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def open_connections(self) -> int:
        """How many clients are connected at this instant."""
        return len(self._connections)

    def stop(self, within_seconds: float) -> None:
        """End every connection and free the ports; never waits longer than told."""
        if self._loop is None or self._thread is None or not self._thread.is_alive():
            return
        with suppress(RuntimeError):  # the loop closed in this instant: it has stopped
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(within_seconds)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._serve_until_stopped())

    async def _serve_until_stopped(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        servers = [await self._listen(listening) for listening in self._sockets]
        await self._stop.wait()
        # Python 3.11 trips over a connection taken just before its server is closed, so stop taking
        # connections first, end all there are, and then close.
        for listening in self._sockets:
            loop.remove_reader(listening)
        await self._end_connections()
        for server in servers:
            server.close()

    async def _end_connections(self) -> None:
        # A client whose connection was taken in this very instant becomes a task a little later.
        until = monotonic() + _PARTING_SECONDS
        this = asyncio.current_task()
        while (others := {*asyncio.all_tasks()} - {this}) and monotonic() < until:
            for connection in tuple(self._connections):
                connection.writer.transport.abort()
            await asyncio.wait(others, timeout=_PARTING_SECONDS / 20)
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn

    async def _listen(self, listening: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(
            self._connected, sock=listening, limit=self._limits.head.head_bytes
        )

    def _on_loop_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self._report(str(context.get("message", "")), error)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._attend(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now = monotonic()
        connection = _Connection(reader, writer, opened=now, since=now)
        self._make_room()
        self._connections.add(connection)
        # A full answer must have left before its deadline, so drain() waits for an empty buffer.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            await self._converse(connection)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client left or was too slow: nobody to tell
        finally:
            self._connections.discard(connection)
            writer.transport.abort()

    def _make_room(self) -> None:
        while len(self._connections) >= self._limits.connections:
            longest = min(self._connections, key=lambda connection: connection.since)
            self._connections.discard(longest)
            longest.writer.transport.abort()

    async def _converse(self, connection: _Connection) -> None:
        deadline = connection.opened + self._limits.connection_seconds
        patience = self._limits.head_seconds
        while True:
            connection.since = monotonic()
            first = await _within(min(patience, deadline - monotonic()), connection.reader.read(1))
            if not first:
                return
            keep_alive = await self._exchange(connection, first)
            if not keep_alive or monotonic() >= deadline:
                await _part(connection)
                return
            patience = self._limits.idle_seconds

    async def _exchange(self, connection: _Connection, first: bytes) -> bool:
        """Read one request, send its answer; whether the connection may be used again."""
        connection.since = monotonic()
        try:
            request = parse_head(first + await self._rest_of_head(connection), self._limits.head)
        except RequestError as error:
            allow = (("Allow", ", ".join(METHODS)),)
            is_method = error.status is HTTPStatus.METHOD_NOT_ALLOWED
            refusal = plain(error.status, error.sentence, *(allow if is_method else ()))
            await self._send(connection, encode(refusal, head_only=False, keep_alive=False))
            return False
        response = self._answer(request)
        head_only = request.method == "HEAD"
        await self._send(
            connection, encode(response, head_only=head_only, keep_alive=request.keep_alive)
        )
        return request.keep_alive

    async def _rest_of_head(self, connection: _Connection) -> bytes:
        try:
            return await _within(
                self._limits.head_seconds, connection.reader.readuntil(_END_OF_HEAD)
            )
        except asyncio.LimitOverrunError as error:
            raise RequestError(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the request head is longer than {self._limits.head.head_bytes} bytes",
            ) from error
        except TimeoutError as error:
            raise RequestError(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the request head took longer than {self._limits.head_seconds:g} s",
            ) from error

    async def _send(self, connection: _Connection, message: bytes) -> None:
        connection.since = monotonic()
        connection.writer.write(message)
        await _within(self._limits.response_seconds, connection.writer.drain())

    def _answer(self, request: Request) -> Response:
        try:
            return self._handler(request)
        except Exception as error:  # noqa: BLE001 - one bad page must not end the server
            self._report(request.path, error)
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, "gpuwatch failed to answer; see its log")


async def _within(seconds: float, awaited: Awaitable[_Got]) -> _Got:
    return await asyncio.wait_for(awaited, max(seconds, 0.0))


async def _part(connection: _Connection) -> None:
    """Say goodbye so that the client gets the answer: closing on unread bytes would reset it."""
    if not connection.writer.can_write_eof():
        return
    connection.writer.write_eof()
    connection.since = monotonic()
    left = _PARTING_BYTES
    until = connection.since + _PARTING_SECONDS
    while left > 0:
        piece = await _within(until - monotonic(), connection.reader.read(left))
        if not piece:
            return
        left -= len(piece)
