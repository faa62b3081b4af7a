"""Flag changes: what people write on a flag, within bounds, and what newer evidence does to it."""

from dataclasses import replace
from datetime import UTC, datetime

from gpuwatch.domain.flag_life import POSSIBLE, FlagError, named
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.domain.windows import Window

# A snooze is for the days until a part or a person is there; a flag is not forgotten with it.
LONGEST_SNOOZE_SECONDS = 30 * SECONDS_PER_DAY
LATEST_DUE_SECONDS = 731 * SECONDS_PER_DAY

_URGENT_FIRST = tuple(Urgency)


def acknowledged(flag: Flag, by: str, now: float) -> Flag:
    """A person has seen it; `now` is Unix seconds, here and below.

    This and the other changes raise FlagError for a flag that has ended, and for a change that
    would change nothing.
    """
    _require_life(flag, "it cannot be acknowledged")
    if flag.acknowledged_at is not None:
        raise FlagError(
            f"{named(flag)} and acknowledged by {flag.acknowledged_by} since"
            f" {_told(flag.acknowledged_at)}",
            "nothing needs to be done",
        )
    return replace(flag, acknowledged_by=by, acknowledged_at=now)


def snoozed(flag: Flag, until: float, now: float) -> Flag:
    """Keep it from paging until Unix second `until`: to come, and at most 30 days away."""
    _require_life(flag, "it cannot be snoozed")
    if not now < until <= now + LONGEST_SNOOZE_SECONDS:
        raise FlagError(
            f"flag {flag.number} cannot be snoozed until {_told(until)}",
            f"name a time after now and up to {_told(now + LONGEST_SNOOZE_SECONDS)}",
            misuse=True,
        )
    return replace(flag, snoozed_until=until)


def scheduled(flag: Flag, window: Window, by: str, now: float) -> Flag:
    """Pin it to a window; who does so has seen it, and thereby acknowledges it."""
    _require_open(flag, "it cannot be scheduled")
    if window.end.timestamp() <= now:
        raise FlagError(
            f"window {window.name} of {_told(window.start.timestamp())} is over",
            "see gpuwatch windows",
            misuse=True,
        )
    seen = flag if flag.acknowledged_at is not None else acknowledged(flag, by, now)
    pinned = replace(
        seen,
        pinned=True,
        window_name=window.name,
        window_start=window.start.timestamp(),
        window_end=window.end.timestamp(),
    )
    return _other(flag, pinned)


def unpinned(flag: Flag) -> Flag:
    """Let gpuwatch plan its window again; until it has, there is none."""
    _require_open(flag, "it cannot be scheduled")
    if not flag.pinned:
        raise FlagError(f"{named(flag)} and pinned to no window", "gpuwatch plans its window")
    return replace(flag, pinned=False, window_name="", window_start=None, window_end=None)


def written(
    flag: Flag,
    now: float,
    *,
    due_at: float | None = None,
    disposition: Disposition | None = None,
    vendor_case: str | None = None,
    fru: str | None = None,
) -> Flag:
    """What people write on it; None leaves an attribute as it is.

    `due_at`, Unix seconds, is to come and at most two years away; whether a window comes before it
    is found out, and told, anew. Disposition and vendor case may follow after the flag has ended.
    """
    changed = flag
    if due_at is not None and due_at != flag.due_at:
        _require_life(flag, "nothing is due any more")
        _require_due(flag, due_at, now)
        changed = replace(changed, due_at=due_at, told_late=False)
    if fru is not None:
        _require_life(flag, "no unit is replaced for it any more")
        changed = replace(changed, fru=fru)
    if disposition is not None:
        changed = replace(changed, disposition=disposition)
    if vendor_case is not None:
        changed = replace(changed, vendor_case=vendor_case)
    return _other(flag, changed)


def is_graver(urgency: Urgency, than: Urgency) -> bool:
    """Whether one urgency reaches more people than another."""
    return _URGENT_FIRST.index(urgency) < _URGENT_FIRST.index(than)


def escalated(flag: Flag, urgency: Urgency, sentence: str, evidence_at: float) -> Flag:
    """Its cause has become graver: what people said of the lesser one does not hold any more.

    The acknowledgement and the snooze go, so that it reaches people again; a window that a person
    chose stays.
    """
    return replace(
        flag,
        urgency=urgency,
        sentence=sentence,
        evidence_at=max(evidence_at, flag.evidence_at),
        acknowledged_by="",
        acknowledged_at=None,
        snoozed_until=None,
    )


def is_attended(flag: Flag, now: float) -> bool:
    """Whether somebody has taken it up, so that it pages nobody.

    Acknowledged, snoozed until later than `now`, or in somebody's hands. A window that gpuwatch
    planned by itself does not count: nobody has seen it.
    """
    if flag.state in (FlagState.IN_HANDS, FlagState.VERIFYING):
        return True
    return flag.acknowledged_at is not None or is_snoozed(flag, now)


def is_snoozed(flag: Flag, now: float) -> bool:
    """Whether it is kept from paging until later than `now`.

    Not when it would be for longer than anybody may ask: the clock was ahead when they did.
    """
    until = flag.snoozed_until
    return until is not None and now < until <= now + LONGEST_SNOOZE_SECONDS + SECONDS_PER_DAY


def is_scheduled(flag: Flag) -> bool:
    """Whether it has a window that a person has seen: one they chose, or planned and acknowledged.

    A window that gpuwatch planned and nobody has acknowledged is a plan, not an appointment.
    """
    return flag.window_start is not None and (flag.pinned or flag.acknowledged_at is not None)


def _require_due(flag: Flag, due_at: float, now: float) -> None:
    if not now < due_at <= now + LATEST_DUE_SECONDS:
        raise FlagError(
            f"flag {flag.number} cannot be due {_told(due_at)}",
            f"name a time after now and up to {_told(now + LATEST_DUE_SECONDS)}",
            misuse=True,
        )


def _require_life(flag: Flag, refused: str) -> None:
    if not flag.is_open:
        raise FlagError(f"{named(flag)}: {refused}", POSSIBLE[flag.state])


def _require_open(flag: Flag, refused: str) -> None:
    if flag.state is not FlagState.OPEN:
        raise FlagError(f"{named(flag)}: {refused}", POSSIBLE[flag.state])


def _other(flag: Flag, changed: Flag) -> Flag:
    if changed == flag:
        raise FlagError(f"{named(flag)}, and it says so already", "nothing needs to be done")
    return changed


def _told(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
