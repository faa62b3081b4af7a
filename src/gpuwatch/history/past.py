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
        return HostPast(
            boards=tuple(self._past_of(known) for known in self._book.boards.values()),
            epochs=self.epochs(),
            unattributed=self._happened(EventKind.UNATTRIBUTED_ERROR),
        )

    def _past_of(self, known: BoardHistory) -> BoardPast:
        transitions = self.transitions(known.board.key)
        return BoardPast(
            record=self._record(known),
            transitions=tuple(sorted(transitions, key=lambda one: one.at)),
            resets=self.resets(known.board.key),
        )

    def _happened(self, kind: EventKind) -> tuple[float, ...]:
        rows = self._book.store.rows(EVENTS, "where kind = ?", (kind.value,))
        return tuple(sorted(self._book.timeline.wall(Instant(row[9], row[10])) for row in rows))
