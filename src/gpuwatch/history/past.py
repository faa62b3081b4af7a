"""Past: what is remembered, arranged so that it can be replayed; read only."""

from gpuwatch.domain.events import EventKind
from gpuwatch.domain.past import BoardPast, HostPast
from gpuwatch.history.boards import BoardHistory
from gpuwatch.history.reader import Reader
from gpuwatch.history.tables import EVENTS
from gpuwatch.history.timeline import Instant


class PastReader(Reader):
    """Reads when things happened; `PastReader.open` reads beside the agent that writes."""

    def past(self) -> HostPast:
        """Everything that a replay may look at."""
        wall = self._book.timeline.wall
        return HostPast(
            boards=tuple(self._past_of(known) for known in self._book.boards.values()),
            epochs=tuple(
                sorted(
                    (wall(Instant(boot, met.boottime)), met.driver_version)
                    for (boot, _), met in self._book.epochs.items()
                )
            ),
            unattributed=self._happened(EventKind.UNATTRIBUTED_ERROR),
        )

    def _past_of(self, known: BoardHistory) -> BoardPast:
        book = self._book
        transitions = self.transitions(known.board.key)
        return BoardPast(
            record=self._record(known),
            transitions=tuple(sorted(transitions, key=lambda one: one.at)),
            resets=tuple(sorted(book.timeline.wall(reset) for reset in book.resets(known))),
        )

    def _happened(self, kind: EventKind) -> tuple[float, ...]:
        rows = self._book.store.rows(EVENTS, "where kind = ?", (kind.value,))
        return tuple(sorted(self._book.timeline.wall(Instant(row[9], row[10])) for row in rows))
