"""Plots: values over time as SVG, for pages and for files: one time axis, gaps left open.

Nothing here knows a clock or a GPU. A figure needs no script and nothing from elsewhere, follows
light and dark and is light on paper; lines differ by dashes as well as by colour, and marks carry
a number that is told in words. All times are UTC.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from gpuwatch.exposition.markup import Markup, join, raw, tag
from gpuwatch.exposition.plot_marks import TALL
from gpuwatch.exposition.plot_panels import (
    ROW,
    bounds_of,
    canvas,
    description,
    drawing,
    heading_of,
    height,
    legend,
    round_instants,
    time_axis,
)
from gpuwatch.exposition.plot_values import Axis, Line, Mark, MarkKind, Panel, Point, broken
from gpuwatch.exposition.words import day, minute, plural

__all__ = [
    "STYLE",
    "Line",
    "Mark",
    "MarkKind",
    "Panel",
    "Point",
    "broken",
    "figure",
    "inline_figure",
]

# The style of every figure. A page that shows figures in line has it in its own.
STYLE = files("gpuwatch.exposition").joinpath("plots.css").read_text(encoding="utf-8")
MARKS_TOLD = 20  # the newest so many marks are told in words; older ones are only drawn
# Characters that no XML document may have, though a kernel's line may.
_UNFIT = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF))
_XML = "http://www.w3.org/2000/svg"
_FONT = "system-ui, sans-serif"


def figure(
    panels: Sequence[Panel], start: float, end: float, *, title: str, width: float
) -> Markup:
    """An SVG document of so many pixels across, with its own style, which can stand in a file.

    It is about the time between two Unix seconds; raises ValueError unless `end` is the later.
    """
    axis, marks = Axis(start, end), _numbered(panels, start, end)
    told = [tag("tspan", text, x="0", dy=str(ROW)) for text in _told(marks, _missing(panels, axis))]
    base = _base(panels)
    document = tag(
        "svg",
        *_alternative(panels, axis, marks, title),
        tag("style", raw(STYLE)),
        tag("rect", width="100%", height="100%", class_="plot-ground", fill="#ffffff"),
        _panels(panels, axis, marks),
        tag("text", *told, y=str(base)) if told else "",
        xmlns=_XML,
        width=f"{width:.0f}",
        height=str(base + ROW * len(told) + ROW // 2),
        class_="plot",
        role="img",
        font_family=_FONT,
        font_size="12",
    )
    return raw(document.translate(_UNFIT))


def inline_figure(panels: Sequence[Panel], start: float, end: float, *, title: str) -> Markup:
    """A figure within a page, as wide as there is room, with all that is longer told beside it.

    The page's style has to contain `STYLE`. Raises ValueError unless `end` is later than `start`.
    """
    axis, marks = Axis(start, end), _numbered(panels, start, end)
    told = _told(marks, _missing(panels, axis))
    happened = "No marks." if not told else "What is marked is told beneath."
    caption = tag("figcaption", f"{title}. {_between(axis)} {happened}", class_="quiet")
    return tag(
        "figure",
        caption,
        *(_inline_panel(panel, axis, marks) for panel in panels),
        tag("ul", *(tag("li", text) for text in told), class_="marks") if told else "",
    )


def _inline_panel(panel: Panel, axis: Axis, marks: Mapping[Mark, int]) -> Markup:
    """One panel; its texts are the page's, so that they go on in a further line on a phone."""
    samples = (
        tag(
            "li",
            tag("svg", sample, width="26", height=str(ROW), class_="plot", aria_hidden="true"),
            tag("span", text),
        )
        for sample, text in legend(panel, axis)
    )
    return join(
        tag(
            "p",
            tag("strong", heading_of(panel)),
            " ",
            tag("small", bounds_of(panel, axis)),
            class_="plot-head",
        ),
        tag("ul", *samples, class_="legend"),
        tag(
            "svg",
            tag("title", heading_of(panel)),
            tag("desc", f"{_between(axis)} Its values are told above."),
            canvas(panel, axis, marks, 0),
            round_instants(axis, TALL),
            width="100%",
            height=str(TALL + ROW),
            class_="plot",
            role="img",
        ),
    )


def _panels(panels: Sequence[Panel], axis: Axis, marks: Mapping[Mark, int]) -> Markup:
    drawn, top = [], 0
    for panel in panels:
        drawn.append(drawing(panel, axis, marks, top))
        top += height(panel)
    return join(*drawn, time_axis(axis, top - ROW + 4))


def _base(panels: Sequence[Panel]) -> int:
    return sum(height(panel) for panel in panels) + ROW + ROW // 2


def _alternative(
    panels: Sequence[Panel], axis: Axis, marks: Mapping[Mark, int], title: str
) -> tuple[Markup, Markup]:
    """The figure for whoever does not see it."""
    happened = f"{plural(len(marks) + _missing(panels, axis), 'mark')}, told beneath."
    described = (description(panel, axis) for panel in panels)
    told = " ".join((_between(axis), *described, happened if marks else "No marks."))
    return tag("title", title), tag("desc", told)


def _between(axis: Axis) -> str:
    return f"From {day(axis.start)} {minute(axis.start)} to {day(axis.end)} {minute(axis.end)}."


def _numbered(panels: Sequence[Panel], start: float, end: float) -> dict[Mark, int]:
    """The marks that are told in words, numbered in order of time over all panels."""
    marks = sorted({mark for panel in panels for mark in panel.marks if start <= mark.at <= end})
    numbered = {mark: number for number, mark in enumerate(marks, 1)}
    return dict(list(numbered.items())[-MARKS_TOLD:])


def _missing(panels: Sequence[Panel], axis: Axis) -> int:
    """How many marks are too many to be told."""
    marks = {mark for panel in panels for mark in panel.marks if axis.start <= mark.at <= axis.end}
    return max(len(marks) - MARKS_TOLD, 0)


def _told(marks: Mapping[Mark, int], missing: int) -> list[str]:
    """A sentence for each mark, the newest first."""
    sentences = [
        f"{number}: {mark.kind.value}, {day(mark.at)} {minute(mark.at)}: {mark.label}"
        for mark, number in list(marks.items())[::-1]
    ]
    return [*sentences, f"and {plural(missing, 'earlier mark')}"] if missing else sentences
