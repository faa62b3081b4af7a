"""Leaving: the process ends in time, whatever hangs in it, and says whether anything was lost."""

import faulthandler
import os
import sys
import threading
import time

SECONDS = 4.5  # after this long whatever still hangs is left hanging
_ROOM_SECONDS = 0.5  # to tell what hangs before that


class Leaving:
    """The end of one process, which begins with the first `begin`. For the main thread."""

    def __init__(self) -> None:
        self._until: float | None = None  # monotonic

    def begin(self) -> None:
        """End the process with status 1 in `SECONDS`, if it has not ended by then.

        For what no thread of ours can end: a commit that does not return from a dead disk, after
        which nobody knows what of the history was written. Says on standard error what hung where.
        """
        if self._until is None:
            self._until = time.monotonic() + SECONDS
            faulthandler.dump_traceback_later(SECONDS, exit=True)

    def end(self, status: int) -> None:
        """Everything is closed: wait for threads that are at work, and leave those that hang.

        Returns when there are none. The interpreter would wait for a backup into a folder that
        hangs, and the end would look like one in which something was lost: so the process ends here
        with `status`, and says on standard error what hung where.
        """
        until = (self._until or time.monotonic()) - _ROOM_SECONDS
        others = [
            thread
            for thread in threading.enumerate()
            if thread is not threading.current_thread() and not thread.daemon
        ]
        for thread in others:
            thread.join(max(until - time.monotonic(), 0.0))
        if names := [thread.name for thread in others if thread.is_alive()]:
            sys.stderr.write(f"gpuwatch: left behind, because they hang: {', '.join(names)}\n")
            faulthandler.dump_traceback()
            sys.stderr.flush()
            os._exit(status)
