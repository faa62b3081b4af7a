"""Uncaptured: what happened to boards in the last day and was not captured.

An agent that was killed between the two writes, or whose capture failed, leaves an incident, a fall
or a flag of which nothing is kept. The next agent keeps what is there then, and says so.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gpuwatch.domain.captures import SPACING_SECONDS, Occasion
from gpuwatch.domain.devices import BoardKey, same_board
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.records import BoardRecord
from gpuwatch.history import History

MADE_UP_SECONDS = SECONDS_PER_DAY  # what is older than that has left no traces to keep
# The kernel stamps its lines by a clock of its own, which drifts against the host's.
_SAME_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Uncaptured:
    """What happened to `board` at `at`, Unix seconds, why it is captured, and why only now."""

    board: BoardKey
    occasion: Occasion
    at: float
    what: str

    @property
    def because(self) -> str:
        """The sentence of its capture."""
        return f"{self.what} at {self._told}, and the agent of that time could not capture it"

    @property
    def cut(self) -> str:
        """What a capture that late lacks."""
        return (
            f"captured only when the agent was started again: of {self._told} it has what was"
            " still there then"
        )

    @property
    def _told(self) -> str:
        return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def uncaptured(history: History, now: float) -> tuple[Uncaptured, ...]:
    """The latest of it for each board, by Unix second `now`. Captures are read of these alone."""
    flags, found = history.flags(), []
    for key, record in history.records().items():
        recent = [one for one in _happened(key, record, flags) if _is_recent(one, now)]
        made = [capture.at for capture in history.captures(key)] if recent else []
        missing = [one for one in recent if not any(at >= _covers_from(one) for at in made)]
        if missing:
            found.append(max(missing, key=lambda one: one.at))
    return tuple(found)


def _happened(key: BoardKey, record: BoardRecord, flags: Iterable[Flag]) -> Iterator[Uncaptured]:
    for incident in record.incidents[-1:]:
        # Dated by an interval, it came to be known at the end of that.
        at = max(incident.opened_at, incident.signals[0].latest)
        yield Uncaptured(key, Occasion.INCIDENT, at, "an uncorrectable error opened an incident")
    for at in record.off_bus_at[-1:]:
        yield Uncaptured(key, Occasion.OFF_BUS, at, "it fell off the bus")
    for flag in flags:
        if same_board(flag.board, key):
            what = f"flag {flag.number} was raised by {flag.code}"
            yield Uncaptured(key, Occasion.FLAG, flag.raised_at, what)


def _is_recent(one: Uncaptured, now: float) -> bool:
    return 0.0 <= now - one.at < MADE_UP_SECONDS


def _covers_from(one: Uncaptured) -> float:
    """A capture since then is one of it: of an incident its own, else one within the hour."""
    spacing = _SAME_SECONDS if one.occasion is Occasion.INCIDENT else SPACING_SECONDS
    return one.at - spacing
