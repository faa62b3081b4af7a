"""Writer: lines leave by a thread of their own, so that a blocked reader blocks nobody else."""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable

LINES = 4_096  # waiting lines; at 32 KiB a line this bounds memory, and it is hours of quiet logs


class LineWriter:
    """Writes lines to a file descriptor; when its reader stalls, further lines are dropped.

    What was dropped is counted, and `notice(count)` is the line that says so once writing goes on.
    """

    def __init__(self, descriptor: int, notice: Callable[[int], str], limit: int = LINES) -> None:
        self._descriptor = descriptor
        self._notice = notice
        self._limit = limit
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._writing = False
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue one line, without its newline. Never blocks on the descriptor."""
        with self._changed:
            if len(self._lines) >= self._limit:
                self._dropped += 1
                return
            self._lines.append(line)
            self._changed.notify_all()

    def flush(self, within_seconds: float) -> bool:
        """Wait until everything queued is written; False when it is not within the time."""
        deadline = time.monotonic() + within_seconds
        with self._changed:
            while self._lines or self._writing or self._dropped:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return False
        return True

    def close(self, within_seconds: float) -> bool:
        """Write what is queued and end the thread; False when the reader does not take it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(within_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                while not (self._lines or self._dropped or self._closing):
                    self._changed.wait()
                if not self._lines and not self._dropped:
                    return
                lines, dropped = list(self._lines), self._dropped
                self._lines.clear()
                self._dropped = 0
                self._writing = True
            if dropped:
                lines.append(self._notice(dropped))
            self._put("".join(f"{line}\n" for line in lines).encode(errors="backslashreplace"))

    def _put(self, data: bytes) -> None:
        """Write all of it, however long the reader takes. A reader that is gone takes nothing."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:
                return
