"""Attention: which findings somebody has taken up, and which have become graver than their flag."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gpuwatch.domain.devices import BoardKey, same_board
from gpuwatch.domain.flag_changes import escalated, is_attended, is_graver
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.verdicts import Finding, Urgency
from gpuwatch.policy.planner import RETURNED
from gpuwatch.policy.rules import is_remembered
from gpuwatch.policy.views import HostView


def attending(host: HostView, flags: Sequence[Flag]) -> HostView:
    """The same host with what people have taken up.

    A flag covers its cause at its own urgency on every GPU of its board, and that the board is back
    where no flag is for that alone. A board in hands is covered whole: whoever works on it sees
    what else is wrong with it.
    """
    attended: dict[tuple[str, str], Urgency] = {}
    in_hands = set()
    for flag in flags:
        if not flag.is_open or not is_attended(flag, host.now.wall):
            continue
        for uuid in uuids_of(flag, (gpu.record.key for gpu in host.gpus)):
            attended[flag.code, uuid] = flag.urgency
            # One that is verified speaks of the board that came in, not of this one.
            stands = flag.state is not FlagState.VERIFYING
            if stands and not any(_is_for_return(other, flag.board) for other in flags):
                attended[RETURNED, uuid] = flag.urgency
            if flag.state is FlagState.IN_HANDS:
                in_hands.add(uuid)
    if not attended:
        return host
    return replace(host, attended=attended, in_hands=frozenset(in_hands))


def _is_for_return(flag: Flag, board: BoardKey) -> bool:
    return flag.is_open and flag.code == RETURNED and same_board(flag.board, board)


def is_covered(finding: Finding, host: HostView) -> bool:
    """Whether somebody has taken this finding up, at this urgency."""
    if finding.subject in host.in_hands:
        return True
    urgency = host.attended.get((finding.code, finding.subject))
    return urgency is not None and not is_graver(finding.urgency, urgency)


def escalations(
    flags: Sequence[Flag],
    findings: Mapping[str, tuple[Finding, ...]],
    records: Mapping[BoardKey, BoardRecord],
) -> Iterator[Flag]:
    """Open flags whose cause holds at a graver urgency than theirs, brought up to it."""
    for flag in (flag for flag in flags if flag.is_open):
        graver = [
            finding
            for uuid in uuids_of(flag, records)
            for finding in findings.get(uuid, ())
            if finding.code == flag.code and is_graver(finding.urgency, flag.urgency)
        ]
        for finding in graver[:1]:
            yield escalated(flag, finding.urgency, finding.sentence, finding.evidence_at)


def outlived(
    flags: Iterable[Flag], records: Mapping[BoardKey, BoardRecord]
) -> Iterator[tuple[str, str, float]]:
    """Code, UUID and evidence of flags whose board left since: what is remembered of it is old.

    When it comes back, that a flagged board is back is the finding, and not the old evidence. A
    flag that was raised after its return stands, however old its evidence: nobody had judged that.
    """
    for flag in flags:
        for key, record in records.items():
            before = flag.number in record.flagged_before_return
            away = record.state is BoardState.LEFT or before
            if away and same_board(flag.board, key) and is_remembered(flag.code):
                yield flag.code, key.uuid, flag.evidence_at


def is_followed(flag: Flag, flags: Iterable[Flag]) -> bool:
    """Whether one for the same board and cause was raised after it and stands.

    Its evidence is newer then, whatever the dates say.
    """
    return any(
        other.is_open
        and other.number > flag.number
        and other.code == flag.code
        and same_board(other.board, flag.board)
        for other in flags
    )


def uuids_of(flag: Flag, boards: Iterable[BoardKey]) -> tuple[str, ...]:
    """The GPUs of the flagged board, its own first."""
    others = (board.uuid for board in boards if same_board(flag.board, board))
    return tuple(dict.fromkeys((flag.board.uuid, *others)))
