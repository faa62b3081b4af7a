"""Input: the agent's questions line by line, and the two ways in which it ends this child."""

import select
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from gpuwatch.sources import wire


class Ended(Exception):  # noqa: N818 - says what happened; nothing failed
    """Stop now. `orderly`: end of input; else SIGTERM, after which no call is begun any more."""

    def __init__(self, *, orderly: bool) -> None:
        super().__init__("end of input" if orderly else "SIGTERM")
        self.orderly = orderly


class Requests:
    """Standard input. For the main thread, whose calls a signal does not interrupt."""

    def __init__(self) -> None:
        self._input = sys.stdin.buffer
        self._hung_up = select.poll()
        self._hung_up.register(self._input.fileno(), 0)  # only that the other end is closed
        self._terminated = False
        self._idle = False
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent alone

    def _terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._terminated = True
        if self._idle:
            raise Ended(orderly=False)

    def check(self) -> None:
        """Raise Ended when the agent wants no more answers."""
        if self._terminated:
            raise Ended(orderly=False)
        if self._hung_up.poll(0):
            raise Ended(orderly=True)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each request. Raises Ended at the end of input; ValueError for what is no message."""
        while True:
            if self._terminated:
                raise Ended(orderly=False)
            self._idle = True
            line = self._input.readline(wire.LIMIT)
            self._idle = False
            if not line:
                raise Ended(orderly=True)
            yield wire.decode(line)
