"""Plot values: what a figure is made of, and the stretches of a line within a figure's time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

Point = tuple[float, float | None]  # Unix seconds, and the value or None from where it is unknown
# Nothing that a board counts or measures comes near; its axis would not fit a page. Never NaN.
_ABSURD = 1e24
Run = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """The time that all panels of a figure share, Unix seconds."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise ValueError(f"a figure from {self.start} to {self.end}: its end is not after it")

    def percent(self, at: float) -> float:
        """Where an instant is, 0 at the left and 100 at the right."""
        return (at - self.start) / (self.end - self.start) * 100


class MarkKind(StrEnum):
    """What happened at a mark; the value is the word that people read."""

    INCIDENT = "incident"
    RESET = "reset"
    DRIVER = "driver load"
    FLAG = "flag"
    EVENT = "event"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Something that happened at one instant (Unix seconds), told in a short sentence."""

    at: float
    label: str
    kind: MarkKind


@dataclass(frozen=True, slots=True)
class Line:
    """One value over time, in order. A `step` holds until the next point, others are sampled.

    A value of None, or one that no board can have, says that from then on nothing is known.
    """

    name: str
    points: Sequence[Point]
    step: bool = False

    def runs(self, start: float, end: float) -> list[Run]:
        """The stretches within which the line may be drawn, between two Unix seconds."""
        runs: list[Run] = [[]]
        for at, value in self._within(start, end):
            if value is not None:
                runs[-1].append((at, value))
            elif runs[-1]:
                if self.step:
                    runs[-1].append((at, runs[-1][-1][1]))
                runs.append([])
        return [run for run in runs if run]

    def _within(self, start: float, end: float) -> Iterator[Point]:
        held: float | None = None
        known = (
            (at, value if value is not None and abs(value) < _ABSURD else None)
            for at, value in self.points
        )
        begun = ended = False
        for at, value in known:
            if at > end:
                ended = True
                break
            if at >= start:
                if self.step and not begun and held is not None and at > start:
                    yield start, held
                begun = True
                yield at, value
            held = value
        if self.step and not begun and held is not None:
            yield start, held
        if self.step and ended:
            yield end, held


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines of one unit on one axis, which begins at 0 unless told otherwise."""

    title: str
    unit: str  # "" where numbers are counts
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    from_zero: bool = True


def broken(points: Iterable[tuple[float, float]], longest: float) -> Iterator[Point]:
    """The points, with a gap wherever two are further apart than `longest` seconds."""
    last: float | None = None
    for at, value in points:
        if last is not None and at - last > longest:
            yield last, None
        yield at, value
        last = at
