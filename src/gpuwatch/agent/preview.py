"""Preview: the installed rules over the whole history, as a document; nothing is written."""

from pathlib import Path
from typing import TypedDict

from gpuwatch.domain.past import HostPast
from gpuwatch.exposition.record_documents import instant, instant_or_none
from gpuwatch.history.past import PastReader
from gpuwatch.policy.replay import Saying, is_replayed, replay
from gpuwatch.policy.rules import RULES, RULES_VERSION
from gpuwatch.policy.views import PolicySettings


class SayingShape(TypedDict):
    """A finding that the rules would have had; `ended` is null while it holds.

    `held_back` says that the agent does not raise it: an older rule set judged what it rests on.
    """

    code: str
    serial: str
    uuid: str
    slot: str
    urgency: str
    remedy: str
    began: str
    ended: str | None
    sentence: str
    raises_flag: bool
    flag: int | None
    held_back: bool


class PreviewShape(TypedDict):
    """What the installed rule set says of the whole history."""

    rules_version: str
    installed_version: str | None
    installed_at: str | None
    history_from: str | None
    since: str | None
    until: str
    sayings: list[SayingShape]
    flags: int
    not_replayed: list[str]


def preview(path: Path, settings: PolicySettings, *, since: float, until: float) -> PreviewShape:
    """Replay the history at `path`; what ended before Unix second `since` is left out.

    Raises HistoryError or OSError when it cannot be read.
    """
    reader = PastReader.open(path)
    try:
        past = reader.past()
        installed = reader.rule_set()
        flags = {(flag.code, flag.board.uuid): flag.number for flag in reader.flags()}
    finally:
        reader.close()
    said = [one for one in replay(past, settings, until) if one.ended is None or one.ended >= since]
    began = min((board.record.first_seen for board in past.boards), default=None)
    disabled = settings.disabled
    return {
        "rules_version": RULES_VERSION,
        "installed_version": installed[0] if installed else None,
        "installed_at": instant(installed[1]) if installed and installed[1] else None,
        "history_from": instant_or_none(began),
        "since": instant(since) if since else None,
        "until": instant(until),
        "sayings": [_document(one, past, flags) for one in said],
        "flags": sum(one.flag for one in said),
        "not_replayed": [
            rule.code for rule in RULES if not is_replayed(rule) and rule.code not in disabled
        ],
    }


def _document(saying: Saying, past: HostPast, flags: dict[tuple[str, str], int]) -> SayingShape:
    finding = saying.finding
    boards = {board.record.key.uuid: board.record for board in past.boards}
    record = boards.get(finding.subject)
    flag = flags.get((finding.code, finding.subject))
    at = finding.evidence_at
    old = record is not None and 0.0 < at <= record.judged_from
    return {
        "code": finding.code,
        "serial": record.key.serial if record else "",
        "uuid": finding.subject,
        "slot": record.slot.label if record and record.slot else "",
        "urgency": finding.urgency.value,
        "remedy": finding.remedy.value,
        "began": instant(saying.began),
        "ended": instant_or_none(saying.ended),
        "sentence": finding.sentence,
        "raises_flag": saying.flag,
        "flag": flag,
        "held_back": saying.flag and flag is None and old,
    }
