"""Relay: a bad network in front of a BMC, in a thread, whose faults change while it runs."""

import contextlib
import heapq
import random
import selectors
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_DATAGRAM_MAX = 4096
_REORDERED_SECONDS = 0.05
_Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What befalls datagrams, each way: shares of 1, and times in seconds.

    `late` is the share that comes twice, the second time after `late_seconds`; `garbage` the share
    that is followed by a datagram of noise towards the client. `black_hole` swallows everything.
    """

    loss: float = 0.0
    duplicates: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    reorder: float = 0.0
    late: float = 0.0
    late_seconds: float = 2.0
    garbage: float = 0.0
    black_hole: bool = False


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    order: int
    data: bytes = field(compare=False)
    out: socket.socket = field(compare=False)
    address: _Address = field(compare=False)


class Relay:
    """A UDP port on 127.0.0.1 that passes datagrams to a BMC's port and back.

    As a context manager it runs inside. Set `faults` at any time; what waits still comes.
    `counts` has passed, lost, reordered, duplicates, late and garbage.
    """

    def __init__(self, target_port: int, *, seed: int = 1) -> None:
        self._target = ("127.0.0.1", target_port)
        self._random = random.Random(seed)
        self.faults = Faults()
        self.counts: Counter[str] = Counter()
        self._waiting: list[_Waiting] = []
        self._order = 0
        self._selector = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._listening.bind(("127.0.0.1", 0))
        self._onwards: dict[_Address, socket.socket] = {}
        self._clients: dict[socket.socket, _Address] = {}
        self._wake_up, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    @property
    def port(self) -> int:
        """The port that clients use instead of the BMC's."""
        return int(self._listening.getsockname()[1])

    def inject(self, data: bytes) -> None:
        """Send a datagram of our own to every client, as from the BMC."""
        for address in list(self._onwards):
            self._listening.sendto(data, address)

    def __enter__(self) -> Self:
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wake_up.close()
        self._thread.join()
        self._selector.close()
        for used in (self._listening, self._woken, *self._onwards.values()):
            used.close()

    def _run(self) -> None:
        while True:
            due = self._waiting[0].due - time.monotonic() if self._waiting else None
            for key, _ in self._selector.select(None if due is None else max(0.0, due)):
                if key.fileobj is self._woken:
                    return
                if isinstance(key.fileobj, socket.socket):
                    self._receive(key.fileobj)
            self._send_due()

    def _receive(self, incoming: socket.socket) -> None:
        try:
            data, sender = incoming.recvfrom(_DATAGRAM_MAX)
        except ConnectionError:
            return  # the BMC's port is closed: to the client that is silence
        if incoming is self._listening:
            self._pass_on(data, self._onward(sender), self._target)
            return
        client = self._clients[incoming]
        self._pass_on(data, self._listening, client)
        if self._happens(self.faults.garbage):
            self.counts["garbage"] += 1
            self._send_later(self._random.randbytes(len(data)), self._listening, client, 0.0)

    def _onward(self, client: _Address) -> socket.socket:
        if client not in self._onwards:
            onward = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            onward.connect(self._target)
            self._onwards[client] = onward
            self._clients[onward] = client
            self._selector.register(onward, selectors.EVENT_READ)
        return self._onwards[client]

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _pass_on(self, data: bytes, out: socket.socket, address: _Address) -> None:
        faults = self.faults
        if faults.black_hole or self._happens(faults.loss):
            self.counts["lost"] += 1
            return
        self.counts["passed"] += 1
        wait = faults.delay + self._random.random() * faults.jitter
        if self._happens(faults.reorder):
            self.counts["reordered"] += 1
            wait += _REORDERED_SECONDS
        self._send_later(data, out, address, wait)
        if self._happens(faults.duplicates):
            self.counts["duplicates"] += 1
            self._send_later(data, out, address, wait)
        if self._happens(faults.late):
            self.counts["late"] += 1
            self._send_later(data, out, address, wait + faults.late_seconds)

    def _send_later(self, data: bytes, out: socket.socket, address: _Address, wait: float) -> None:
        self._order += 1
        heapq.heappush(
            self._waiting, _Waiting(time.monotonic() + wait, self._order, data, out, address)
        )

    def _send_due(self) -> None:
        while self._waiting and self._waiting[0].due <= time.monotonic():
            leaving = heapq.heappop(self._waiting)
            with contextlib.suppress(ConnectionError):
                if leaving.out is self._listening:
                    leaving.out.sendto(leaving.data, leaving.address)
                else:
                    leaving.out.send(leaving.data)
