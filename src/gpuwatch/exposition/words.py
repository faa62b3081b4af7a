"""Words: verdicts, reasons, ages and amounts as a person reads them at 03:00."""

from datetime import UTC, datetime

from gpuwatch.domain.flags import Disposition, FlagState
from gpuwatch.domain.incidents import Memory
from gpuwatch.domain.readings import GapReason
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.domain.verdicts import RmaStanding, Urgency, Verdict

VERDICTS = {
    Verdict.HEALTHY: "healthy",
    Verdict.WATCH: "watch",
    Verdict.RESET_AT_WINDOW: "reset at window",
    Verdict.REPLACE_AT_WINDOW: "replace at window",
    Verdict.DRAIN_NOW: "drain now",
    Verdict.UNKNOWN: "unknown",
}
GAPS = {
    GapReason.UNSUPPORTED: "not supported",
    GapReason.DENIED: "no permission",
    GapReason.LOST: "GPU lost",
    GapReason.TIMED_OUT: "timed out",
    GapReason.FAILED: "failed",
}
URGENCIES = {
    Urgency.PAGE: "now",
    Urgency.WINDOW: "at the next window",
    Urgency.INFO: "for information",
    Urgency.WATCH: "watch",
}
FLAG_STATES = {
    FlagState.OPEN: "open",
    FlagState.IN_HANDS: "in hands",
    FlagState.VERIFYING: "verifying",
    FlagState.CLOSED: "closed",
    FlagState.DISMISSED: "dismissed",
}
DISPOSITIONS = {
    Disposition.UNDECIDED: "undecided",
    Disposition.RMA: "RMA",
    Disposition.QUARANTINE: "quarantine",
    Disposition.RESET_AND_WATCH: "reset and watch",
    Disposition.RUN_TO_FAILURE: "run to failure",
}
LOCATIONS = {
    Memory.DRAM: "in DRAM",
    Memory.SRAM: "in SRAM",
    Memory.UNKNOWN: "not located",
}
RMA_STANDINGS = {
    RmaStanding.CRITERION_MET: "NVIDIA's criterion is met",
    RmaStanding.NEEDS_FIELD_DIAGNOSTIC: "needs the field diagnostic",
    RmaStanding.NOT_RETURNABLE_YET: "not returnable yet",
}
RECOVERY_ACTIONS = {
    RecoveryAction.NONE: "none",
    RecoveryAction.GPU_RESET: "reset the GPU",
    RecoveryAction.NODE_REBOOT: "reboot the host",
    RecoveryAction.DRAIN_P2P: "drain peer-to-peer work",
    RecoveryAction.DRAIN_AND_RESET: "drain and reset the GPU",
    RecoveryAction.BUS_RESET: "reset the bus",
    RecoveryAction.RECOVER_IMEX_DOMAIN: "recover the IMEX domain",
    RecoveryAction.UNKNOWN: "a number we cannot place",
}

_STEPS = ((86_400.0, 172_800.0, "d"), (3_600.0, 7_200.0, "h"), (60.0, 120.0, "min"))


def span(seconds: float) -> str:
    """A length of time in its largest sensible unit: `94 s`, `12 min`, `31 h`, `14 d`."""
    for length, least, unit in _STEPS:
        if seconds >= least:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def relative(at: float, now: float) -> str:
    """`12 min ago` or `in 28 h`."""
    if round(at) == round(now):
        return "now"
    return f"{span(now - at)} ago" if at < now else f"in {span(at - now)}"


def day(unix_seconds: float) -> str:
    """`Sun 2026-03-15` in UTC: the weekday is what people plan by."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%a %Y-%m-%d")


def minute(unix_seconds: float) -> str:
    """`02:00 UTC`."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%H:%M UTC")


def second(unix_seconds: float) -> str:
    """`2026-03-14 03:12:07 UTC`."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine(unix_seconds: float) -> str:
    """`2026-03-14T03:12:07Z`, for programs that read a page."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def percent(chance: float) -> str:
    """A chance that nobody takes for more exact than it is: `4 %`, `less than 0.1 %`."""
    if chance < 0.001:  # noqa: PLR2004 - less says nothing to anybody
        return "less than 0.1 %"
    if chance > 0.99:  # noqa: PLR2004 - likewise
        return "more than 99 %"
    return f"{chance * 100:.2g} %"


def amount(number: float) -> str:
    """A number without needless digits: `311.2`, `43`, `60,000,000,000`."""
    return f"{number:,.0f}" if number == int(number) else f"{number:,.6g}"


def plural(count: int, noun: str) -> str:
    """`1 GPU`, `3 GPUs`, `2 processes`, `4 entries`."""
    if count != 1 and noun.endswith("ry"):
        noun = f"{noun[:-1]}ies"
    elif count != 1:
        noun += "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}"


def listed(items: tuple[str, ...]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join((", ".join(items[:-1]), items[-1])) if len(items) > 1 else "".join(items)
