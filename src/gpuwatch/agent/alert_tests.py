"""Alert tests: routes along which a marked test alert is sent, each for a limited time."""

import time
from dataclasses import dataclass, field

ROUTES = ("page", "window", "info")
LONGEST_SECONDS = 3600.0


@dataclass(slots=True)
class AlertTests:
    """Until when which route is tested, on the monotonic clock. A restart of the agent ends all."""

    _until: dict[str, float] = field(default_factory=dict)

    def begin(self, route: str, seconds: float) -> None:
        """Test one route for so long, from now on."""
        self._until[route] = time.monotonic() + seconds

    def end(self) -> tuple[str, ...]:
        """End all; the routes that were being tested."""
        ended = self.routes
        self._until.clear()
        return ended

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that are being tested now."""
        now = time.monotonic()
        return tuple(route for route in ROUTES if self._until.get(route, now) > now)
