"""Web: a bounded HTTP/1.1 server on one thread, which no client can hold up."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from threading import Thread
from time import monotonic
from typing import TypeVar

from gpuwatch.exposition.connections import Connection, Limits
from gpuwatch.exposition.crowd import Crowd, Pace, group_of
from gpuwatch.exposition.listen import Address, bind
from gpuwatch.exposition.logins import Logins
from gpuwatch.exposition.messages import (
    METHODS,
    Later,
    Request,
    RequestError,
    Response,
    encode,
    parse_head,
    plain,
)
from gpuwatch.exposition.protection import Protection
from gpuwatch.exposition.turns import Turns

Handler = Callable[[Request], Response | Later]
_Answer = TypeVar("_Answer", bound=Response | Later)
Report = Callable[[str, Exception], None]
Heard = Callable[[str, str, str, int], None]  # client, what it says it is, path, status
_END_OF_HEAD = b"\r\n\r\n"
_PARTING_SECONDS = 1.0
_NO_DESCRIPTOR_SECONDS = 0.5
_AT_ONCE, _OF_A_GUEST = 64, 16  # one that is turned away costs far less than one let in
_UNPROTECTED = Protection()


class WebServer:
    """Answers GET and HEAD on some addresses by asking `handler`, on a thread of its own.

    The handler runs on that thread and must not block: it copies or renders, it never waits. When
    it raises, the client gets a 500 without detail and `report` the path and the exception.
    `protection` is asked for every connection and request, and must not block either; `heard` is
    told of every answer.
    """

    def __init__(
        self,
        addresses: tuple[Address, ...],
        handler: Handler,
        *,
        report: Report,
        limits: Limits | None = None,
        protection: Callable[[], Protection] = lambda: _UNPROTECTED,
        heard: Heard = lambda _client, _program, _path, _status: None,
    ) -> None:
        self._addresses = addresses
        self._handler = handler
        self._report = report
        self._limits = limits or Limits()
        self._protection = protection
        self._heard = heard
        self._sockets: tuple[socket.socket, ...] = ()
        self._crowd: Crowd[Connection] = Crowd(self._limits.connections, self._limits.strangers)
        self._pace = Pace(self._limits.each_second, self._limits.burst)
        self._logins = Logins()
        self._turns = Turns()
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
        return len(self._crowd)

    @property
    def crowded_out(self) -> int:
        """How many connections were ended or turned away for others, since the start."""
        return self._crowd.crowded_out + self._pace.turned_away

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
        accepting = [loop.create_task(self._accept(listening)) for listening in self._sockets]
        await self._stop.wait()
        # One that was taken in this instant would be lost by a cancelled `_accept`.
        for listening in self._sockets:
            loop.remove_reader(listening)
        await asyncio.sleep(0)
        for task in accepting:
            task.cancel()
        for connection in self._crowd.guests:
            connection.end()
        await self._until_all_have_ended()
        for listening in self._sockets:
            listening.close()
        self._logins.close()
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn

    async def _until_all_have_ended(self) -> None:
        if others := {*asyncio.all_tasks()} - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=_PARTING_SECONDS)

    def _on_loop_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self._report(str(context.get("message", "")), error)

    async def _accept(self, listening: socket.socket) -> None:
        """Take connections, a few in each turn of the loop, and never wait for one."""
        loop = asyncio.get_running_loop()
        work = 0
        while not self._stop.is_set():
            try:
                taken, peer = await loop.sock_accept(listening)
            except ConnectionError:  # it left before it was taken
                continue
            except OSError as error:  # no descriptor or no memory is left
                self._report("accepting connections", error)
                await asyncio.sleep(_NO_DESCRIPTOR_SECONDS)
                continue
            group = group_of(peer[0])
            if self._pace.allows(group, monotonic()):
                self._let_in(Connection(taken, group, self._protection()), loop)
                cost = _OF_A_GUEST
            else:
                taken.close()
                cost = 1
            # Taking one that waits already gives nobody else a turn; and who leaves needs one too.
            work += cost
            if work >= _AT_ONCE:
                work = 0
                await asyncio.sleep(0)

    def _let_in(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        for leaving in self._crowd.enter(connection):
            leaving.end()
        connection.task = loop.create_task(self._attend(connection))
        connection.task.add_done_callback(partial(self._gone, connection))

    def _gone(self, connection: Connection, task: asyncio.Task[None]) -> None:
        self._crowd.leave(connection)
        connection.close()
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._report("a connection", error)

    async def _attend(self, connection: Connection) -> None:
        # The client left, or was too slow: there is nobody to tell.
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            if await connection.welcome(self._limits):
                await self._converse(connection)

    async def _converse(self, connection: Connection) -> None:
        deadline = connection.opened + self._limits.connection_seconds
        patience = self._limits.head_seconds
        while True:
            connection.since = monotonic()
            async with asyncio.timeout(max(min(patience, deadline - monotonic()), 0.0)):
                first = await connection.reader.read(1)
            if not first:
                return
            keep_alive = await self._exchange(connection, first)
            connection.stranger = False
            if not keep_alive or monotonic() >= deadline:
                await connection.part()
                return
            patience = self._limits.idle_seconds

    async def _exchange(self, connection: Connection, first: bytes) -> bool:
        """Read one request, send its answer; whether the connection may be used again."""
        connection.since = monotonic()
        protection = self._protection()
        try:
            request = parse_head(first + await self._rest_of_head(connection), self._limits.head)
        except RequestError as error:
            allow = (("Allow", ", ".join(METHODS)),)
            is_method = error.status is HTTPStatus.METHOD_NOT_ALLOWED
            refusal = plain(error.status, error.sentence, *(allow if is_method else ()))
            await self._send(connection, refusal, protection, keep_alive=False)
            return False
        # What was opened under another certificate or other users ends with this answer.
        keep_alive = request.keep_alive and protection is connection.protection
        response = await self._answer(request, connection.group, protection)
        program = request.headers.get("user-agent", "")
        self._heard(connection.group, program, request.path, response.status)
        head_only = request.method == "HEAD"
        await self._send(
            connection, response, protection, keep_alive=keep_alive, head_only=head_only
        )
        return keep_alive

    async def _rest_of_head(self, connection: Connection) -> bytes:
        try:
            async with asyncio.timeout(self._limits.head_seconds):
                return await connection.reader.readuntil(_END_OF_HEAD)
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

    async def _send(
        self,
        connection: Connection,
        response: Response,
        protection: Protection,
        *,
        keep_alive: bool,
        head_only: bool = False,
    ) -> None:
        message = encode(
            response, head_only=head_only, keep_alive=keep_alive, instead=protection.headers
        )
        await connection.send(message, self._limits)

    async def _answer(self, request: Request, group: str, protection: Protection) -> Response:
        if protection.users is not None:
            refusal = await self._logins.refusal(request, group, protection.users)
            if refusal is not None:
                return refusal
        answer = await self._in_turn(group, request.path, lambda: self._handler(request))
        if isinstance(answer, Later):
            # Not wait_for, which would take it away from others who wait for the same.
            await asyncio.wait([asyncio.wrap_future(answer.ready)], timeout=answer.seconds)
            return await self._in_turn(group, request.path, answer.answer)
        return answer

    async def _in_turn(
        self, group: str, path: str, answer: Callable[[], _Answer]
    ) -> _Answer | Response:
        async with self._turns.turn_of(group):
            try:
                return answer()
            except Exception as error:  # noqa: BLE001 - one bad page must not end the server
                self._report(path, error)
                sentence = "gpuwatch failed to answer; see its log"
                return plain(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)
