"""BMC conditions: a controller that does not answer, its clock, its log, its chassis and its power.

A rule of a BMC looks at what it tells now, and cannot tell while it tells nothing that is news: no
answer, firmware being written, a start a moment ago, a server that is off.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from gpuwatch.domain.bmc import BmcSweep, BmcTrouble, ChassisFault, PowerLoss
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.snapshot import Logged
from gpuwatch.policy.bmc_troubles import LASTING, words_of
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.views import BmcView, HostView, PolicySettings

UNREACHABLE_SECONDS = 900.0
NETWORK_BMCS = 3
SETTLED_SECONDS = 300.0
SKEW_SECONDS = 120.0
OFF_SECONDS = 120.0
NAMED = 4
_BEFORE_OFF_SECONDS = 600.0
_DAYS = 2  # from so many on, a difference is told in days
_STRONG_SUITE = 17  # RAKP-HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128: IPMI 2.0, table 22-20
_LOSSES = {
    PowerLoss.INPUT: "it lost its input",
    PowerLoss.OVERLOAD: "an overload switched it off",
    PowerLoss.INTERLOCK: "its interlock switched it off",
    PowerLoss.FAULT: "a fault of its power switched it off",
}
_FAULTS = {
    ChassisFault.POWER: "a fault of the power",
    ChassisFault.OVERLOAD: "an overload of the power",
    ChassisFault.INTERLOCK: "an open interlock",
    ChassisFault.DRIVE: "a fault of a drive",
    ChassisFault.COOLING: "a fault of the cooling",
    ChassisFault.INTRUSION: "an open chassis",
}


def telling(bmc: BmcView) -> BmcSweep | None:
    """The latest sweep where it is news: the server is on, and nothing started a moment ago."""
    sweep = bmc.sweep
    if sweep is None or sweep.updating or bmc.settled_seconds < SETTLED_SECONDS:
        return None
    return None if sweep.chassis.power_on is False else sweep


def listed(names: Iterable[str]) -> str:
    """The first few of several, and how many more there are."""
    told = tuple(names)
    more = len(told) - NAMED
    return ", ".join(told[:NAMED]) + (f" and {more} more" if more > 0 else "")


def dated(at: float) -> str:
    """Unix seconds as people write a minute, in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def unreachable(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """It has not answered for 15 minutes; or what it refuses, no time heals: the account, say."""
    if bmc.trouble is None:
        return Answer.NO if bmc.sweep is not None else Answer.CANNOT_TELL
    if bmc.silent_seconds < UNREACHABLE_SECONDS and bmc.trouble not in LASTING:
        return Answer.CANNOT_TELL
    minutes = f"{bmc.silent_seconds / 60:.0f}"
    return Match(facts={"why": words_of(bmc.trouble), "minutes": minutes})


def network_lost(host: HostView, _settings: PolicySettings) -> Outcome:
    """No answer has come from most of the BMCs, three or more, for 15 minutes."""
    silent = [
        bmc
        for bmc in host.bmcs
        if bmc.trouble in (BmcTrouble.UNREACHABLE, BmcTrouble.TIMED_OUT)
        and bmc.silent_seconds >= UNREACHABLE_SECONDS
    ]
    if len(silent) < NETWORK_BMCS or 2 * len(silent) <= len(host.bmcs):
        return Answer.NO
    facts = {"count": str(len(silent)), "all": str(len(host.bmcs))}
    return Match(facts=facts | {"bmcs": listed(bmc.name for bmc in silent)})


def clock_skewed(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """Its clock is more than two minutes from ours."""
    skew = bmc.sweep.clock_skew if bmc.sweep is not None else None
    if skew is None:
        return Answer.CANNOT_TELL
    if abs(skew) <= SKEW_SECONDS:
        return Answer.NO
    days = abs(skew) / SECONDS_PER_DAY
    size = f"{abs(skew) / 60:.0f} minutes" if days < _DAYS else f"{days:.0f} days"
    return Match(facts={"skew": f"{size} {'ahead of' if skew > 0 else 'behind'}"})


def weak_cipher(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """The IPMI session uses another cipher suite than 17."""
    suite = bmc.sweep.identity.cipher_suite if bmc.sweep is not None else None
    if suite is None:
        return Answer.CANNOT_TELL
    return Answer.NO if suite == _STRONG_SUITE else Match(facts={"suite": str(suite)})


def log_full(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """An event log has no room left, or says that it has lost entries."""
    if bmc.sweep is None:
        return Answer.CANNOT_TELL
    full = [log.log for log in bmc.sweep.logs if log.overflowed or log.free_bytes == 0]
    return Match(facts={"logs": listed(full)}) if full else Answer.NO


def watchdog_expired(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """The BMC's watchdog over the host has expired since its flag was cleared."""
    watchdog = bmc.sweep.watchdog if bmc.sweep is not None else None
    if watchdog is None:
        return Answer.CANNOT_TELL
    return Match(facts={"did": watchdog.expired}) if watchdog.expired else Answer.NO


@dataclass(frozen=True, slots=True)
class ChassisTells:
    """The chassis tells one of these faults of itself."""

    faults: tuple[ChassisFault, ...]

    def __str__(self) -> str:
        return f"The chassis tells {' or '.join(_FAULTS[fault] for fault in self.faults)}."

    def __call__(self, bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
        """Look at the chassis; what it does not tell of is no fault."""
        sweep = telling(bmc)
        if sweep is None:
            return Answer.CANNOT_TELL
        held = [_FAULTS[fault] for fault in self.faults if sweep.chassis.faults.get(fault)]
        return Match(facts={"faults": " and ".join(held)}) if held else Answer.NO


def power_off(bmc: BmcView, host: HostView, _settings: PolicySettings) -> Outcome:
    """The server has been off for two minutes, and nobody switched it off on purpose.

    It lost its power by itself; or its log tells of power or heat, critically, within the ten
    minutes before; or the settings expect it to be on.
    """
    if bmc.sweep is None or bmc.sweep.chassis.power_on is None or bmc.sweep.updating:
        return Answer.CANNOT_TELL
    if bmc.sweep.chassis.power_on:
        return Answer.NO
    off = bmc.powered_off_seconds
    off_at = None if off is None else host.now.wall - off
    reasons = [*_reasons(bmc, off_at), *["the settings expect it to be on"] * bmc.expected_on]
    if not reasons:
        return Answer.NO
    if off is not None and off < OFF_SECONDS:
        return Answer.CANNOT_TELL
    since = "" if off_at is None else f" since {dated(off_at)}"
    return Match(facts={"since": since, "reason": reasons[0]}, evidence_at=off_at, standing=True)


def _reasons(bmc: BmcView, off_at: float | None) -> list[str]:
    """What switched a server off that was on; nothing for one that was never seen on."""
    if off_at is None or bmc.sweep is None:
        return []
    told = [_LOSSES[loss] for loss in PowerLoss if loss in bmc.sweep.chassis.losses]
    return told + [f"its log says: {one.entry.text}" for one in bmc.entries if _near(one, off_at)]


def _near(logged: Logged, off_at: float) -> bool:
    grave = logged.entry.severity is LogSeverity.CRITICAL and logged.entry.asserted is not False
    close = -_BEFORE_OFF_SECONDS <= logged.at - off_at <= OFF_SECONDS
    return grave and close and logged.entry.topic in (LogTopic.POWER, LogTopic.THERMAL)
