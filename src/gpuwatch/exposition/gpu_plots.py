"""GPU plots: what is drawn of one GPU, from an album of its last days and the snapshot."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gpuwatch.domain.albums import Album
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.readings import Gap, Value
from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.exposition.cells import POWER, TEMPERATURE, gpu_name, section
from gpuwatch.exposition.markup import Markup, tag
from gpuwatch.exposition.plots import (
    Line,
    Mark,
    MarkKind,
    Panel,
    Point,
    broken,
    inline_figure,
)
from gpuwatch.exposition.views import flags_of, in_base_unit, trusted
from gpuwatch.exposition.words import LOCATIONS

_MEMORY = "gpuwatch_gpu_memory_temperature_celsius"
_HELD = 'gpuwatch_gpu_clocks_event{{reason="{}"}}'
_BUCKET_SECONDS = 300.0
_LONGEST_SECONDS = 2 * _BUCKET_SECONDS + 100.0  # between two buckets of an agent that runs
_DETAIL = 100  # characters of a kernel's line
# Why clocks are held down, none of which a healthy board in a cool room has for long.
_THROTTLES = (
    ("heat, by the driver", _HELD.format("sw_thermal_slowdown")),
    ("heat, by the board", _HELD.format("hw_thermal_slowdown")),
    ("power brake", _HELD.format("hw_power_brake_slowdown")),
)
_LOCATED = 'gpuwatch_gpu_ecc_uncorrected_aggregate_memory_errors_total{{memory="{}"}}'
_LINKS = 'gpuwatch_gpu_nvlink_errors_total{{kind="{}"}}'
_ERRORS = (
    ("uncorrectable in DRAM", _LOCATED.format("dram")),
    ("uncorrectable in SRAM", _LOCATED.format("sram")),
    ("uncorrectable in all", "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total"),
)
_REPAIRS = (
    ("rows remapped, uncorrectable", "gpuwatch_gpu_rows_remapped_uncorrectable_total"),
    ("rows remapped, correctable", "gpuwatch_gpu_rows_remapped_correctable_total"),
    ("pages retired, double bit", "gpuwatch_gpu_pages_retired_double_bit_total"),
    ("pages retired, single bit", "gpuwatch_gpu_pages_retired_single_bit_total"),
)
_TRANSPORT = (
    ("PCIe, correctable", "gpuwatch_gpu_pcie_correctable_errors_total"),
    ("PCIe, fatal", 'gpuwatch_gpu_pcie_uncorrectable_errors_total{severity="fatal"}'),
    ("NVLink, replays", _LINKS.format("replay")),
    ("NVLink, recoveries", _LINKS.format("recovery")),
    ("NVLink, CRC of data", _LINKS.format("crc_data")),
)
# What an album has to hold for these plots.
LEVELS = (TEMPERATURE, _MEMORY, POWER, *(key for _, key in _THROTTLES))
COUNTERS = tuple(key for _, key in (*_ERRORS, *_REPAIRS, *_TRANSPORT))


@dataclass(frozen=True, slots=True)
class Span:
    """How much time a figure is of, and for how long it is as good as a new one; in seconds."""

    name: str
    title: str
    seconds: float
    kept_seconds: float


SPANS: Mapping[str, Span] = {
    span.name: span
    for span in (
        Span("6h", "6 hours", 6 * 3_600.0, 20.0),
        Span("24h", "24 hours", 24 * 3_600.0, 60.0),
        Span("14d", "14 days", 14 * 86_400.0, 300.0),
    )
}
DEFAULT_SPAN = SPANS["24h"]


def gpu_figure(snapshot: Snapshot, gpu: GpuState, album: Album, span: Span) -> Markup:
    """The plots of one GPU, up to the snapshot's instant."""
    now = snapshot.at.wall
    drawing = _Drawing(snapshot, gpu, album, now - span.seconds)
    title = f"{gpu_name(gpu)} in the last {span.title}"
    return inline_figure(drawing.panels(), now - span.seconds, now, title=title)


def plots_section(chosen: Span, figure: Markup | None) -> Markup:
    """The figure under its heading, with links to the other spans; None where none came in time."""
    spans = [
        tag(
            "a",
            one.title,
            href=f"?span={one.name}",
            aria_current="true" if one is chosen else None,
        )
        for one in SPANS.values()
    ]
    late = "No plots yet: the history is slow to answer. This page is loaded anew by itself."
    return section(
        "The last days",
        tag("nav", "shown: ", *spans, class_="spans", aria_label="time shown"),
        tag("p", late, class_="quiet") if figure is None else figure,
    )


