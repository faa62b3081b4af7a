"""Model: what a dashboard is made of, in the words of this project."""

from dataclasses import dataclass
from enum import StrEnum

WIDTH = 24  # columns of Grafana's grid


class Kind(StrEnum):
    """How a panel draws. These three are the same in Grafana 10 to 13."""

    TIME_SERIES = "timeseries"
    STAT = "stat"
    TABLE = "table"


class Unit(StrEnum):
    """Units by Grafana's names. COUNT shows whole numbers unabridged; dates want milliseconds."""

    COUNT = "none"
    NUMBER = "short"
    CELSIUS = "celsius"
    WATT = "watt"
    SHARE = "percentunit"
    HERTZ = "hertz"
    RPM = "rotrpm"
    YEARS = "suffix: years"
    FROM_NOW = "dateTimeFromNow"
    DATE = "dateTimeAsIso"


class Colour(StrEnum):
    """Colours with one meaning each."""

    GOOD = "green"
    NOTE = "blue"
    SOON = "yellow"
    ACT = "orange"
    NOW = "red"
    BLIND = "purple"
    PLAIN = "text"


@dataclass(frozen=True, slots=True)
class Step:
    """From `value` on, in the panel's unit, a number has this colour."""

    value: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression; `legend` is Grafana's template. Tables have one column for each.

    In a stat, numbers from 1 on have the `colour`, and 0 has none: nothing there is no alarm.
    """

    expr: str
    legend: str = ""
    title: str = ""  # of the column, in tables
    unit: Unit | None = None  # of the column, where it is not the panel's
    colour: Colour | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    `empty` says in words when there is nothing to show, and the panel shows those words; "" says
    that there always is something. `base` is the colour below the first step. `words` names
    numbers, in a table those with the panel's unit. `columns` orders a table; labels it does not
    name are hidden. `floor` is where an axis begins, unless there is less to show.
    """

    title: str
    description: str
    kind: Kind
    unit: Unit
    queries: tuple[Query, ...]
    width: int = 12
    height: int = 8
    empty: str = ""
    base: Colour = Colour.PLAIN
    steps: tuple[Step, ...] = ()
    words: tuple[tuple[float, str, Colour], ...] = ()
    columns: tuple[str, ...] = ()
    named: bool = False  # a stat shows the legend and not the number
    stacked: bool = False
    bars: bool = False  # for what happens now and then, of which a line would show nothing
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Section:
    """A row with its panels, which flow from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice at the top of a dashboard: the values of `label` in the series of `selector`.

    `cut` is a regular expression whose first group is taken of each value.
    """

    name: str
    title: str
    selector: str
    label: str
    cut: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One dashboard; `uid` is its address for ever."""

    uid: str
    title: str
    description: str
    sections: tuple[Section, ...]
    variables: tuple[Variable, ...] = ()
    span: str = "now-24h"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels in their order."""
        return tuple(panel for section in self.sections for panel in section.panels)
