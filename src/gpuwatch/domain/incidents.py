"""Incidents: uncorrectable-error signals that belong together, charged to the owning board."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import SECONDS_PER_DAY

# How long an anchor absorbs owning signals, in any case and while no reset has been evidenced; how
# near an echo must be to an owning signal.
ABSORBS_SECONDS = SECONDS_PER_DAY
ABSORBS_WITHOUT_RESET_SECONDS = 7 * SECONDS_PER_DAY
ECHO_SECONDS = 120.0


class Memory(StrEnum):
    """The memory an uncorrectable error was in; UNKNOWN when the signal does not tell."""

    DRAM = "dram"
    SRAM = "sram"
    UNKNOWN = "unknown"


class ErrorKind(StrEnum):
    """A signal of an uncorrectable error. The value is what is stored and shown."""

    ECC = "ecc"
    ROW_REMAP = "row_remap"
    PAGE_RETIREMENT = "page_retirement"
    XID_48 = "xid_48"
    XID_171 = "xid_171"
    XID_172 = "xid_172"
    DOUBLE_BIT_EVENT = "double_bit_event"
    XID_94 = "xid_94"
    XID_95 = "xid_95"
    XID_140 = "xid_140"
    POISON = "poison"


# Echoes: NVIDIA's Xid catalog calls 94 and 95 sympathetic; peers over NVLink report them for
# somebody else's memory. https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
ECHOES = frozenset({ErrorKind.XID_94, ErrorKind.XID_95, ErrorKind.XID_140, ErrorKind.POISON})


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSignal:
    """One report of uncorrectable errors on one board.

    `at` is Unix seconds, with the interval [`not_before`, `not_after`] where only that is known.
    `exposure` is the board's exposure clock at that instant, in seconds. `count` is how many errors
    the signal reports (1 for an event).
    """

    board: BoardKey
    kind: ErrorKind
    at: float
    exposure: float
    memory: Memory = Memory.UNKNOWN
    count: int = 1
    not_before: float | None = None
    not_after: float | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"an error signal reports at least one error, not {self.count}")

    @property
    def is_echo(self) -> bool:
        """Whether this signal never opens an incident alone."""
        return self.kind in ECHOES

    @property
    def earliest(self) -> float:
        """The earliest instant at which it can have happened, Unix seconds."""
        return self.at if self.not_before is None else min(self.not_before, self.at)

    @property
    def latest(self) -> float:
        """The latest instant at which it can have happened, Unix seconds."""
        return self.at if self.not_after is None else max(self.not_after, self.at)

    @property
    def is_exact(self) -> bool:
        """Whether its instant is known, not only an interval."""
        return self.earliest == self.latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One or more error signals of one board that belong together.

    `opened_at` is Unix seconds and anchors the incident; `opened_exposure` is the exposure clock of
    the board then, in seconds. `signals` are in order of arrival, the opener first; the anchor is
    the `at` of one of them, not always the opener's (see `assign`).
    """

    board: BoardKey
    opened_at: float
    opened_exposure: float
    signals: tuple[ErrorSignal, ...]

    def __post_init__(self) -> None:
        if not self.signals or self.signals[0].is_echo:
            raise ValueError("an incident is opened by an owning signal")

    @property
    def memory(self) -> Memory:
        """The memory the owning signals name; DRAM before SRAM when both do (it is the larger)."""
        named = {signal.memory for signal in self.signals if not signal.is_echo}
        for memory in (Memory.DRAM, Memory.SRAM):
            if memory in named:
                return memory
        return Memory.UNKNOWN

    @property
    def last_at(self) -> float:
        """Unix seconds of the latest signal."""
        return max(signal.at for signal in self.signals)

    @property
    def owners(self) -> tuple[ErrorSignal, ...]:
        """The signals that could have opened it, in order of arrival."""
        return tuple(signal for signal in self.signals if not signal.is_echo)

    @property
    def anchor(self) -> ErrorSignal:
        """The owning signal that dates it; an exact one before an interval with the same guess."""
        dating = [signal for signal in self.owners if signal.at == self.opened_at]
        return max(dating, key=lambda signal: signal.is_exact, default=self.signals[0])


class Outcome(StrEnum):
    """What a signal did to the incidents of its board."""

    OPENED = "opened"
    EXTENDED = "extended"
    ECHO_ALONE = "echo_alone"


@dataclass(frozen=True, slots=True)
class Assignment:
    """The board's incidents after a signal, in time order, and the `index` of the one it changed.

    `index` is None when the signal is an echo without an owner.
    """

    outcome: Outcome
    incidents: tuple[Incident, ...]
    index: int | None


def assign(
    incidents: tuple[Incident, ...], signal: ErrorSignal, resets: tuple[float, ...]
) -> Assignment:
    """Put `signal` where it belongs among all `incidents` of its board, which are in time order.

    `resets` are the evidenced resets of the board, Unix seconds. Signals may arrive in any order:

    - an interval and an exact signal inside it are one occurrence and meet, and so do overlapping
      intervals; an interval that an exact signal of its incident explains attracts nothing more;
    - else the latest incident that began before absorbs it;
    - else, found late, it becomes the anchor of the next incident if it would have absorbed that;
    - else it opens one. Incidents never change their members, whatever is found later.

    An anchor is never moved to within 24 h of a neighbour's. Raises ValueError for an incident of
    another board.
    """
    if any(incident.board != signal.board for incident in incidents):
        raise ValueError(f"an incident of another board cannot absorb a signal of {signal.board}")
    if signal.is_echo:
        return _echo(incidents, signal)
    index = _same_occurrence(incidents, signal)
    if index is None:
        index = _absorber(incidents, signal, resets)
    if index is None:
        return _open(incidents, signal)
    return _extend(incidents, index, signal, dates=_dates(incidents, index, signal, resets))