class _Drawing:
    """The panels of one figure, and what they have in common."""

    def __init__(self, snapshot: Snapshot, gpu: GpuState, album: Album, start: float) -> None:
        self._now = snapshot.at.wall
        self._gpu = gpu
        self._album = album
        self._start = start
        self._latest = {one.signal.key: (one.at, in_base_unit(one)) for one in trusted(gpu)}
        self._marks = tuple(_marks(snapshot, gpu, album))
        self._gaps = tuple(self._unwatched())

    def panels(self) -> list[Panel]:
        """From what is looked at first; what the board does not tell at all is left out below."""
        held = [self._share(name, key) for name, key in _THROTTLES]
        errors = self._counters(_ERRORS[:2]) or self._counters(_ERRORS[2:])
        below = (
            ("Rows and pages", self._counters(_REPAIRS)),
            ("Link errors", self._counters(_TRANSPORT)),
        )
        return [
            Panel("Temperature", "°C", self._temperatures(), self._marks),
            Panel("Power", "W", self._powers(), self._marks),
            Panel("Clocks held down", "% of the time", held, self._marks),
            Panel("Errors since it was made", "", errors, self._marks, from_zero=False),
            *(
                Panel(title, "", lines, self._marks, from_zero=False)
                for title, lines in below
                if lines
            ),
        ]

    def _temperatures(self) -> list[Line]:
        memory = [self._level("memory, highest", _MEMORY)]
        core = self._level("core, highest", TEMPERATURE)
        return [core, *(line for line in memory if line.points)]

    def _powers(self) -> list[Line]:
        means = ((at, spread.mean) for at, spread in self._album.levels.get(POWER, ()))
        mean = Line("mean of five minutes", tuple(broken(means, _LONGEST_SECONDS)))
        return [self._level("highest", POWER), mean]

    def _level(self, name: str, key: str) -> Line:
        """The greatest of each five minutes, and what it is at present."""
        points = [(at, spread.greatest) for at, spread in self._album.levels.get(key, ())]
        at, value = self._latest.get(key, (0.0, ""))
        if isinstance(value, int | float) and (not points or at > points[-1][0]):
            points.append((at, float(value)))
        return Line(name, tuple(broken(points, _LONGEST_SECONDS)))

    def _share(self, name: str, key: str) -> Line:
        """The share of each five minutes in which a reason held, which is until the next."""
        buckets = self._album.levels.get(key, ())
        points: list[Point] = [(at, spread.mean * 100) for at, spread in buckets]
        dates = [at for at, _ in buckets]
        for at, after in pairwise(dates):
            if after - at > _LONGEST_SECONDS:
                points.append((at + _BUCKET_SECONDS, None))
        if dates:
            told = self._is_told(key) and self._now - dates[-1] <= _LONGEST_SECONDS
            until = self._now if told else min(dates[-1] + _BUCKET_SECONDS, self._now)
            points.append((until, None))
        return Line(name, sorted(points, key=_date), step=True)

    def _is_told(self, key: str) -> bool:
        """Whether the board tells it at present."""
        return key in self._latest and not isinstance(self._latest[key][1], Gap)

    def _counters(self, rows: Iterable[tuple[str, str]]) -> list[Line]:
        """The counters that the board tells or told."""
        lines = (self._counter(name, key) for name, key in rows)
        return [line for line in lines if any(value is not None for _, value in line.points)]

    def _counter(self, name: str, key: str) -> Line:
        changes = [
            (one.at, _number(one.value)) for one in self._album.transitions if one.key == key
        ]
        at, value = self._latest.get(key, (0.0, ""))
        if not isinstance(value, str) and (not changes or at > changes[-1][0]):
            changes.append((at, _number(value)))
        elif changes and key not in self._latest and self._read_until() > changes[-1][0]:
            changes.append((self._read_until(), None))  # it held for as long as it was read
        return Line(name, self._interrupted(changes), step=True)

    def _interrupted(self, changes: Sequence[Point]) -> list[Point]:
        """The changes, unknown from the last reading before each gap to the first after it."""
        if not changes:
            return []
        points = list(changes)
        dates = [at for at, _ in changes]
        for begin, end in self._gaps:
            last = bisect_right(dates, begin)
            resumed = bisect_right(dates, end)
            if last:
                points.append((begin, None))
            if last and end < self._now:
                points.append((end, changes[resumed - 1][1]))
        return sorted(points, key=_date)

    def _read_until(self) -> float:
        """Until when the board was read, as far as buckets tell."""
        seen = [told[-1][0] for key in LEVELS if (told := self._album.levels.get(key))]
        return min(max(seen, default=-_BUCKET_SECONDS) + _BUCKET_SECONDS, self._now)

    def _unwatched(self) -> Iterable[tuple[float, float]]:
        """When nothing of the board was read, as far as buckets tell."""
        seen = {at for key in LEVELS for at, _ in self._album.levels.get(key, ())}
        seen |= {at for at, value in self._latest.values() if not isinstance(value, Gap)}
        told = sorted(seen)
        for at, after in pairwise([*told, self._now] if told else []):
            if after - at > _LONGEST_SECONDS:
                yield at + _BUCKET_SECONDS, after


def _date(point: Point) -> float:
    return point[0]


def _number(value: Value | Gap) -> float | None:
    return None if isinstance(value, str | Gap) else float(value)


def _marks(snapshot: Snapshot, gpu: GpuState, album: Album) -> Iterable[Mark]:
    """What happened to the board, as far as anybody knows."""
    record = gpu.record
    for incident in record.incidents:
        kinds = ", ".join(one.kind.value.replace("_", " ") for one in incident.signals)
        told = f"uncorrectable error {LOCATIONS[incident.memory]} ({kinds})"
        yield Mark(incident.opened_at, told, MarkKind.INCIDENT)
    for at in record.off_bus_at:
        yield Mark(at, "fell off the bus", MarkKind.EVENT)
    for at in album.resets:
        yield Mark(at, "a reset was evidenced", MarkKind.RESET)
    for at, version in album.epochs:
        yield Mark(at, f"driver {version or 'of unknown version'}", MarkKind.DRIVER)
    for flag in flags_of(snapshot, record.key.uuid):
        yield Mark(flag.raised_at, f"flag {flag.number} raised: {flag.code}", MarkKind.FLAG)
    for event in snapshot.events:
        ours = event.board is not None and event.board.uuid == record.key.uuid
        if ours and event.kind is EventKind.XID:
            yield Mark(event.at, f"Xid {event.code}: {event.detail[:_DETAIL]}", MarkKind.EVENT)
