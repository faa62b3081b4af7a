"""Blindness: which boards and sources tell nothing of what rules need, and for how long."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from gpuwatch.agent.live import LiveBoard
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import SourceState


@dataclass(frozen=True, slots=True)
class Blindness:
    """For how many seconds boards (by UUID) and required sources have told nothing."""

    boards: Mapping[str, float] = field(default_factory=dict)
    sources: tuple[tuple[str, float], ...] = ()


NOT_BLIND = Blindness()


@dataclass(slots=True)
class BlindWatch:
    """Counts blind time on the boot clock. Time in which somebody works on it is none of it.

    A GPU that is lost or hangs has a finding of its own: what it does not tell is a consequence.
    """

    _since: dict[str, float] = field(default_factory=dict)

    def look(
        self,
        now: Moment,
        boards: Iterable[LiveBoard],
        sources: Iterable[SourceState],
        is_blind: Callable[[LiveBoard], bool],
        excused: frozenset[str],
    ) -> Blindness:
        """What is blind now. `excused` are UUIDs that are worked on, "" for the whole host."""
        silent = {
            source.name
            for source in sources
            if source.required and not (source.fresh or source.released)
        }
        blind = {
            board.key.uuid
            for board in boards
            if board.present and not board.lost and board.hang is None and is_blind(board)
        }
        here = set() if "" in excused else (blind | silent) - excused
        self._since = {name: self._since.get(name, now.boottime) for name in here}
        past = {name: now.boottime - since for name, since in self._since.items()}
        return Blindness(
            boards={uuid: past[uuid] for uuid in blind & here},
            sources=tuple((name, past[name]) for name in sorted(silent & here)),
        )
