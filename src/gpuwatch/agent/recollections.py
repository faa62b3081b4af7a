"""Recollections: what rules ask of the recent past that history keeps."""

from gpuwatch.domain.events import EventKind
from gpuwatch.domain.moments import SECONDS_PER_DAY, Moment
from gpuwatch.history import History

EVENTS_SHOWN = 200
UNATTRIBUTED_SECONDS = SECONDS_PER_DAY
LOSS_SHOWN_SECONDS = 30 * SECONDS_PER_DAY


def unattributed(history: History, now: Moment) -> tuple[float, ...]:
    """Unix seconds of echoes without an owner in the last day, oldest first."""
    recent = history.recent_events(EVENTS_SHOWN)
    return tuple(
        event.at
        for event in reversed(recent)
        if event.kind is EventKind.UNATTRIBUTED_ERROR and now.wall - event.at < UNATTRIBUTED_SECONDS
    )


def history_lost(history: History, now: Moment) -> str:
    """What of the history was lost in the last 30 days, "" for nothing."""
    recent = [text for at, text in history.losses() if now.wall - at < LOSS_SHOWN_SECONDS]
    return recent[-1] if recent else ""
