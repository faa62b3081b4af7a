"""Planner: findings that ask for a replacement become flags, and flags get a window."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gpuwatch.domain.devices import BoardKey, same_board
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.verdicts import Finding, Remedy, RmaStanding, Urgency, is_newer
from gpuwatch.domain.windows import Window
from gpuwatch.policy.slots import fru_of, slot_note

_URGENT_FIRST = {Urgency.PAGE: 0, Urgency.WINDOW: 1, Urgency.WATCH: 2, Urgency.INFO: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the planner wants: flags to raise (number 0), and known flags to change.

    `replanned` have another window, `confirmed` rest on newer evidence.
    """

    raised: tuple[Flag, ...] = ()
    replanned: tuple[Flag, ...] = ()
    confirmed: tuple[Flag, ...] = ()


def plan(
    findings: Mapping[str, tuple[Finding, ...]],
    records: Mapping[BoardKey, BoardRecord],
    flags: Sequence[Flag],
    windows: Sequence[Window],
    now: datetime,
    *,
    notice: timedelta,
    fru: str = "",
) -> Plan:
    """Raise a flag for every finding whose remedy is replace, once for a board and cause.

    `findings` are keyed by UUID, `windows` are the coming ones in time order, `flags` all that
    history knows, `fru` what is replaced as one piece if not what the platform makes usual. A flag
    goes into the first window that starts at least `notice` from now. Several
    GPUs with one serial number are one board and get one flag. A closed or dismissed flag is raised
    again only on evidence newer than its own.
    """
    raised: list[Flag] = []
    for record in records.values():
        for finding in findings.get(record.key.uuid, ()):
            if finding.remedy is not Remedy.REPLACE:
                continue
            if _known(record.key, finding, (*flags, *raised)):
                continue
            flag = _flag(record, finding, now)
            piece = fru_of(record.board, record.slot, fru)
            raised.append(replace(flag, fru=piece, slot_note=slot_note(record, flags)))
    first = next((window for window in windows if window.start >= now + notice), None)
    ordered = sorted(raised, key=lambda flag: (_URGENT_FIRST[flag.urgency], flag.due_at))
    replanned = tuple(_replanned(flags, windows, first, now))
    moved = {flag.number for flag in replanned}
    return Plan(
        raised=tuple(_in_window(flag, first) for flag in ordered),
        replanned=replanned,
        # One change of a flag at a time: the next decision confirms it.
        confirmed=tuple(
            flag for flag in _confirmed(flags, findings, records) if flag.number not in moved
        ),
    )


def _known(board: BoardKey, finding: Finding, flags: Iterable[Flag]) -> bool:
    """Whether a flag for this board and cause stands, or rested on evidence as new as this."""
    return any(
        flag.code == finding.code
        and same_board(flag.board, board)
        and (flag.is_open or not is_newer(finding.evidence_at, flag.evidence_at))
        for flag in flags
    )


def _confirmed(
    flags: Sequence[Flag],
    findings: Mapping[str, tuple[Finding, ...]],
    records: Mapping[BoardKey, BoardRecord],
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
        if is_newer(latest, flag.evidence_at):
            yield replace(flag, evidence_at=latest)


def _flag(record: BoardRecord, finding: Finding, now: datetime) -> Flag:
    if finding.due is None:
        raise ValueError(f"finding {finding.code}: a replacement has a due time")
    return Flag(
        board=record.key,
        code=finding.code,
        urgency=finding.urgency,
        sentence=finding.sentence,
        raised_at=now.timestamp(),
        evidence_at=finding.evidence_at,
        due_at=now.timestamp() + finding.due.total_seconds(),
        rma=finding.rma or RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        slot_label=record.slot.label if record.slot else "",
    )


def _in_window(flag: Flag, window: Window | None) -> Flag:
    if window is None:
        return replace(flag, window_name="", window_start=None, window_end=None)
    return replace(
        flag,
        window_name=window.name,
        window_start=window.start.timestamp(),
        window_end=window.end.timestamp(),
    )


def _replanned(
    flags: Sequence[Flag], windows: Sequence[Window], first: Window | None, now: datetime
) -> Iterable[Flag]:
    """Open flags whose window passed unused, was cancelled, or was never found."""
    starts = {(window.name, window.start.timestamp()) for window in windows}
    for flag in flags:
        if flag.state is not FlagState.OPEN:
            continue
        planned = (flag.window_name, flag.window_start) in starts
        under_way = flag.window_end is not None and now.timestamp() < flag.window_end
        if planned and under_way:
            continue
        moved = _in_window(flag, first)
        if moved != flag:
            yield moved
