"""Flag audit: the record of what a change of a flag changed, before and after, in words."""

from collections.abc import Callable
from datetime import UTC, datetime

from gpuwatch.domain.audit import AuditRecord, Deed
from gpuwatch.domain.flags import Flag

GPUWATCH = "gpuwatch"  # the actor of what nobody asked for
NONE = "none"


def flag_subject(number: int) -> str:
    """What an audit record calls a flag."""
    return f"flag {number}"


def flag_number(subject: str) -> int | None:
    """The number of the flag that an audit record is about, None when it is about none."""
    word, _, number = subject.partition(" ")
    return int(number) if word == "flag" and number.isdecimal() else None


def flag_record(before: Flag | None, after: Flag, deed: Deed) -> AuditRecord:
    """The record of one change; `before` is None for a flag that is raised.

    `before` and `after` name the attributes that differ, as `name=value; ...`.
    """
    told = [(name, _told(tell, before), _told(tell, after)) for name, tell in _ATTRIBUTES]
    differs = [(name, old, new) for name, old, new in told if old != new]
    return AuditRecord(
        at=deed.at,
        actor=deed.actor,
        action=deed.action,
        subject=flag_subject(after.number),
        reason=deed.reason,
        before="" if before is None else "; ".join(f"{name}={old}" for name, old, _ in differs),
        after="; ".join(f"{name}={new}" for name, _, new in differs),
    )


def _told(tell: Callable[[Flag], str], flag: Flag | None) -> str:
    return NONE if flag is None else tell(flag) or NONE


def _instant(at: float | None) -> str:
    if at is None:
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _window(flag: Flag) -> str:
    return f"{flag.window_name} {_instant(flag.window_start)}" if flag.window_name else ""


def _acknowledged(flag: Flag) -> str:
    if flag.acknowledged_at is None:
        return ""
    return f"{_instant(flag.acknowledged_at)} by {flag.acknowledged_by}"


# What an audit record calls each attribute, and how it says its value.
_ATTRIBUTES: tuple[tuple[str, Callable[[Flag], str]], ...] = (
    ("state", lambda flag: flag.state.value),
    ("outcome", lambda flag: flag.outcome),
    ("urgency", lambda flag: flag.urgency.value),
    ("evidence", lambda flag: _instant(flag.evidence_at or None)),
    ("due", lambda flag: _instant(flag.due_at)),
    ("window", _window),
    ("pinned", lambda flag: "yes" if flag.pinned else "no"),
    ("acknowledged", _acknowledged),
    ("snoozed_until", lambda flag: _instant(flag.snoozed_until)),
    ("told_late", lambda flag: "yes" if flag.told_late else "no"),
    ("disposition", lambda flag: flag.disposition.value),
    ("rma", lambda flag: flag.rma.value),
    ("vendor_case", lambda flag: flag.vendor_case),
    ("fru", lambda flag: flag.fru),
    ("slot", lambda flag: flag.slot_label),
    ("slot_note", lambda flag: flag.slot_note),
    ("successor", lambda flag: str(flag.successor) if flag.successor else ""),
    ("board", lambda flag: str(flag.board)),
    ("sentence", lambda flag: flag.sentence),
)
