"""Plots: what a figure says, that it invents nothing, and that any values make a sound picture."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.exposition.plot_scales import instants, scale_of, thinned, turns
from gpuwatch.exposition.plot_values import Axis
from gpuwatch.exposition.plots import (
    Line,
    Mark,
    MarkKind,
    Panel,
    broken,
    figure,
    inline_figure,
)

_START = 1_773_446_400.0  # Sat 2026-03-14 00:00 UTC
_HOUR = 3_600.0
_END = _START + 6 * _HOUR
_NUMBERS = st.one_of(st.none(), st.floats())
_POINTS = st.lists(st.tuples(st.floats(_START - 1e4, _END + 1e4), _NUMBERS), max_size=12).map(
    lambda points: sorted(points, key=lambda point: point[0])
)


def _drawn(*panels: Panel, start: float = _START, end: float = _END) -> str:
    return figure(panels, start, end, title="GPU 7", width=900)


def _paths(*lines: Line) -> list[str]:
    return re.findall(r'<path d="([^"]*)"', _drawn(Panel("Temperature", "°C", lines)))


def _temperature(*points: tuple[float, float | None], step: bool = False) -> Line:
    return Line("core", points, step)


def test_a_panel_says_its_axis_unit_scale_and_newest_value() -> None:
    """With the time of the newest value, and between which values it has been."""
    line = _temperature((_START, 40.0), (_END - 60, 62.5))

    drawn = _drawn(Panel("Temperature", "°C", [line]))

    assert ">Temperature, °C</tspan>" in drawn
    assert "scale 0 to 80" in drawn
    assert ">core: 62.5 at 05:59 UTC, 40 to 62.5</text>" in drawn
    assert ">Sat 2026-03-14 00:00 UTC</text>" in drawn
    assert ">Sat 2026-03-14 06:00 UTC</text>" in drawn


def test_a_line_is_open_where_nothing_is_known() -> None:
    """Never a line across a gap, never zero for unknown; the gap is shaded and said."""
    points = [(_START, 40.0), (_START + 60, 41.0), (_START + _HOUR, None), (_END - 60, 41.0)]

    drawn = _drawn(Panel("Temperature", "°C", [_temperature(*points)]))

    assert len(re.findall("<path", drawn)) == 2
    assert 'class="plot-gap"' in drawn
    assert ">nothing was read in this time</text>" in drawn


def test_a_step_holds_its_value_until_it_is_unknown() -> None:
    """A counter has the value of its last change, also of one before the figure begins."""
    line = _temperature((_START - 60, 1.0), (_START + _HOUR, 3.0), (_END, None), step=True)

    paths = _paths(line)

    assert paths == ["M0.0 64.0H166.7V0.0H1000.0V0.0"]


def test_a_step_that_goes_on_after_the_figure_reaches_its_edge() -> None:
    """As the picture of a time that is over, of a counter that changed later."""
    line = _temperature((_START - 60, 1.0), (_END + 60, 3.0), step=True)

    assert _paths(line) == ["M0.0 0.0H1000.0V0.0"]


def test_what_was_sampled_outside_of_the_figure_is_not_drawn() -> None:
    """Neither before nor after it."""
    line = _temperature((_START - 60, 1.0), (_START + _HOUR, 2.0), (_END + 60, 3.0))

    assert _paths(line) == ["M166.7 0.0h0"]


def test_a_single_point_is_a_dot() -> None:
    """With its value in words."""
    drawn = _drawn(Panel("Power", "W", [_temperature((_END - 60, 300.0))]))

    assert 'd="M997.2 0.0h0" stroke-width="5" stroke-linecap="round"' in drawn
    assert ">core: 300 at 05:59 UTC</text>" in drawn


def test_a_line_without_a_point_says_that_nothing_was_read() -> None:
    """In its legend, over the whole panel and for whoever does not see it."""
    drawn = _drawn(Panel("Power", "W", [_temperature()]))

    assert ">core: nothing was read in this time</text>" in drawn
    assert "Power, W: core: nothing was read in this time." in drawn
    assert "<path" not in drawn


def test_a_panel_without_a_line_says_that_nothing_was_read() -> None:
    """As one of a board that tells none of these signals."""
    assert "Power, W: nothing was read in this time." in _drawn(Panel("Power", "W", []))


def test_a_flat_line_says_that_it_is_unchanged() -> None:
    """And a flat line at zero has an axis all the same."""
    drawn = _drawn(Panel("Errors", "", [_temperature((_START, 0.0), (_END, 0.0), step=True)]))

    assert "scale 0 to 1" in drawn
    assert ">core: 0 at 06:00 UTC, unchanged</text>" in drawn


def test_a_value_that_is_old_is_not_told_as_the_newest() -> None:
    """But since when it is unknown, and what it was."""
    drawn = _drawn(Panel("Power", "W", [_temperature((_START, 300.0), (_START + 60, 310.0))]))

    assert ">core: unknown since Sat 2026-03-14 00:01 UTC, was 310, 300 to 310</text>" in drawn


def test_lines_differ_by_more_than_their_colour() -> None:
    """Each has dashes of its own, in the panel and beside its name."""
    lines = [Line(f"line {number}", [(_START, 1.0), (_END, 2.0)]) for number in range(6)]

    drawn = _drawn(Panel("Errors", "", lines))

    dashes = {
        re.search(f'class="plot-line-{number}"[^>]*?(stroke-dasharray="[^"]*"|fill)', drawn)[1]  # type: ignore[index]
        for number in range(6)
    }
    assert len(dashes) == 6


def test_marks_are_numbered_and_told_with_the_newest_first() -> None:
    """The number stands at the line; two that would cover each other share a text."""
    marks = [
        Mark(_START + 60, "1 error in DRAM", MarkKind.INCIDENT),
        Mark(_START + 120, "by dmesg", MarkKind.RESET),
        Mark(_END - 60, "535.54.03", MarkKind.DRIVER),
    ]

    drawn = _drawn(Panel("Errors", "", [], marks), Panel("Power", "W", [], marks))

    assert ">1-2</text>" in drawn
    assert re.findall(r">(\d: [^<]*)</tspan>", drawn) == [
        "3: driver load, Sat 2026-03-14 05:59 UTC: 535.54.03",
        "2: reset, Sat 2026-03-14 00:02 UTC: by dmesg",
        "1: incident, Sat 2026-03-14 00:01 UTC: 1 error in DRAM",
    ]
    assert "3 marks, told beneath." in drawn


def test_numbers_of_two_figures_do_not_cover_each_other() -> None:
    """At 257 pixels a character takes 2.6 percent."""
    length = _END - _START
    marks = [
        Mark(_START + length * percent / 100, f"error {percent}", MarkKind.INCIDENT)
        for percent in (*range(0, 80, 8), 80, 81, 82, 86, 87)
    ]

    drawn = _drawn(Panel("Errors", "", [], marks))

    assert ">11-15</text>" in drawn


def test_too_many_marks_are_drawn_and_counted() -> None:
    """The newest are told; how many more there are is said."""
    marks = [Mark(_START + 60 * n, f"error {n}", MarkKind.INCIDENT) for n in range(25)]

    panels = [Panel("Errors", "", [], marks)]
    told = inline_figure(panels, _START, _END, title="GPU 7")

    assert told.count("<li>") == 21
    assert "<li>and 5 earlier marks</li>" in told
    assert "25 marks, told beneath." in _drawn(*panels)


def test_a_thousand_marks_make_no_thousand_lines() -> None:
    """Lines that could not be told apart are one."""
    marks = [Mark(_START + n, f"error {n}", MarkKind.INCIDENT) for n in range(1_000)]

    drawn = _drawn(Panel("Errors", "", [], marks))

    assert drawn.count('class="plot-mark"') < 30


def test_marks_outside_of_the_figure_are_left_out() -> None:
    """They are neither drawn nor told."""
    marks = [Mark(_START - 1, "before", MarkKind.RESET), Mark(_END + 1, "after", MarkKind.RESET)]

    drawn = _drawn(Panel("Errors", "", [], marks))

    assert 'class="plot-mark"' not in drawn
    assert "No marks." in drawn


def test_a_text_from_elsewhere_stays_text() -> None:
    """What a kernel or a person wrote is escaped, and fit for an XML document."""
    marks = [Mark(_START, "<script>\x00\x1b[1m&", MarkKind.INCIDENT)]

    drawn = _drawn(Panel("<b>", "&", [], marks))

    document = ET.fromstring(drawn)  # noqa: S314 - our own document
    assert "1: incident, Sat 2026-03-14 00:00 UTC: <script>[1m&" in "".join(document.itertext())


def test_a_figure_in_line_leaves_its_style_to_the_page() -> None:
    """The page's policy knows one style by its hash; attributes of style are refused by it."""
    told = inline_figure([Panel("Errors", "", [])], _START, _END, title="GPU 7")

    assert "<style" not in told
    assert "style=" not in told
    assert 'class="marks"' not in told
    assert "No marks." in told
    assert 'class="plot" role="img"' in told


