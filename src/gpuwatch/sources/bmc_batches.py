"""BMC batches: the part of a child's `log` message that is the same whatever the protocol."""

from collections.abc import Callable, Mapping
from typing import Any

from gpuwatch.domain.bmc_logs import LogBatch, LogEntry
from gpuwatch.domain.moments import Moment

EntryOf = Callable[[str, Mapping[str, Any]], LogEntry]


def batch_of(message: Mapping[str, Any], moment: Moment, bmc: str, entry_of: EntryOf) -> LogBatch:
    """A `log` message, its entries as `entry_of` reads one of the log of that name.

    Raises KeyError, TypeError or ValueError for what is no such message.
    """
    log = str(message["log"])
    return LogBatch(
        bmc=bmc,
        log=log,
        at=moment,
        entries=tuple(entry_of(log, entry) for entry in message["entries"]),
        position=str(message["position"]),
        baseline=bool(message["baseline"]),
        cleared=bool(message["cleared"]),
        wrapped=bool(message["wrapped"]),
    )
