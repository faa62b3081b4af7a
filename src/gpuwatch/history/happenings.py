"""Happenings: what happened to a board and to its driver, as far back as the store goes."""

import contextlib

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import Event
from gpuwatch.history.bmc_reader import BmcReader
from gpuwatch.history.rows import event_of
from gpuwatch.history.tables import EVENTS
from gpuwatch.history.timeline import Instant


class HappeningsReader(BmcReader):
    """Reading access to it; asked for seldom, and read from the store each time."""

    def epochs(self) -> tuple[tuple[float, str], ...]:
        """When each driver epoch was met (Unix seconds), and the driver's version, oldest first."""
        wall = self._book.timeline.wall
        return tuple(
            sorted(
                (wall(Instant(boot, met.boottime)), met.driver_version)
                for (boot, _), met in self._book.epochs.items()
            )
        )

    def resets(self, board: BoardKey) -> tuple[float, ...]:
        """The evidenced resets of a board, Unix seconds, oldest first."""
        known, wall = self._book.find(board), self._book.timeline.wall
        return () if known is None else tuple(sorted(map(wall, self._book.resets(known))))

    def events(self, board: BoardKey) -> tuple[Event, ...]:
        """Everything that is kept of what happened to a board, oldest first."""
        known, store, timeline = self._book.find(board), self._book.store, self._book.timeline
        if known is None:
            return ()
        told: list[Event] = []
        for row in store.every_row(EVENTS, "where board = ?", (known.number,)):
            if row[4] == known.number:
                with contextlib.suppress(ValueError):  # a word that only a newer gpuwatch knows
                    told.append(event_of(row, known.board.key, timeline))
        return tuple(sorted(told, key=lambda event: event.at))
