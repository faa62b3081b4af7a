"""Planner: findings that ask for a replacement become flags, and flags get a window."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gpuwatch.domain.devices import BoardKey, same_board
from gpuwatch.domain.flag_life import stays_in_service
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.verdicts import Finding, Remedy, RmaStanding, Urgency, is_newer
from gpuwatch.domain.windows import Blackout, Outlook
from gpuwatch.policy.placement import Change, placed, postponed
from gpuwatch.policy.slots import fru_of, slot_note

# That a flagged board is back needs no flag while one stands for it, nor while it is on trial: then
# it is refused, and has a flag for that.
RETURNED = "flagged-board-returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the planner wants: flags to raise (number 0), and known flags to change.

    `changes` are the raised ones and those with another window or due date, or whose owner is to be
    told something, the most urgent first; `confirmed` rest on newer evidence.
    """

    changes: tuple[Change, ...] = ()
    confirmed: tuple[Flag, ...] = ()

    @property
    def raised(self) -> tuple[Flag, ...]:
        """The new flags."""
        return tuple(change.flag for change in self.changes if change.before is None)

    @property
    def replanned(self) -> tuple[Flag, ...]:
        """The known flags that changed."""
        return tuple(change.flag for change in self.changes if change.before is not None)


def plan(
    findings: Mapping[str, tuple[Finding, ...]],
    records: Mapping[BoardKey, BoardRecord],
    flags: Sequence[Flag],
    outlook: Outlook,
    now: Moment,
    *,
    notice: timedelta,
    freeze_at: Callable[[datetime], Blackout | None] = lambda _instant: None,
    fru: str = "",
) -> Plan:
    """Raise a flag for every finding whose remedy is replace, once for a board and cause.

    `findings` are keyed by UUID, `flags` are all that history knows, `fru` what is replaced as one
    piece if not what the platform makes usual. Open flags go into the first window that starts at
    least `notice` from now and can take their board, the most urgent first; see `placement`.
    `freeze_at` tells the blackout that covers an instant: it moves the due date of what does not
    page. Several GPUs with one serial number are one board and get one flag. A closed or dismissed
    flag is raised again only on evidence newer than its own.
    """
    raised: list[Flag] = []
    for record in records.values():
        for finding in findings.get(record.key.uuid, ()):
            if finding.remedy is not Remedy.REPLACE:
                continue
            if _known(finding, (*flags, *raised), _stood_for(record.key, records), now):
                continue
            flag = _flag(record, finding, now)
            piece = fru_of(record.board, record.slot, fru)
            raised.append(replace(flag, fru=piece, slot_note=slot_note(record, flags)))
    waiting = [Change(flag) for flag in raised]
    if outlook.settled:
        waiting += [Change(flag, flag) for flag in flags if flag.state is FlagState.OPEN]
        waiting = [postponed(change, freeze_at) for change in waiting]
        others = [flag for flag in flags if flag.state is not FlagState.OPEN]
        waiting = placed(waiting, others, outlook, now.utc, notice)
    changes = tuple(change for change in waiting if change.flag != change.before)
    moved = {change.flag.number for change in changes}
    return Plan(
        changes=changes,
        # One change of a flag at a time: the next decision confirms it.
        confirmed=tuple(
            flag for flag in _confirmed(flags, findings, records, now) if flag.number not in moved
        ),
    )


def _known(
    finding: Finding, flags: Iterable[Flag], boards: Sequence[BoardKey], now: Moment
) -> bool:
    """Whether a flag for this board and cause stands, or rested on evidence as new as this.

    `boards` are the board, and those in whose place it came.

    A flag that a swap ended spoke of a board that went. When that is back and pages, it gets a flag
    again: without one nobody could take the page up.
    """
    pages, board = finding.urgency is Urgency.PAGE, boards[0]
    return any(
        flag.code == finding.code
        and same_board(flag.board, board)
        and (
            flag.is_open
            or (
                (stays_in_service(flag) or not pages)
                and not is_newer(finding.evidence_at, flag.evidence_at, now)
            )
        )
        for flag in flags
    ) or (
        finding.code == RETURNED
        and any(
            flag.is_open and same_board(flag.board, bearer) for flag in flags for bearer in boards
        )
    )


def _stood_for(board: BoardKey, records: Mapping[BoardKey, BoardRecord]) -> tuple[BoardKey, ...]:
    """A board, and those in whose place it came: a flag for one of them puts it on trial."""
    return (board, *(record.key for record in records.values() if record.successor == board))


def _confirmed(
    flags: Sequence[Flag],
    findings: Mapping[str, tuple[Finding, ...]],
    records: Mapping[BoardKey, BoardRecord],
    now: Moment,
) -> Iterable[Flag]:
    """Open flags whose cause went on: who dismisses one has seen that too."""
    for flag in (flag for flag in flags if flag.is_open):
        latest = max(
            (
                finding.evidence_at
                for key in records
                if same_board(flag.board, key)
                for finding in findings.get(key.uuid, ())
                if finding.code == flag.code
            ),
            default=0.0,
        )
        if is_newer(latest, flag.evidence_at, now):
            yield replace(flag, evidence_at=latest)


def _flag(record: BoardRecord, finding: Finding, now: Moment) -> Flag:
    if finding.due is None:
        raise ValueError(f"finding {finding.code}: a replacement has a due time")
    return Flag(
        board=record.key,
        code=finding.code,
        urgency=finding.urgency,
        sentence=finding.sentence,
        raised_at=now.wall,
        evidence_at=finding.evidence_at,
        due_at=now.wall + finding.due.total_seconds(),
        rma=finding.rma or RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        slot_label=record.slot.label if record.slot else "",
    )
