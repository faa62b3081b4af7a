"""Plot scales: round numbers for a panel's axis, round instants for a figure's; pure arithmetic."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from gpuwatch.exposition.plot_values import Axis

_RULES = 4  # about so many rules across a panel
_LABELS = 5  # at most so many instants under a figure: more do not fit on a phone
_ROUND = (1.0, 2.0, 5.0, 10.0)
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_TIME_STEPS = (
    *(_MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * count for count in (1, 2, 3, 6, 12)),
    *(_DAY * count for count in (1, 2, 4, 7, 14, 30, 60, 120, 365, 730, 1_825)),
)
_YEARLY = 120 * _DAY


@dataclass(frozen=True, slots=True)
class Scale:
    """What a panel's axis goes from and to, and where its rules are; all in the panel's unit."""

    least: float
    greatest: float
    rules: tuple[float, ...]

    def share(self, value: float) -> float:
        """How far up the axis a value is, 0 to 1."""
        return (value - self.least) / (self.greatest - self.least)


def scale_of(values: Iterable[float], *, from_zero: bool) -> Scale:
    """Round bounds around the values, which include 0 if asked; one unit wide without values.

    Whole numbers get whole rules: half an error is none.
    """
    known = list(values) or [0.0]
    least, greatest = min(known), max(known)
    if from_zero:
        least, greatest = min(least, 0.0), max(greatest, 0.0)
    if least == greatest:
        greatest = least + max(1.0, abs(least) * 1e-6)
    # Rules nearer to each other than doubles are would be one.
    apart = 8 * math.ulp(max(abs(least), abs(greatest)))
    step = _round_up(max((greatest - least) / _RULES, apart))
    if all(value == math.floor(value) for value in known):
        step = max(step, 1.0)
    first, last = math.floor(least / step), math.ceil(greatest / step)
    rules = tuple(step * count for count in range(first, last + 1))
    return Scale(rules[0], rules[-1], rules)


def instants(start: float, end: float) -> tuple[tuple[float, str], ...]:
    """Round instants of UTC between two Unix seconds with a short text each, in order."""
    length = end - start
    step = next((one for one in _TIME_STEPS if length / one <= _LABELS), _TIME_STEPS[-1])
    step *= max(1, math.ceil(length / step / _LABELS))
    first = math.ceil(start / step)
    found = [step * (first + count) for count in range(_LABELS + 1)]
    return tuple((at, _short(at, step)) for at in found if at <= end)


def turns(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of the points of a step line those at which it turns, and its last."""
    before = chain([(0.0, math.nan)], points)
    last = len(points) - 1
    return [
        point
        for number, (point, (_, held)) in enumerate(zip(points, before, strict=False))
        if point[1] != held or number == last
    ]


def thinned(
    points: Sequence[tuple[float, float]], columns: int, axis: Axis
) -> list[tuple[float, float]]:
    """The points, or of each of so many columns its first, least, greatest and last.

    No peak is lost, and a year of readings is no longer than a picture is wide.
    """
    if len(points) <= 2 * columns:
        return list(points)
    width = (axis.end - axis.start) / columns
    kept: list[tuple[float, float]] = []
    column: list[tuple[float, float]] = []
    number = None
    for point in points:
        place = int((point[0] - axis.start) / width)
        if place != number:
            kept += _extremes(column)
            column, number = [], place
        column.append(point)
    return kept + _extremes(column)


def _extremes(column: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if not column:
        return []
    least = min(column, key=lambda point: point[1])
    greatest = max(column, key=lambda point: point[1])
    return sorted({column[0], least, greatest, column[-1]})


def _round_up(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    # The last of the round ones is ten, which no mantissa exceeds but by rounding.
    return power * next((one for one in _ROUND if step <= one * power * (1 + 1e-9)), _ROUND[-1])


def _short(at: float, step: float) -> str:
    told = datetime.fromtimestamp(at, UTC)
    if step < _DAY:
        return told.strftime("%H:%M") if at % _DAY else told.strftime("%d %b")
    return told.strftime("%d %b" if step < _YEARLY else "%Y-%m")