def adopt(
    incident: Incident, echoes: Sequence[ErrorSignal]
) -> tuple[Incident, tuple[ErrorSignal, ...]]:
    """Attach the `echoes` that came before their owner.

    What is too far away, of another board, or no echo comes back.
    """
    own = (echo for echo in echoes if echo.is_echo and echo.board == incident.board)
    near = tuple(echo for echo in own if _distance(incident, echo) <= ECHO_SECONDS)
    rest = tuple(echo for echo in echoes if echo not in near)
    return replace(incident, signals=incident.signals + near), rest


def _echo(incidents: tuple[Incident, ...], echo: ErrorSignal) -> Assignment:
    distances = [_distance(incident, echo) for incident in incidents]
    nearest = min(distances, default=float("inf"))
    if nearest > ECHO_SECONDS:
        return Assignment(Outcome.ECHO_ALONE, incidents, None)
    return _extend(incidents, distances.index(nearest), echo, dates=False)


def _distance(incident: Incident, echo: ErrorSignal) -> float:
    """Seconds between an echo and the nearest owning signal; 0 inside an interval."""
    return min(
        max(0.0, owner.earliest - echo.latest, echo.earliest - owner.latest)
        for owner in incident.owners
    )


def _same_occurrence(incidents: tuple[Incident, ...], signal: ErrorSignal) -> int | None:
    """The incident that holds another report of what `signal` reports; the nearest of several."""
    candidates = [
        (abs(incident.opened_at - signal.at), index)
        for index, incident in enumerate(incidents)
        if any(
            _may_coincide(owner, signal) and not _explained(owner, incident)
            for owner in incident.owners
        )
    ]
    return min(candidates)[1] if candidates else None


def _may_coincide(one: ErrorSignal, other: ErrorSignal) -> bool:
    """Whether two signals, at least one dated by an interval, may be one occurrence.

    Intervals that only touch are consecutive looks at a counter: two occurrences.
    """
    start = max(one.earliest, other.earliest)
    end = min(one.latest, other.latest)
    if one.is_exact != other.is_exact:
        return start <= end
    return start < end


def _explained(signal: ErrorSignal, incident: Incident) -> bool:
    """Whether an exact signal of its incident already says when the interval's error happened."""
    return not signal.is_exact and any(
        owner.is_exact and signal.earliest <= owner.at <= signal.latest for owner in incident.owners
    )


def _absorber(
    incidents: tuple[Incident, ...], signal: ErrorSignal, resets: tuple[float, ...]
) -> int | None:
    """The incident before `signal` that absorbs it, else the one after that it would absorb."""
    following = _following(incidents, signal)
    if following and _absorbs(incidents[following - 1].opened_at, signal.at, resets):
        return following - 1
    if following < len(incidents) and _absorbs(signal.at, incidents[following].opened_at, resets):
        return following
    return None


def _absorbs(anchor: float, at: float, resets: tuple[float, ...]) -> bool:
    elapsed = at - anchor
    was_reset = any(anchor < reset <= at for reset in resets)
    return elapsed < (ABSORBS_SECONDS if was_reset else ABSORBS_WITHOUT_RESET_SECONDS)


def _dates(
    incidents: tuple[Incident, ...], index: int, signal: ErrorSignal, resets: tuple[float, ...]
) -> bool:
    """Whether `signal` becomes the anchor of the incident at `index`.

    It does when it says exactly what the anchor only guessed, or came earlier; never when that
    brought it past a neighbour or to within a day of one.
    """
    incident = incidents[index]
    if _may_coincide(incident.anchor, signal):
        wanted = signal.is_exact
    else:
        wanted = signal.at < incident.opened_at and _absorbs(signal.at, incident.opened_at, resets)
    before = all(other.opened_at + ABSORBS_SECONDS <= signal.at for other in incidents[:index])
    after = all(signal.at + ABSORBS_SECONDS <= other.opened_at for other in incidents[index + 1 :])
    return wanted and before and after


def _extend(
    incidents: tuple[Incident, ...], index: int, signal: ErrorSignal, *, dates: bool
) -> Assignment:
    incident = incidents[index]
    extended = replace(incident, signals=(*incident.signals, signal))
    if dates:
        extended = replace(extended, opened_at=signal.at, opened_exposure=signal.exposure)
    changed = (*incidents[:index], extended, *incidents[index + 1 :])
    return Assignment(Outcome.EXTENDED, changed, index)


def _open(incidents: tuple[Incident, ...], signal: ErrorSignal) -> Assignment:
    index = _following(incidents, signal)
    opened = Incident(
        board=signal.board, opened_at=signal.at, opened_exposure=signal.exposure, signals=(signal,)
    )
    return Assignment(Outcome.OPENED, (*incidents[:index], opened, *incidents[index:]), index)


def _following(incidents: tuple[Incident, ...], signal: ErrorSignal) -> int:
    """The index of the first incident that began after `signal`."""
    return sum(incident.opened_at <= signal.at for incident in incidents)
