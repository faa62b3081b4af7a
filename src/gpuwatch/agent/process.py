"""Process: the agent as a process: settings and signals in, an exit status out, and in time."""

import faulthandler
import signal
import sys

import structlog

from gpuwatch.agent.leaving import Leaving
from gpuwatch.agent.service import Service
from gpuwatch.agent.starting import EXIT_UNAVAILABLE, StartError
from gpuwatch.clock import SystemClock
from gpuwatch.config.loading import Loaded
from gpuwatch.domain.moments import Clock
from gpuwatch.history import SecondWriterError
from gpuwatch.logs.setup import Logs
from gpuwatch.sources.child import keep_memory_to_itself

log = structlog.get_logger("gpuwatch.service")

EXIT_FAILED = 70  # EX_SOFTWARE: the service manager starts it anew


def run(loaded: Loaded, *, clock: Clock | None = None, max_gap_seconds: float | None = None) -> int:
    """Run the agent in the main thread until SIGTERM or SIGINT; the exit status.

    `clock` and `max_gap_seconds` (the longest time between two sweeps that is no blind gap) are for
    worlds whose time runs otherwise.
    """
    faulthandler.enable()
    keep_memory_to_itself()
    logs = Logs()
    logs.apply(loaded.settings.log.format, loaded.settings.log.level)
    try:
        service = Service(loaded, logs, clock or SystemClock(), max_gap_seconds=max_gap_seconds)
        service.start()
    except StartError as error:
        logs.close(1.0)  # first: what people read last is why it does not run
        sys.stderr.write(f"gpuwatch: {error}\n")
        return error.status
    leaving = Leaving()

    def end(*_: object) -> None:
        leaving.begin()
        service.ask_stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, lambda *_: service.ask_reload())
    status = EXIT_FAILED
    try:
        service.run()
        status = 0
    except Exception as error:
        log.critical("ended-by-failure", error=str(error), exc_info=error)
        status = EXIT_UNAVAILABLE if isinstance(error, SecondWriterError) else EXIT_FAILED
    finally:
        end()
        service.close()
        logs.close(1.0)
    leaving.end(status)
    return status
