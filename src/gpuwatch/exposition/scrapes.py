"""Scrapes: who asked for metrics last, and what came of it: whether Prometheus finds us at all."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

_PATHS = frozenset({"/metrics", "/metrics/compat"})
_CLIENTS = 8  # that are remembered; a ninth takes the place of who has not come for longest
_AGENT_LIMIT = 100  # characters of a User-Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """What one client asked for: the latest answer's status and when (Unix seconds), how often.

    `client` is an IPv4 address or an IPv6 network (`2001:db8::/64`), `program` what it says it is.
    """

    client: str
    program: str
    path: str
    status: int
    at: float
    count: int


class Scrapes:
    """The latest clients, for any thread. `note` costs a microsecond for each request."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._lock = Lock()
        self._seen: dict[tuple[str, str, str], Scrape] = {}

    def note(self, client: str, program: str, path: str, status: int) -> None:
        """Take up one answer; those to other paths are nobody's scrape."""
        if path not in _PATHS:
            return
        key = (client, program[:_AGENT_LIMIT], path)
        with self._lock:
            before = self._seen.pop(key, None)
            self._seen[key] = Scrape(
                client=before.client if before else _shown(client),
                program=key[1],
                path=path,
                status=status,
                at=self._wall(),
                count=before.count + 1 if before else 1,
            )
            if len(self._seen) > _CLIENTS:
                del self._seen[next(iter(self._seen))]

    def latest(self) -> tuple[Scrape, ...]:
        """The latest scrape of each client, the most recent first."""
        with self._lock:
            return tuple(reversed(self._seen.values()))


def _shown(group: str) -> str:
    """A group of `crowd.group_of` as people write it."""
    return f"{ipaddress.IPv6Address(f'{group}::')}/64" if ":" in group else group
