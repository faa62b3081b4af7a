"""Moments: an instant on every clock a host has, and the protocol by which time is passed in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

SECONDS_PER_DAY = 86_400.0
SECONDS_PER_YEAR = 365.25 * SECONDS_PER_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One instant. `wall` is Unix seconds (may step), `boottime` seconds since boot (never steps).

    `boottime` counts time in suspend (CLOCK_BOOTTIME) and means something only beside `boot_id`.
    """

    wall: float
    boottime: float
    boot_id: str

    @property
    def utc(self) -> datetime:
        """The wall clock as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.wall, UTC)


def redated(then: Moment, now: Moment) -> float:
    """When `then` was by the wall clock of `now`, in Unix seconds; both are of one boot.

    It moves by whole seconds, and only when the wall clock is set: two clocks that are read one
    after the other differ by microseconds, and who counts restarts counts changes.
    """
    stepped = (now.wall - then.wall) - (now.boottime - then.boottime)
    return then.wall + round(stepped)


class Clock(Protocol):
    """Where the agent's time comes from."""

    def now(self) -> Moment:
        """The present instant."""
        ...

    def synchronized(self) -> bool | None:
        """Whether the kernel, or who keeps it, holds the wall clock for synchronised; else None."""
        ...
