"""Albums: one board's last days, read beside the agent that writes; for any thread.

The file is opened for each album and read through a connection of its own, as the copies are: a
reader neither waits for the writer nor makes it wait. What the writer has not put into the file
yet, a minute's worth at most, is not in the album.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from gpuwatch.domain.albums import Album
from gpuwatch.domain.devices import BoardKey, same_board
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.records import Spread, Transition
from gpuwatch.history import tables
from gpuwatch.history.connection import connect_reader
from gpuwatch.history.health import HistoryError
from gpuwatch.history.series import names_of, unpack
from gpuwatch.history.tables import Row, Table
from gpuwatch.history.timeline import Boot, Instant, Timeline

_TRANSITIONS = 20_000  # of one board: a counter that rises every minute, for a fortnight
# A bucket that is older ends the search: wall clocks of boots may be wrong, but seldom by more.
_SLACK_SECONDS = SECONDS_PER_DAY


def read_album(
    path: Path, board: BoardKey, since: float, *, levels: Collection[str], counters: Collection[str]
) -> Album:
    """What the file at `path` tells of a board: `levels` from Unix second `since` on.

    Of `counters` the latest changes, whenever they were. Raises HistoryError when the file cannot
    be read.
    """
    try:
        with closing(connect_reader(path)) as connection:
            return _Reading(connection, board).album(since, levels, counters)
    except sqlite3.Error as error:
        raise HistoryError(f"history: cannot read {path}: {error}") from error


class _Reading:
    """One connection, and which numbers the file has for the board."""

    def __init__(self, connection: sqlite3.Connection, board: BoardKey) -> None:
        self._connection = connection
        connection.execute("begin")  # so that all of it is of one instant
        self._timeline = Timeline(Boot(*row) for row in self._rows(tables.BOOTS))
        # A board whose serial could not be read for a while may be remembered twice.
        self._numbers = [
            number
            for number, serial, uuid, *_ in self._rows(tables.BOARDS)
            if uuid == board.uuid and same_board(BoardKey(serial, uuid), board)
        ]

    def album(self, since: float, levels: Collection[str], counters: Collection[str]) -> Album:
        """What is told of the board."""
        told: dict[str, list[tuple[float, Spread]]] = {key: [] for key in levels}
        for number in self._numbers:
            for at, key, spread in self._buckets(number, since):
                if key in told:
                    told[key].append((at, spread))
        return Album(
            levels={key: tuple(sorted(found, key=_at)) for key, found in told.items()},
            transitions=tuple(sorted(self._transitions(counters), key=lambda one: one.at)),
            resets=tuple(sorted(self._resets())),
            epochs=tuple(
                sorted(
                    (self._wall(boot, boottime), version)
                    for _, boot, boottime, _, version in self._rows(tables.EPOCHS)
                )
            ),
        )

    def _buckets(self, number: int, since: float) -> Iterator[tuple[float, str, Spread]]:
        names = names_of(self._rows(tables.SERIES_COLUMNS))
        tail = "where board = ? order by sequence desc"
        for _, _, boot, boottime, columns, data in self._rows(tables.SERIES, tail, (number,)):
            at = self._wall(boot, boottime)
            if at < since - _SLACK_SECONDS:
                return
            if at >= since and columns in names:
                yield from ((at, *told) for told in unpack(names[columns], data))

    def _transitions(self, counters: Collection[str]) -> Iterator[Transition]:
        wanted = {number: key for number, key in self._rows(tables.SIGNALS) if key in counters}
        marks = ", ".join("?" * len(wanted))
        tail = f"where board = ? and signal in ({marks}) order by number desc limit {_TRANSITIONS}"
        for number in self._numbers:
            for _, _, signal, value, boot, boottime in self._rows(
                tables.CHANGES, tail, (number, *wanted)
            ):
                yield Transition(wanted[signal], value, self._wall(boot, boottime))

    def _resets(self) -> Iterator[float]:
        boards = {row[0] for row in self._rows(tables.BOARDS)}
        for _, board, boot, boottime, _ in self._rows(tables.RESETS):
            if board in self._numbers or board not in boards:  # of no board: of the whole host
                yield self._wall(boot, boottime)

    def _rows(self, table: Table, tail: str = "", parameters: Row = ()) -> Iterator[Any]:
        return iter(self._connection.execute(f"{table.select} {tail}", parameters))

    def _wall(self, boot: int, boottime: float) -> float:
        return self._timeline.wall(Instant(boot, boottime))


def _at(told: tuple[float, Spread]) -> float:
    return told[0]
