"""Openings: which of the incidents that a step of history changed were opened by it."""

from dataclasses import dataclass, field

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.incidents import Incident
from gpuwatch.history import History


@dataclass(slots=True)
class Openings:
    """Counts the incidents of every board: one was opened where there are more than before."""

    history: History
    _counts: dict[BoardKey, int] = field(default_factory=dict)
    _lineage: str = ""

    def __post_init__(self) -> None:
        self.follow()

    def follow(self) -> bool:
        """Whether history goes on in another file, opened late: what that knows is not new."""
        lineage, _ = self.history.edition
        if lineage == self._lineage:
            return False
        self._lineage = lineage
        self._counts = {
            key: len(record.incidents) for key, record in self.history.records().items()
        }
        return True

    def is_opened(self, incident: Incident) -> bool:
        """Whether an incident that was changed is new; asked once for each change."""
        board = incident.board
        known, now = self._counts.get(board, 0), len(self.history.records()[board].incidents)
        self._counts[board] = now
        return now > known
