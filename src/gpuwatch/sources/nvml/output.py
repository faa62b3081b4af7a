"""Output: the one pipe to the agent, shared by two threads."""

import os
import sys
import threading
from typing import Any

from gpuwatch.sources import wire

_STDOUT = 1


class Output:
    """Standard output, taken away from everybody else: a library that prints prints to the log."""

    def __init__(self) -> None:
        self._descriptor = os.dup(_STDOUT)
        os.dup2(sys.stderr.fileno(), _STDOUT)
        self._lock = threading.Lock()

    def say(self, message: dict[str, Any]) -> None:
        """One message, whole. Ends the process when nobody reads any more."""
        line = memoryview(wire.encode(message))
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                os._exit(0)  # the agent is gone; from either thread, and nothing is left to say
