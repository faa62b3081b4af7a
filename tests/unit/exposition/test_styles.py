"""Styles: everything that is written can be read, in light and in dark, by the style's own values.

The measure is that of WCAG 2.1: 4.5 to 1 for text (1.4.3), 3 to 1 for what is no text (1.4.11).
https://www.w3.org/TR/WCAG21/#contrast-minimum
"""

import re
from collections.abc import Mapping
from importlib.resources import files

import pytest

from gpuwatch.exposition.plots import STYLE as PLOTS

PAGE = files("gpuwatch.exposition").joinpath("page.css").read_text(encoding="utf-8")
DARK = "@media screen and (prefers-color-scheme: dark)"
KINDS = ("good", "watch", "soon", "bad", "blind")
TEXT, SHAPE = 4.5, 3.0
PAGE_PAIRS = (
    *((ink, ground) for ink in ("ink", "quiet", "link") for ground in ("ground", "raised")),
    *((kind, f"{kind}-ground") for kind in KINDS),  # badges, and the warning of a stalled agent
    *((ink, "bad-ground") for ink in ("ink", "link")),  # the list of what cannot wait
    *((kind, ground) for kind in ("blind", "soon") for ground in ("ground", "raised")),
)
PLOT_TEXTS = (
    *((ink, "ground") for ink in ("ink", "quiet", "blind", "mark")),
    *((ink, "gap") for ink in ("ink", "blind")),
)
PLOT_LINES = tuple(
    (f"line-{number}", ground) for number in range(6) for ground in ("ground", "gap")
)


def _variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})", block))


def _schemes(style: str) -> dict[str, Mapping[str, str]]:
    light, _, rest = style.partition(DARK)
    dark = rest.partition("\n}\n")[0]
    return {
        "light": _variables(light),
        "dark": {**_variables(light), **_variables(dark)},
        "only dark": _variables(dark),
    }


def _luminance(colour: str) -> float:
    """Relative luminance: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance."""
    digits = colour.removeprefix("#")
    pairs = re.findall("..", digits if len(digits) == 6 else re.sub("(.)", r"\1\1", digits))
    parts = [int(pair, 16) / 255 for pair in pairs]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_the_greatest_contrast() -> None:
    """The measure itself is measured."""
    assert round(_contrast("#000", "#ffffff"), 6) == 21.0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAGE_PAIRS)
def test_what_a_page_writes_can_be_read(scheme: str, ink: str, ground: str) -> None:
    """Each colour of text on each ground that it stands on."""
    colours = _schemes(PAGE)[scheme]

    assert _contrast(colours[ink], colours[ground]) >= TEXT


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PLOT_TEXTS)
def test_what_a_plot_writes_can_be_read(scheme: str, ink: str, ground: str) -> None:
    """Also over a gap."""
    colours = _schemes(PLOTS)[scheme]

    assert _contrast(colours[f"plot-{ink}"], colours[f"plot-{ground}"]) >= TEXT


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("line", "ground"), PLOT_LINES)
def test_what_a_plot_draws_can_be_seen(scheme: str, line: str, ground: str) -> None:
    """Lines are no text: three to one is enough."""
    colours = _schemes(PLOTS)[scheme]

    assert _contrast(colours[f"plot-{line}"], colours[f"plot-{ground}"]) >= SHAPE


@pytest.mark.parametrize("style", [PAGE, PLOTS])
def test_dark_has_a_word_on_every_colour(style: str) -> None:
    """None is left over from light by accident."""
    schemes = _schemes(style)

    assert set(schemes["only dark"]) == set(schemes["light"])


@pytest.mark.parametrize("style", [PAGE, PLOTS])
def test_colours_are_written_where_they_are_measured_only(style: str) -> None:
    """A rule names a colour by its name."""
    rules = re.sub(r"--[a-z0-9-]+: #[0-9a-f]{3,6}", "", style)

    assert re.findall(r"#[0-9a-f]{3,6}\b|rgba?\(|hsla?\(", rules) == []


@pytest.mark.parametrize("style", [PAGE, PLOTS])
def test_nothing_moves(style: str) -> None:
    """Nobody needs to ask for less motion where there is none."""
    assert not re.search(r"animation|transition|@keyframes|scroll-behavior", style)


def test_where_the_keyboard_is_can_be_seen() -> None:
    """No rule takes the outline away."""
    assert ":focus-visible { outline: 3px solid" in PAGE
    assert not re.search(r"outline: *(none|0)", PAGE)
