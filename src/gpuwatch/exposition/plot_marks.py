"""Plot marks: what happened, as lines across a panel with the numbers under which it is told."""

from collections.abc import Mapping, Sequence

from gpuwatch.exposition.markup import Markup, tag
from gpuwatch.exposition.plot_values import Axis, Mark, MarkKind

TALL = 96  # height of what is drawn, pixels
WIDE = 1000.0  # of the drawn part's own coordinates; it is stretched to the width there is
# Percent between two texts, and what a character of one takes where a panel is 257 pixels wide, so
# that they can be read on a phone.
APART = 5.0
_CHARACTER = 2.6
_MARK_DASHES: Mapping[MarkKind, str | None] = {
    MarkKind.INCIDENT: None,
    MarkKind.RESET: "5 3",
    MarkKind.DRIVER: "1 3",
    MarkKind.FLAG: "9 3",
    MarkKind.EVENT: "2 5",
}


def mark_lines(marks: Sequence[Mark], axis: Axis) -> list[Markup]:
    """A line for each mark, but one for those that could not be told apart."""
    places = {(round(axis.percent(mark.at) * WIDE / 200), mark.kind): mark for mark in marks}
    return [
        tag(
            "line",
            tag("title", f"{mark.kind.value}: {mark.label}"),
            x1=f"{axis.percent(mark.at) * WIDE / 100:.1f}",
            x2=f"{axis.percent(mark.at) * WIDE / 100:.1f}",
            y1="0",
            y2=str(TALL),
            class_="plot-mark",
            stroke="#a3121b",
            stroke_dasharray=_MARK_DASHES[mark.kind],
            vector_effect="non-scaling-stroke",
        )
        for mark in places.values()
    ]


def mark_numbers(
    marks: Sequence[Mark], numbers: Mapping[Mark, int], axis: Axis, floor: int
) -> list[Markup]:
    """The number of each mark that has one; those that would cover each other share a text."""
    groups: list[list[tuple[float, int]]] = []
    for mark in marks:
        if mark not in numbers:
            continue
        place = axis.percent(mark.at)
        if groups and place - groups[-1][0][0] < max(APART, _taken(groups[-1])):
            groups[-1].append((place, numbers[mark]))
        else:
            groups.append([(place, numbers[mark])])
    return [_number_text(group, floor) for group in groups]


def _taken(group: Sequence[tuple[float, int]]) -> float:
    """Percent that the text of a group takes, with some room behind it."""
    return _CHARACTER * len(_numbers(group)) + 1


def _numbers(group: Sequence[tuple[float, int]]) -> str:
    first, last = group[0][1], group[-1][1]
    return f"{first}" if first == last else f"{first}-{last}"


def _number_text(group: Sequence[tuple[float, int]], floor: int) -> Markup:
    place = group[0][0]
    return tag(
        "text",
        _numbers(group),
        x=f"{place:.2f}%",
        dx="2" if place < 100 - 2 * APART else "-2",
        y=str(floor + 10),
        text_anchor="start" if place < 100 - 2 * APART else "end",
        class_="plot-number",
        fill="#a3121b",
    )
