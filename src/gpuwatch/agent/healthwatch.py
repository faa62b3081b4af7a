"""Health watch: says in the journal when history is not written any more, and when it is again."""

from dataclasses import dataclass

import structlog

from gpuwatch.history import remedy_of

log = structlog.get_logger("gpuwatch.agent")


@dataclass(slots=True)
class HealthWatch:
    """Why the history at `path` was not written, or not whole, at the last look."""

    path: str
    degraded: tuple[str, ...] = ()

    def look(self, degraded: tuple[str, ...]) -> bool:
        """Whether a reason came or went; each is logged once each way."""
        before, self.degraded = self.degraded, degraded
        for reason in degraded:
            if reason not in before:
                remedy = remedy_of(reason)
                log.error("history-degraded", reason=reason, path=self.path, remedy=remedy)
        for reason in before:
            if reason not in degraded:
                log.info("history-recovered", reason=reason, path=self.path)
        return before != degraded
