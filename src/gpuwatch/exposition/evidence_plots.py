"""Evidence plots: the counters of a board over its life, and its readings of the last two weeks."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from gpuwatch.domain.records import BoardState
from gpuwatch.exposition.evidence_shapes import EvidenceShape, TableShape
from gpuwatch.exposition.plots import Line, Mark, MarkKind, Panel, Point, broken

_BUCKET_SECONDS = 300.0
_BUCKET_GAP_SECONDS = 900.0  # two five-minute buckets may follow so far apart, not more
_LEAST_SECONDS = 3600.0  # a figure is of an hour at least
_DAY = 86_400.0
_UNCORRECTED = "gpuwatch_gpu_ecc_uncorrected"
_COUNTERS = (
    (
        "Uncorrectable errors by the board's counters",
        (
            ("aggregate (kept by the board)", f"{_UNCORRECTED}_aggregate_errors_total"),
            ("volatile (since the driver's load)", f"{_UNCORRECTED}_volatile_errors_total"),
        ),
    ),
    (
        "Rows remapped, pages retired",
        (
            ("rows, uncorrectable", "gpuwatch_gpu_rows_remapped_uncorrectable_total"),
            ("rows, correctable", "gpuwatch_gpu_rows_remapped_correctable_total"),
            ("pages, double bit", "gpuwatch_gpu_pages_retired_double_bit_total"),
            ("pages, single bit", "gpuwatch_gpu_pages_retired_single_bit_total"),
        ),
    ),
)  # fmt: skip
_READINGS = (
    ("Temperature", "°C", "_celsius", 1.0),
    ("Power", "W", "_watts", 1.0),
    ("Utilization", "%", "_ratio", 0.01),
    ("SM clock", "MHz", "_hertz", 1e6),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels over one time, Unix seconds; `name` is that of a file."""

    name: str
    title: str
    panels: Sequence[Panel]
    start: float
    end: float


def figures(told: EvidenceShape) -> list[Figure]:
    """What can be drawn; nothing of a board of which nothing is kept."""
    marks = _marks(told)
    drawn = (_counters(told, marks), _readings(told, marks))
    return [figure for figure in drawn if figure is not None]


def _counters(told: EvidenceShape, marks: Sequence[Mark]) -> Figure | None:
    rows = told["tables"]["counters"]["rows"]
    panels, unread = [], list(_unread(told))
    for title, counters in _COUNTERS:
        lines = [
            Line(name, _interrupted(_until(told, points), unread), step=True)
            for name, key in counters
            if (points := _of(rows, key))
        ]
        if lines:
            panels.append(Panel(title, "", lines, marks))
    if not panels:
        return None
    end = told["written_at_unix_seconds"]
    first = min(point[0] for panel in panels for line in panel.lines for point in line.points)
    start = min(first, end - _DAY)
    return Figure("counters", "Error counters since the board was first seen", panels, start, end)


def _until(told: EvidenceShape, points: list[Point]) -> list[Point]:
    """The steps, the last of which holds until the board was read last; what follows is unknown."""
    last_seen = told["board"]["last_seen"]
    if last_seen is None:
        return points
    at = max(points[-1][0], datetime.fromisoformat(last_seen).timestamp())
    gone = told["board"]["state"] in (BoardState.ABSENT, BoardState.LEFT)
    return [*points, (at, None if gone else points[-1][1])]


def _unread(told: EvidenceShape) -> Iterator[tuple[float, float]]:
    """When nothing of the board was read, within the time of which readings are kept."""
    instants = [at for row in told["tables"]["readings"]["rows"] if isinstance(at := row[0], float)]
    for at, following in pairwise(instants):
        if following - at > _BUCKET_GAP_SECONDS:
            yield at + _BUCKET_SECONDS, following


def _interrupted(steps: Sequence[Point], unread: Iterable[tuple[float, float]]) -> list[Point]:
    """The steps, unknown while nothing was read: nobody knows when a counter rose meanwhile."""
    dates = [at for at, _ in steps]
    points = list(steps)
    for begin, end in unread:
        if bisect_right(dates, begin):
            points += (begin, None), (end, steps[bisect_right(dates, end) - 1][1])
    return sorted(points, key=_date)


def _date(point: Point) -> float:
    return point[0]


def _of(rows: Sequence[Sequence[object]], key: str) -> list[Point]:
    """The steps of one counter; a value that is no number is a gap."""
    return [
        (at, float(value) if isinstance(value, int | float) else None)
        for at, what, signal, value, *_ in rows
        if isinstance(at, float) and what == "value" and signal == key
    ]


def _readings(told: EvidenceShape, marks: Sequence[Mark]) -> Figure | None:
    table = told["tables"]["readings"]
    if not table["rows"]:
        return None
    panels = []
    for title, unit, suffix, factor in _READINGS:
        means = [name for name in table["columns"] if name.endswith(f"{suffix}_mean")]
        lines = [
            Line(_name(name, suffix), list(broken(points, _BUCKET_GAP_SECONDS)))
            for name in means
            if (points := _column(table, name, factor))
        ]
        if lines:
            panels.append(Panel(title, unit, lines, marks))
    instants = [at for row in table["rows"] if isinstance(at := row[0], float)]
    start, end = min(instants), max(instants) + _BUCKET_SECONDS
    title = "Readings in five-minute means, the last two weeks that are kept"
    return Figure("readings", title, panels, min(start, end - _LEAST_SECONDS), end)


def _name(column: str, suffix: str) -> str:
    name = column.removesuffix("_mean").removesuffix(suffix).removeprefix("gpu_")
    return name.replace("_", " ")


def _column(table: TableShape, name: str, factor: float) -> list[tuple[float, float]]:
    place = table["columns"].index(name)
    return [
        (at, value / factor)
        for row in table["rows"]
        if isinstance(at := row[0], float) and isinstance(value := row[place], int | float)
    ]


def _marks(told: EvidenceShape) -> list[Mark]:
    """Incidents, resets, drivers and the flag, at their instants."""
    seen: dict[int, float] = {}
    for row in told["tables"]["incidents"]["rows"]:
        number, opened = row[0], row[2]
        if isinstance(number, int) and isinstance(opened, float):
            seen.setdefault(number, opened)
    marks = [Mark(at, f"incident {number}", MarkKind.INCIDENT) for number, at in seen.items()]
    for at, what, _, value, *_ in told["tables"]["counters"]["rows"]:
        if isinstance(at, float) and what == "reset":
            marks.append(Mark(at, "evidenced", MarkKind.RESET))
        if isinstance(at, float) and what == "driver_epoch":
            marks.append(Mark(at, str(value or "version not told"), MarkKind.DRIVER))
    marks += (
        Mark(at, f"{row[4]} raised", MarkKind.FLAG)
        for row in told["tables"]["audit"]["rows"]
        if isinstance(at := row[1], float) and row[3] == "flag-raised"
    )
    return marks
