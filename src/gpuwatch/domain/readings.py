"""Readings: a value of a signal at an instant, or the gap where it should have been."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.signals import Cadence, Signal

Value = int | float | str


class GapReason(StrEnum):
    """Why a value is absent. The words are product words: metrics, pages and logs use them."""

    UNSUPPORTED = "unsupported"
    DENIED = "denied"
    LOST = "lost"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reading:
    """A value in the unit of its signal's row, at an instant."""

    value: Value
    at: Moment


@dataclass(frozen=True, slots=True)
class Gap:
    """The place where a value should have been. `code` is the source's own error number."""

    reason: GapReason
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One device's answers to the rows of some cadences, in table order.

    `values` holds a raw value (in the row's own unit) or a `Gap` for each of `signals`.
    Kept raw and in one tuple because a sweep is the hot path; `get` makes a Reading when asked.
    """

    board: BoardKey
    at: Moment
    cadences: frozenset[Cadence]
    signals: tuple[Signal, ...]
    values: tuple[Value | Gap, ...]

    def __iter__(self) -> Iterator[tuple[Signal, Value | Gap]]:
        return zip(self.signals, self.values, strict=True)

    def get(self, key: str) -> Reading | Gap | None:
        """The answer for the row with `key`, or None when this sweep did not ask for it."""
        for signal, value in zip(self.signals, self.values, strict=True):
            if signal.key == key:
                return value if isinstance(value, Gap) else Reading(value, self.at)
        return None
