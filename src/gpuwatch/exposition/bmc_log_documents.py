"""BMC log documents: the entries of event logs that somebody wants to see, the latest first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gpuwatch.domain.bmc_logs import LogEntry, LogSeverity, LogTopic
from gpuwatch.domain.snapshot import Logged
from gpuwatch.exposition.bmc_documents import entry_document
from gpuwatch.exposition.bmc_shapes import LogShape

_GRAVITY = tuple(LogSeverity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: at least so grave, of one topic or (None) of all, since a Unix second."""

    severity: LogSeverity = LogSeverity.INFO
    topic: LogTopic | None = None
    since: float = 0.0
    limit: int

    @property
    def depth(self) -> int | None:
        """How many entries of each log it takes to answer; None for all, to look through them."""
        plain = self.severity is LogSeverity.INFO and self.topic is None and not self.since
        return self.limit + 1 if plain else None

    def has(self, logged: Logged) -> bool:
        """Whether this is one of them."""
        return logged.at >= self.since and self._is_about(logged.entry)

    def _is_about(self, entry: LogEntry) -> bool:
        grave = _GRAVITY.index(entry.severity) >= _GRAVITY.index(self.severity)
        return grave and self.topic in (None, entry.topic)


def log_document(logs: Mapping[str, Iterable[Logged]], wanted: Wanted) -> LogShape:
    """The wanted entries of some BMCs by name; those of one stay in the order of its log."""
    found = [(name, one) for name, entries in logs.items() for one in entries if wanted.has(one)]
    if len(logs) > 1:
        found.sort(key=lambda named: named[1].at, reverse=True)
    told = [entry_document(name, one) for name, one in found[: wanted.limit]]
    return {"entries": told, "more": len(found) > wanted.limit}
