"""Repeats: a failure that goes on is logged at its first, its hourly count and its last."""

import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import structlog

HOUR = 3_600.0
QUIET = 600.0
_KEYS = 1_024

Facts = MutableMapping[str, Any]  # structlog's event dictionary


@dataclass(slots=True)
class _Held:
    """One failure that goes on. Instants are of the monotonic clock."""

    logged_at: float
    last_at: float
    suppressed: int = 0
    method: str = ""
    facts: Facts = field(default_factory=dict)


class Repeats:
    """A structlog processor: `log.warning("sweep-failed", source="nvml", limit_by=("source",))`.

    Lines with equal event and equal values of the keys in `limit_by` are one failure. Lines without
    `limit_by` pass. `monotonic` gives seconds. At most 1,024 failures are followed: the one that
    has been silent longest is forgotten first.
    """

    def __init__(
        self, monotonic: Callable[[], float], every_seconds: float = HOUR, quiet: float = QUIET
    ) -> None:
        self._monotonic = monotonic
        self._every = every_seconds
        self._quiet = quiet
        self._held: dict[tuple[object, ...], _Held] = {}
        self._lock = threading.Lock()

    def __call__(self, _logger: object, method: str, facts: Facts) -> Facts:
        """Pass the first and the hourly line (with `repeated`, those since); drop the others."""
        limit_by = facts.pop("limit_by", None)
        if limit_by is None:
            return facts
        key = (facts.get("event"), *((name, str(facts.get(name))) for name in limit_by))
        now = self._monotonic()
        with self._lock:
            held = self._held.pop(key, None)
            if held is None:
                self._forget_one()
                self._held[key] = _Held(now, now)
                return facts
            self._held[key] = held  # last in the order: the most recent
            held.last_at = now
            held.suppressed += 1
            if now - held.logged_at < self._every:
                held.method, held.facts = method, _without_frames(facts)
                raise structlog.DropEvent
            facts["repeated"] = held.suppressed
            held.logged_at, held.suppressed = now, 0
            return facts

    def ended(self) -> list[tuple[str, Facts]]:
        """Failures not seen for ten minutes: method and facts of the last line of each, to log.

        Those that happened once are forgotten: their only line stands already.
        """
        now = self._monotonic()
        with self._lock:
            gone = [key for key, held in self._held.items() if now - held.last_at >= self._quiet]
            over = [self._held.pop(key) for key in gone]
        return [
            (
                held.method,
                {
                    **held.facts,
                    "repeated": held.suppressed,
                    "last_seconds_ago": round(now - held.last_at),
                },
            )
            for held in over
            if held.suppressed
        ]

    def _forget_one(self) -> None:
        if len(self._held) >= _KEYS:
            del self._held[next(iter(self._held))]


def _without_frames(facts: Facts) -> Facts:
    """A copy to keep: a traceback would keep every local variable of its frames alive."""
    return {name: value for name, value in facts.items() if name not in ("exc_info", "stack_info")}
