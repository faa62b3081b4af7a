"""One child: the thread of a source with one child at a time, and the end of those before it."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gpuwatch.sources.base import Deliver
from gpuwatch.sources.probe import Probe
from gpuwatch.sources.probe_end import Endings, EndOrder
from gpuwatch.sources.probe_wait import Wake, wait

ABANDONED_LIMIT = 2  # that hang and cannot be ended: then no more are started


class OneChild(ABC):
    """What such sources share. A child that ends takes its time beside whatever comes next.

    `thread` is the name of the thread, `end` the order in which children are ended.
    """

    def __init__(self, thread: str, end: EndOrder) -> None:
        self._thread_name = thread
        self._end = end
        self._endings = Endings(end)
        self._wake = Wake()
        self._stop_at: float | None = None  # monotonic: until then everything has to be over
        self._deliver: Deliver = _nobody
        self._thread: threading.Thread | None = None

    def start(self, deliver: Deliver) -> None:
        """Start the thread. Returns at once, also when nothing can be asked or read."""
        self._deliver = deliver
        self._thread = threading.Thread(target=self._run, name=self._thread_name, daemon=True)
        self._thread.start()

    def stop(self, within_seconds: float) -> None:
        """End thread and child; never waits longer than told."""
        self._stop_at = time.monotonic() + within_seconds
        self._wake.set()
        if self._thread is not None:
            self._thread.join(within_seconds)

    @abstractmethod
    def _run(self) -> None:
        """Start children, one after the other, until `_stop_at`; then `_finish`."""

    @abstractmethod
    def _hear(self, message: Mapping[str, Any]) -> None:
        """Take what the child said. Raises ProbeFailed for what ends it."""

    @abstractmethod
    def _abandoned(self, number: int) -> None:
        """So many children hang and cannot be ended."""

    @property
    def _is_full(self) -> bool:
        """Whether no more may be started."""
        return self._endings.abandoned >= ABANDONED_LIMIT

    @contextmanager
    def _ended(self, probe: Probe) -> Iterator[None]:
        """Begin to end the child, whatever happened."""
        try:
            yield
        finally:
            self._endings.begin(probe, time.monotonic())
            self._end_others(time.monotonic())

    def _listen(self, probe: Probe, patience: Callable[[], float]) -> bool:
        """Hear the child until the source stops; False once it said nothing for so many seconds.

        Raises ProbeFailed when it is gone.
        """
        until = time.monotonic() + patience()
        while self._stop_at is None:
            look = min(until, self._endings.due(time.monotonic()))
            message = probe.receive(look, self._wake)
            now = time.monotonic()
            self._end_others(now)
            if message is not None:
                self._hear(message)
                until = now + patience()
            elif now >= until and self._stop_at is None:
                return False
        return True

    def _pause(self, seconds: float, *, alone: bool = False) -> None:
        """Wait so long; `alone` also for the children before, when there may be one at a time."""
        until = time.monotonic() + seconds
        while self._stop_at is None:
            now = time.monotonic()
            self._end_others(now)
            if now >= until and not (alone and self._endings.under_way):
                return
            due = self._endings.due(now)
            wait((), min(until, due) if now < until else due, self._wake)

    def _end_others(self, now: float) -> None:
        """Go on ending the children before this one, also while this one is heard."""
        self._endings.advance(now)
        self._abandoned(self._endings.abandoned)

    def _finish(self, deadline: float) -> None:
        """End what is left until monotonic second `deadline`; in no hurry when there is time."""
        if deadline - time.monotonic() < self._end.seconds:
            self._endings.hurry(time.monotonic(), deadline)
        while self._endings.under_way and (now := time.monotonic()) < deadline:
            wait((), min(deadline, self._endings.due(now)), None)
            self._endings.advance(time.monotonic())
        self._abandoned(self._endings.abandoned)


def _nobody(_source: str, _message: object) -> None:
    """Where messages go before the source is started: there are none."""