def test_a_figure_in_line_tells_its_values_in_the_text_of_the_page() -> None:
    """Which goes on in a further line where a phone ends; each line has a sample of it."""
    panel = Panel("Temperature", "°C", [_temperature((_START, 40.0), (_END - 60, 62.5))])

    told = inline_figure([panel], _START, _END, title="GPU 7")

    assert "<strong>Temperature, °C</strong> <small>scale 0 to 80</small>" in told
    assert "</svg><span>core: 62.5 at 05:59 UTC, 40 to 62.5</span></li>" in told
    assert "From Sat 2026-03-14 00:00 UTC to Sat 2026-03-14 06:00 UTC." in told


def test_a_figure_of_no_time_is_refused() -> None:
    """Its end has to be later than its start."""
    with pytest.raises(ValueError, match="its end is not after it"):
        _drawn(start=_START, end=_START)


def test_points_too_far_apart_are_not_joined() -> None:
    """A five-minute series of an agent that was off for an hour has a gap."""
    points = [(0.0, 1.0), (300.0, 2.0), (3_900.0, 3.0)]

    assert list(broken(points, 700.0)) == [
        (0.0, 1.0),
        (300.0, 2.0),
        (300.0, None),
        (3_900.0, 3.0),
    ]


def test_an_axis_that_may_begin_elsewhere_begins_near_its_values() -> None:
    """So that one error more can be seen on a counter of a million."""
    scale = scale_of([1_000_000.0, 1_000_001.0], from_zero=False)

    assert (scale.least, scale.greatest) == (1_000_000.0, 1_000_001.0)


