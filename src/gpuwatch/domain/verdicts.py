"""Verdicts: findings are rules that hold; a verdict is what they say together about a device."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gpuwatch.domain.moments import Moment


class Scope(StrEnum):
    """What a finding is about."""

    GPU = "gpu"
    SLOT = "slot"
    LINK = "link"
    HOST = "host"
    BMC = "bmc"


class Urgency(StrEnum):
    """Whom a finding reaches, most urgent first: page now, next window, for information, watch."""

    PAGE = "page"
    WINDOW = "window"
    INFO = "info"
    WATCH = "watch"


class Remedy(StrEnum):
    """What a person should do about a finding."""

    REPLACE = "replace"
    RESET = "reset"
    REBOOT = "reboot"
    RESEAT = "reseat"
    INSPECT = "inspect"
    POWER_CYCLE = "power_cycle"
    COOL = "cool"
    POWER = "power"
    VENDOR_CASE = "vendor_case"
    NONE = "none"


class Verdict(StrEnum):
    """What the findings say together, best first; UNKNOWN when we are blind."""

    HEALTHY = "healthy"
    WATCH = "watch"
    RESET_AT_WINDOW = "reset_at_window"
    REPLACE_AT_WINDOW = "replace_at_window"
    DRAIN_NOW = "drain_now"
    UNKNOWN = "unknown"


# An instant is stored as seconds since a boot and dated anew when the clock is set.
_SAME_SECONDS = 0.5
# What the kernel stamps may run ahead of this clock by minutes; further ahead some clock was wrong.
AHEAD_SECONDS = 3600.0

# What to look at first, the gravest first: not knowing is graver than anything that can wait.
GRAVITY = (
    Verdict.DRAIN_NOW,
    Verdict.UNKNOWN,
    Verdict.REPLACE_AT_WINDOW,
    Verdict.RESET_AT_WINDOW,
    Verdict.WATCH,
    Verdict.HEALTHY,
)


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several things together, for a headline; UNKNOWN of nothing at all."""
    return min(verdicts, key=GRAVITY.index, default=Verdict.UNKNOWN)


class RmaStanding(StrEnum):
    """Where a board stands with NVIDIA's criteria for a return."""

    CRITERION_MET = "criterion_met"
    NEEDS_FIELD_DIAGNOSTIC = "needs_field_diagnostic"
    NOT_RETURNABLE_YET = "not_returnable_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that currently holds, with its evidence.

    `subject` is a board's UUID for scope gpu, "bmc.NAME" for a BMC, "" for the host. `urgency`
    makes the verdict, `route` says whom alerts reach: lower than the urgency in maintenance, in
    shadow or by the settings.
    `since` is Unix seconds. `sentence` says it to a person; `evidence` are the numbers in it by
    name, `evidence_at` the Unix seconds of the latest of them, 0 when undated. `clears` says what
    would end it, `escalates` what would make it worse. `source` is a URL or "gpuwatch heuristic".
    """

    code: str
    scope: Scope
    subject: str
    urgency: Urgency
    route: Urgency
    remedy: Remedy
    since: float
    sentence: str
    source: str
    evidence: tuple[tuple[str, str], ...] = ()
    evidence_at: float = 0.0
    latched: bool = False
    rma: RmaStanding | None = None
    due: timedelta | None = None
    clears: str = ""
    escalates: str = ""


def is_newer(evidence_at: float, known_at: float, now: Moment) -> bool:
    """Whether evidence is newer than what is known, by more than redating a thing moves it.

    What is known cannot lie in the future: an earlier boot's clock was ahead, or this one's is
    behind. Whatever happened in this boot is newer than that.
    """
    latest = now.wall + AHEAD_SECONDS
    if known_at > latest >= evidence_at:
        return evidence_at >= now.wall - now.boottime
    return evidence_at > known_at + _SAME_SECONDS


def verdict_of(findings: Iterable[Finding], *, blind: bool) -> Verdict:
    """The verdict of one device from its findings; `blind` when its signals cannot be read.

    An urgent finding outlives blindness: what was seen stays seen. Info findings are no verdict.
    """
    held = tuple(findings)
    if any(finding.urgency is Urgency.PAGE for finding in held):
        return Verdict.DRAIN_NOW
    window = [finding for finding in held if finding.urgency is Urgency.WINDOW]
    if any(finding.remedy is Remedy.REPLACE for finding in window):
        return Verdict.REPLACE_AT_WINDOW
    if window:
        return Verdict.RESET_AT_WINDOW
    if blind or not held:
        return Verdict.UNKNOWN if blind else Verdict.HEALTHY
    watched = any(finding.urgency is Urgency.WATCH for finding in held)
    return Verdict.WATCH if watched else Verdict.HEALTHY
