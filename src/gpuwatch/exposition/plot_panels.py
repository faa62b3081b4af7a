"""Plot panels: one panel of a figure as SVG: title, newest values, axis, lines, gaps and marks.

Positions along the time are percentages, so that text keeps its size whatever the width is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.plot_marks import APART, TALL, WIDE, mark_lines, mark_numbers
from gpuwatch.exposition.plot_scales import Scale, instants, scale_of, thinned, turns
from gpuwatch.exposition.plot_values import Axis, Line, Mark, Panel, Run
from gpuwatch.exposition.words import amount, day, minute

NOTHING = "nothing was read in this time"
ROW = 16  # height of one row of text, pixels
_COLUMNS = 300  # a line has about so many places to turn
# Shorter gaps are open, but neither shaded nor told: of the time, and two buckets of a series.
_LEAST_GAP, _LEAST_GAP_SECONDS = 0.02, 600.0
_TOLD_GAP = 0.3
# A colour that viewers without custom properties use as well, and the dashes of each line.
LINE_STYLES: tuple[tuple[str, str | None], ...] = (
    ("#0b57a4", None),
    ("#8a4300", "7 3"),
    ("#1c6b37", "2 3"),
    ("#5a3a8c", "9 3 2 3"),
    ("#6d5500", "4 4"),
    ("#a3121b", "12 4"),
)


@dataclass(frozen=True, slots=True)
class _Traced:
    """A line with the stretches of it that are within the figure."""

    line: Line
    number: int
    runs: Sequence[Run]


def height(panel: Panel) -> int:
    """How tall a panel is, in pixels."""
    return ROW * (2 + len(panel.lines)) + TALL


def drawing(panel: Panel, axis: Axis, numbers: Mapping[Mark, int], top: int) -> Markup:
    """The panel with its title and legend, whose upper edge is so many pixels down."""
    heading = tag("tspan", heading_of(panel), class_="plot-title", font_weight="600")
    bounds = tag("tspan", f"  {bounds_of(panel, axis)}", class_="plot-quiet")
    rows = [
        join(
            _sample(one, top + ROW * (1 + row) + 8),
            tag(
                "text",
                _newest(one, axis),
                x="32",
                y=str(top + ROW * (1 + row) + 12),
                class_=None if one.runs else "plot-blind",
            ),
        )
        for row, one in enumerate(_traced(panel, axis))
    ]
    return join(
        tag("text", heading, bounds, x="0", y=str(top + 12)),
        *rows,
        canvas(panel, axis, numbers, top + ROW * (1 + len(rows))),
    )


def canvas(panel: Panel, axis: Axis, numbers: Mapping[Mark, int], floor: int) -> Markup:
    """What is drawn of a panel, as wide as there is room, so many pixels down."""
    traced = _traced(panel, axis)
    scale = _scale(panel, traced)
    marks = sorted({mark for mark in panel.marks if axis.start <= mark.at <= axis.end})
    return join(
        tag(
            "svg",
            *_gaps(traced, axis),
            *_rules(scale, axis),
            *mark_lines(marks, axis),
            *(_path(run, one, scale, axis) for one in traced for run in one.runs),
            y=str(floor),
            width="100%",
            height=str(TALL),
            viewBox=f"0 0 {WIDE:.0f} {TALL}",
            preserveAspectRatio="none",
            overflow="visible",  # a line along the edge is as thick as any other
        ),
        *_scale_texts(scale, floor),
        *_gap_texts(traced, axis, floor),
        *mark_numbers(marks, numbers, axis, floor),
    )


def legend(panel: Panel, axis: Axis) -> list[tuple[Markup, str]]:
    """For each line a sample of it, 26 by 16 pixels, and its name with its newest value."""
    return [(_sample(one, 8), _newest(one, axis)) for one in _traced(panel, axis)]


def heading_of(panel: Panel) -> str:
    """What a panel is of, with its unit."""
    return f"{panel.title}, {panel.unit}" if panel.unit else panel.title


def bounds_of(panel: Panel, axis: Axis) -> str:
    """From where to where its axis goes."""
    scale = _scale(panel, _traced(panel, axis))
    return f"scale {_number(scale.least)} to {_number(scale.greatest)}"


def description(panel: Panel, axis: Axis) -> str:
    """The panel in words, for whoever does not see it."""
    told = "; ".join(_newest(one, axis) for one in _traced(panel, axis))
    return f"{heading_of(panel)}: {told or NOTHING}."


def round_instants(axis: Axis, top: int) -> Markup:
    """A row of text with the round instants beneath a panel."""
    return join(
        *(
            tag("text", text, x=f"{place:.2f}%", y=str(top + 12), text_anchor="middle")
            for at, text in instants(axis.start, axis.end)
            if APART < (place := axis.percent(at)) < 100 - APART
        )
    )


def time_axis(axis: Axis, top: int) -> Markup:
    """The round instants under a figure, and between which two it is; two rows of text."""
    low = str(top + ROW + 12)
    start, end = (f"{day(at)} {minute(at)}" for at in (axis.start, axis.end))
    return join(
        round_instants(axis, top),
        tag("text", start, x="0", y=low, class_="plot-quiet"),
        tag("text", end, x="100%", y=low, text_anchor="end", class_="plot-quiet"),
    )


def _traced(panel: Panel, axis: Axis) -> list[_Traced]:
    return [
        _Traced(line, number, line.runs(axis.start, axis.end))
        for number, line in enumerate(panel.lines)
    ]


def _scale(panel: Panel, traced: Sequence[_Traced]) -> Scale:
    values = (value for one in traced for run in one.runs for _, value in run)
    return scale_of(values, from_zero=panel.from_zero)


def _sample(one: _Traced, y: int) -> Markup:
    style = _line_style(one)
    return tag("line", x1="0", x2="26", y1=str(y), y2=str(y), stroke_width="2", **style)


def _newest(one: _Traced, axis: Axis) -> str:
    """The newest value with its time, and between which two it has been."""
    if not one.runs:
        return f"{one.line.name}: {NOTHING}"
    at, value = one.runs[-1][-1]
    values = [value for run in one.runs for _, value in run]
    least, greatest = min(values), max(values)
    between = f", {_number(least)} to {_number(greatest)}" if least != greatest else ", unchanged"
    if len(values) == 1:
        between = ""
    if axis.end - at > _least_gap(axis):
        told = f"unknown since {day(at)} {minute(at)}, was {_number(value)}"
    else:
        told = f"{_number(value)} at {minute(at)}"
    return f"{one.line.name}: {told}{between}"


def _number(value: float) -> str:
    return amount(value if value == int(value) else float(f"{value:.4g}"))


def _line_style(one: _Traced) -> dict[str, str | None]:
    number = one.number % len(LINE_STYLES)
    colour, dashes = LINE_STYLES[number]
    return {
        "class_": f"plot-line-{number}",
        "stroke": colour,
        "stroke_dasharray": dashes,
        "fill": "none",
    }


def _path(run: Run, one: _Traced, scale: Scale, axis: Axis) -> Markup:
    points = [
        (f"{axis.percent(at) * WIDE / 100:.1f}", f"{(1 - scale.share(value)) * TALL:.1f}")
        for at, value in thinned(turns(run) if one.line.step else run, _COLUMNS, axis)
    ]
    first = points[0]
    move = "H{}V{}" if one.line.step else "L{} {}"
    # A point by itself is a line of no length, which round ends make a dot.
    rest = "".join(move.format(*point) for point in points[1:]) or "h0"
    return tag(
        "path",
        d=f"M{first[0]} {first[1]}{rest}",
        stroke_width="2" if len(points) > 1 else "5",
        stroke_linecap="butt" if len(points) > 1 else "round",
        stroke_linejoin="round",
        vector_effect="non-scaling-stroke",
        **_line_style(one),
    )


def _rules(scale: Scale, axis: Axis) -> list[Markup]:
    across = [
        _rule(0, WIDE, y, y) for y in ((1 - scale.share(rule)) * TALL for rule in scale.rules)
    ]
    places = [axis.percent(at) * WIDE / 100 for at, _ in instants(axis.start, axis.end)]
    return [*across, *(_rule(x, x, 0, TALL) for x in places)]


def _rule(x1: float, x2: float, y1: float, y2: float) -> Markup:
    return tag(
        "line",
        x1=f"{x1:.1f}",
        x2=f"{x2:.1f}",
        y1=f"{y1:.1f}",
        y2=f"{y2:.1f}",
        class_="plot-rule",
        stroke="#dcdcd8",
        vector_effect="non-scaling-stroke",
    )


def _scale_texts(scale: Scale, floor: int) -> list[Markup]:
    """The number of each rule: above it, but for the uppermost."""
    heights = [floor + (1 - scale.share(rule)) * TALL for rule in scale.rules]
    return [
        tag("text", _number(rule), x="1", y=f"{max(y - 2, floor + 10):.1f}", class_="plot-scale")
        for rule, y in zip(scale.rules[:-1], heights[:-1], strict=True)
    ] + [tag("text", _number(scale.rules[-1]), x="1", y=str(floor + 10), class_="plot-scale")]


def _least_gap(axis: Axis) -> float:
    return max((axis.end - axis.start) * _LEAST_GAP, _LEAST_GAP_SECONDS)


def _blanks(traced: Sequence[_Traced], axis: Axis) -> list[tuple[float, float]]:
    """Where no line has anything, as percentages."""
    known = sorted((run[0][0], run[-1][0]) for one in traced for run in one.runs)
    blanks, reached = [], axis.start
    for first, last in [*known, (axis.end, axis.end)]:
        if first - reached > _least_gap(axis):
            blanks.append((axis.percent(reached), axis.percent(first)))
        reached = max(reached, last)
    return blanks


def _gaps(traced: Sequence[_Traced], axis: Axis) -> list[Markup]:
    return [
        tag(
            "rect",
            x=f"{left * WIDE / 100:.1f}",
            y="0",
            width=f"{(right - left) * WIDE / 100:.1f}",
            height=str(TALL),
            class_="plot-gap",
            fill="#ebe2f9",
        )
        for left, right in _blanks(traced, axis)
    ]


def _gap_texts(traced: Sequence[_Traced], axis: Axis, floor: int) -> list[Markup]:
    return [
        tag(
            "text",
            NOTHING if right - left > 2 * _TOLD_GAP * 100 else "nothing read",
            x=f"{(left + right) / 2:.2f}%",
            y=str(floor + TALL // 2 + 4),
            text_anchor="middle",
            class_="plot-blind",
            fill="#5a3a8c",
        )
        for left, right in _blanks(traced, axis)
        if right - left > _TOLD_GAP * 100
    ]
