"""NVML log: where the source tells what it did; the agent gives it its logger."""

from typing import Protocol


class Log(Protocol):
    """Takes a past-tense kebab event and its facts, as a structlog logger's methods do."""

    def __call__(self, event: str, /, **facts: object) -> None:
        """Log one event."""
        ...
