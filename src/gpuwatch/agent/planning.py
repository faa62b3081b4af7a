"""Planning: the windows to come, kept while they hold; what the planner changes, written down."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

import structlog

from gpuwatch.domain.audit import Deed
from gpuwatch.domain.flag_audit import GPUWATCH
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.windows import Blackout, CalendarState, Outlook
from gpuwatch.history import History
from gpuwatch.policy.agenda import Agenda
from gpuwatch.policy.placement import Change, NoticeKind

log = structlog.get_logger("gpuwatch.planning")

VALID_SECONDS = 3600.0
_LEVELS = {
    NoticeKind.REPLANNED: "info",
    NoticeKind.POSTPONED: "warning",
    NoticeKind.LATE: "warning",
}


@dataclass(slots=True)
class Calendar:
    """The coming windows, computed when one begins or ends and not at every sweep.

    `files` gives the iCalendar files as they were last read.
    """

    agenda: Agenda = field(default_factory=Agenda)
    files: Callable[[], tuple[CalendarState, ...]] = tuple
    outlook: Outlook = field(default_factory=Outlook)
    _valid: tuple[float, float] = (0.0, 0.0)

    def at(self, now: Moment) -> Outlook:
        """The window that is open and the coming ones, and what stands in their way."""
        first, last = self._valid
        if not first <= now.wall < last or self.files() != self.outlook.calendars:
            self._compute(now)
        return self.outlook

    @property
    def problem(self) -> str:
        """What is wrong with the iCalendar files, "" when nothing is."""
        return "; ".join(filter(None, (calendar.problem for calendar in self.files())))

    def freeze_at(self, instant: datetime) -> Blackout | None:
        """The blackout that covers `instant`, of several the one that ends last."""
        return self.agenda.freeze_at(instant, self.outlook.calendars)

    def forget(self) -> None:
        """Compute again at the next look: the clock stepped, or the settings changed."""
        self._valid = (0.0, 0.0)

    def _compute(self, now: Moment) -> None:
        self.outlook = self.agenda.outlook(now.utc, self.files())
        blocked = (one.window for one in self.outlook.blocked)
        windows = (*self.outlook.windows, *blocked)
        spans = [(one.start, one.end) for one in windows]
        spans += [(one.start, one.end) for one in self.outlook.blackouts]
        edges = chain.from_iterable(spans)
        coming = [edge.timestamp() for edge in edges if edge > now.utc]
        self._valid = (now.wall, min([*coming, now.wall + VALID_SECONDS]))


def take_up(history: History, change: Change, now: Moment) -> None:
    """Keep a flag that the planner raised or changed, sign it, and tell what is to be told."""
    raised = change.before is None
    actions = ["flag-raised"] if raised else []
    reasons = ["a finding asks for it"] if raised else []
    actions += [notice.kind.value for notice in change.notices]
    reasons += [notice.reason for notice in change.notices]
    deed = Deed(actor=GPUWATCH, action=actions[0], reason="; ".join(reasons), at=now.wall)
    flag = history.save_flag(change.flag, deed)
    if raised:
        log.warning(
            "flag-raised",
            flag=flag.number,
            serial=flag.board.serial,
            uuid=flag.board.uuid,
            code=flag.code,
            window=flag.window_name,
            sentence=flag.sentence,
        )
    for notice in change.notices:
        getattr(log, _LEVELS[notice.kind])(
            notice.kind.value,
            flag=flag.number,
            serial=flag.board.serial,
            code=flag.code,
            window=flag.window_name,
            reason=notice.reason,
        )
