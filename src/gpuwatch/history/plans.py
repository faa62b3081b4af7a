"""Plans: which values of a sweep history looks at, worked out once per set of cadences."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter

from gpuwatch.domain.readings import Gap, Sweep, Value
from gpuwatch.domain.signals import OWNING_ROLES, Keep, Kind, Role, Signal

TOTAL = "total"
ROWS = "rows_remapped"
PAGES = "pages_retired"
_LOCATIONS = ("dram", "sram")

Values = tuple[Value | Gap, ...]
_Pick = Callable[[Values], Values]


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows of one kind of sweep that history watches, and those it keeps as a series.

    `counters` names for each error counter its places among the watched rows; `owning` are all of
    those places.
    """

    signals: tuple[Signal, ...]
    watched: tuple[Signal, ...]
    keys: tuple[str, ...]
    watch: _Pick
    series: tuple[Signal, ...]
    series_keys: tuple[str, ...]
    pick_series: _Pick
    counters: dict[str, tuple[int, ...]]
    owning: tuple[int, ...]

    @classmethod
    def of(cls, signals: tuple[Signal, ...]) -> "Plan":
        """The plan for sweeps that ask `signals`."""
        watch = [
            place
            for place, row in enumerate(signals)
            if row.keep is Keep.CHANGES or row.role is not Role.PLAIN
        ]
        series = [place for place, row in enumerate(signals) if row.keep is Keep.SERIES]
        watched = tuple(signals[place] for place in watch)
        counters: dict[str, tuple[int, ...]] = {}
        for place, row in enumerate(watched):
            if (counter := counter_of(row)) is not None:
                counters[counter] = (*counters.get(counter, ()), place)
        return cls(
            signals=signals,
            watched=watched,
            keys=tuple(row.key for row in watched),
            watch=_picker(watch),
            series=tuple(signals[place] for place in series),
            series_keys=tuple(signals[place].key for place in series),
            pick_series=_picker(series),
            counters=counters,
            owning=tuple(place for places in counters.values() for place in places),
        )


class Plans:
    """The plans in use, by the cadences of a sweep."""

    def __init__(self) -> None:
        self._plans: dict[frozenset[str], Plan] = {}

    def of(self, sweep: Sweep) -> Plan:
        """The plan of `sweep`. Rows compare by identity first, so a hit costs next to nothing."""
        plan = self._plans.get(sweep.cadences)
        if plan is None or (plan.signals is not sweep.signals and plan.signals != sweep.signals):
            plan = Plan.of(sweep.signals)
            self._plans[sweep.cadences] = plan
        return plan


def counter_of(row: Signal) -> str | None:
    """The error counter that a row feeds: total, dram, sram, rows or pages; None for no owner."""
    if row.role not in OWNING_ROLES:
        return None
    if row.role is Role.ROWS_REMAPPED:
        return ROWS
    if row.role is Role.PAGES_RETIRED:
        return PAGES
    memory = dict(row.labels).get("memory")
    if memory is None:
        return TOTAL
    # Other locations are parts of these two or of neither; the total covers them as unknown.
    return memory if memory in _LOCATIONS else None


def is_urgent(row: Signal) -> bool:
    """Whether a new value is written at once: all but plain counters, which may change for ever."""
    return row.role is not Role.PLAIN or row.kind is not Kind.COUNTER


def _picker(places: list[int]) -> _Pick:
    if not places:
        return lambda _values: ()
    if len(places) == 1:
        only = places[0]
        return lambda values: (values[only],)
    return itemgetter(*places)
