"""Series: five-minute least, mean and greatest of a few signals, one packed row per board."""

import contextlib
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gpuwatch.domain.readings import Gap
from gpuwatch.domain.records import SeriesPoint, Spread
from gpuwatch.domain.signals import Signal
from gpuwatch.history.book import Book
from gpuwatch.history.plans import Plan, Values
from gpuwatch.history.tables import SERIES, SERIES_COLUMNS
from gpuwatch.history.timeline import Instant

BUCKET_SECONDS = 300.0
KEPT_BUCKETS = 14 * 24 * 12


@dataclass(slots=True)
class _Sum:
    signal: Signal
    least: float
    greatest: float
    total: float = 0.0
    count: int = 0


@dataclass(slots=True)
class _Bucket:
    start: Instant
    end: float
    sums: dict[str, _Sum] = field(default_factory=dict)


class SeriesBook:
    """The buckets that are being filled, and how full ones are written and read back."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._open: dict[int, _Bucket] = {}
        self._columns: dict[tuple[str, ...], int] = {}
        self._next: dict[int, int] = {}
        for number, signals in names_of(book.store.rows(SERIES_COLUMNS)).items():
            self._columns[signals] = number
        if not self._columns:  # lost with a damaged file: its numbers name other signals for ever
            last = book.store.rows(SERIES, "order by columns desc limit 1")
            book.numbers[SERIES_COLUMNS.name] = last[0][4] if last else 0
        for board in book.boards:
            tail = "where board = ? order by sequence desc limit 1"
            last = book.store.rows(SERIES, tail, (board,))
            self._next[board] = last[0][1] + 1 if last else 1

    def take(self, board: int, plan: Plan, values: Values) -> None:
        """Add one sweep's readings. Buckets are cut on the boot clock, so none is cut twice."""
        now = self._book.timeline.now
        bucket = self._open.get(board)
        if bucket is None or now.boottime >= bucket.end or now.boot != bucket.start.boot:
            if bucket is not None:
                self._write(board, bucket)
            end = (now.boottime // BUCKET_SECONDS + 1) * BUCKET_SECONDS
            bucket = self._open[board] = _Bucket(now, end)
        sums = bucket.sums
        for key, signal, value in zip(plan.series_keys, plan.series, values, strict=True):
            if isinstance(value, Gap | str):
                continue
            known = sums.get(key)
            if known is None:
                known = sums[key] = _Sum(signal, value, value)
            known.total += value
            known.count += 1
            # Comparisons, since min() and max() would be half of what a quiet sweep costs.
            if value < known.least:
                known.least = value
            elif value > known.greatest:
                known.greatest = value

    def close(self) -> None:
        """Put the buckets at hand, though they are not full."""
        for board, bucket in self._open.items():
            self._write(board, bucket)
        self._open.clear()

    def read(self, board: int, since: float) -> tuple[SeriesPoint, ...]:
        """The buckets of a board from Unix second `since` on, those at hand included."""
        store, timeline = self._book.store, self._book.timeline
        rows = store.every_row(SERIES, "where board = ?", (board,))
        names = {number: signals for signals, number in self._columns.items()}
        points = [
            SeriesPoint(at, dict(unpack(names[columns], data)))
            for owner, _, boot, boottime, columns, data in rows
            if owner == board
            and columns in names
            and (at := timeline.wall(Instant(boot, boottime))) >= since
        ]
        if (bucket := self._open.get(board)) is not None and bucket.sums:
            spreads = {key: _spread(known) for key, known in bucket.sums.items()}
            points.append(SeriesPoint(timeline.wall(bucket.start), spreads))
        return tuple(points)

    def _write(self, board: int, bucket: _Bucket) -> None:
        if not bucket.sums:
            return
        sequence = self._next.get(board, 1)
        self._next[board] = sequence + 1
        columns = self._number(tuple(bucket.sums))
        data = pack(_spread(known) for known in bucket.sums.values())
        start = bucket.start
        self._book.store.put(SERIES, (board, sequence, start.boot, start.boottime, columns, data))

    def _number(self, names: tuple[str, ...]) -> int:
        number = self._columns.get(names)
        if number is None:
            number = self._columns[names] = self._book.number(SERIES_COLUMNS)
            self._book.store.put(SERIES_COLUMNS, (number, json.dumps(names)))
        return number


def names_of(rows: Iterable[tuple[Any, ...]]) -> dict[int, tuple[str, ...]]:
    """The signals of a bucket by the number of their set; without a set that is not understood.

    What a damaged file left of one keeps nobody from starting: its buckets are passed over.
    """
    names: dict[int, tuple[str, ...]] = {}
    for number, signals in rows:
        with contextlib.suppress(ValueError, TypeError):
            names[number] = tuple(map(str, json.loads(signals)))
    return names


def pack(spreads: Iterable[Spread]) -> bytes:
    """Three 32-bit floats a signal: a percent of a sensor's last digit is not worth a byte."""
    return b"".join(
        struct.pack("<3f", spread.least, spread.mean, spread.greatest) for spread in spreads
    )


def unpack(names: tuple[str, ...], data: bytes) -> Iterable[tuple[str, Spread]]:
    """What `pack` made, with the names of its signals."""
    spreads = (Spread(*values) for values in struct.iter_unpack("<3f", data))
    return zip(names, spreads, strict=True)


def _spread(known: _Sum) -> Spread:
    convert = known.signal.unit.to_base
    return Spread(convert(known.least), convert(known.total / known.count), convert(known.greatest))
