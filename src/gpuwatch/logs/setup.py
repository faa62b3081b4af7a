"""Setup: structlog through the standard library to standard error, from every thread."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

import structlog

from gpuwatch.logs.lines import before, choose, formatter
from gpuwatch.logs.repeats import Repeats
from gpuwatch.logs.writer import LINES, LineWriter


class Logs:
    """The agent's logging: `apply` at start and reload, `tick` from the loop, `close` last."""

    def __init__(
        self,
        *,
        stream: IO[str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        limit: int = LINES,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._repeats = Repeats(monotonic)
        self._handler = _Lines(LineWriter(self._stream.fileno(), self._dropped, limit))

    def apply(self, log_format: str, level: str) -> None:
        """Log in this format and from this level on; takes the place of what was set before."""
        chosen = choose(log_format, self._stream, dict(os.environ))
        self._handler.setFormatter(formatter(chosen, colors=self._stream.isatty()))
        root = logging.getLogger()
        root.handlers[:] = [self._handler]
        root.setLevel(level.upper())
        # It reports every job it skips; the agent counts those itself.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        logging.captureWarnings(capture=True)
        threading.excepthook = _thread_died
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                self._repeats,
                *before(chosen),
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
            cache_logger_on_first_use=False,  # a reload must reach loggers that exist
        )

    def tick(self) -> None:
        """Log the last line of failures that ended; call it about once a minute."""
        for method, facts in self._repeats.ended():
            event = facts.pop("event")
            getattr(structlog.get_logger("gpuwatch"), method)(event, **facts)

    def flush(self, within_seconds: float) -> bool:
        """Wait until all lines are out; False when the reader does not take them in time."""
        return self._handler.writer.flush(within_seconds)

    def close(self, within_seconds: float) -> bool:
        """Write what is left and stop; False when the reader did not take it in time."""
        logging.getLogger().removeHandler(self._handler)
        return self._handler.writer.close(within_seconds)

    def _dropped(self, count: int) -> str:
        """The line that says how many are missing; it passes nobody's filter."""
        record = logging.LogRecord(
            "gpuwatch.logs", logging.WARNING, "", 0, "log-lines-dropped", None, None
        )
        record.count = count
        return self._handler.format(record)


class _Lines(logging.Handler):
    """Hands formatted lines to the writer."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self.writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line; a line that cannot be formatted says at least whose it was."""
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - a bad value must not end the thread that logs
            line = f"log-line-unprintable logger={record.name} error={type(error).__name__}"
        self.writer.write(line)


def _thread_died(death: threading.ExceptHookArgs) -> None:
    """An exception that nobody caught is one line too."""
    if death.exc_value is None:
        return
    name = death.thread.name if death.thread is not None else ""
    caught = (death.exc_type, death.exc_value, death.exc_traceback)
    structlog.get_logger("gpuwatch").error("thread-died", thread=name, exc_info=caught)