def test_an_axis_has_room_for_what_is_beneath_zero() -> None:
    """As an inlet in winter."""
    assert scale_of([-7.0, 20.0], from_zero=True).least == -10.0


@pytest.mark.parametrize(
    ("seconds", "first"),
    [
        (600.0, "00:02"),
        (21_600.0, "02:00"),
        (86_400.0, "06:00"),
        (14 * 86_400.0, "16 Mar"),
        (3 * 365 * 86_400.0, "2026-12"),
        (40 * 365 * 86_400.0, "2029-12"),
    ],
)
def test_instants_are_round_and_few(seconds: float, first: str) -> None:
    """Whatever the length of the time is."""
    found = instants(_START + 1, _START + seconds)

    assert found[0][1] == first
    assert len(found) <= 6


def test_thinning_loses_no_peak() -> None:
    """A year of readings is drawn with few points, and the one that matters is among them."""
    points = [(float(at), 0.0) for at in range(10_000)]
    points[5_000] = (5_000.0, 97.0)

    thin = thinned(points, 100, Axis(0.0, 10_000.0))

    assert (5_000.0, 97.0) in thin
    assert len(thin) <= 400


def test_a_step_that_does_not_turn_costs_no_point() -> None:
    """A counter is as good as always unchanged."""
    points = [(1.0, 5.0), (2.0, 5.0), (3.0, 6.0), (4.0, 6.0), (5.0, 6.0)]

    assert turns(points) == [(1.0, 5.0), (3.0, 6.0), (5.0, 6.0)]


@given(points=_POINTS, step=st.booleans(), from_zero=st.booleans())
def test_any_values_make_a_sound_document(
    points: list[tuple[float, float | None]],
    step: bool,
    from_zero: bool,
) -> None:
    """No number in it is not one, whatever was read."""
    drawn = _drawn(Panel("Power", "W", [Line("core", points, step)], from_zero=from_zero))

    ET.fromstring(drawn)  # noqa: S314 - our own document
    assert not re.search(r'="[^"]*(nan|inf)\b', drawn)
