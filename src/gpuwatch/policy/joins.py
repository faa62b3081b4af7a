"""Joins: what a BMC of this host knows of the cause of a finding about its GPUs.

A finding stays whose it is and as urgent as it is: only its sentence and evidence say more. Without
a BMC, or one that tells nothing of it, it reads as it does without a join.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.snapshot import Logged
from gpuwatch.domain.verdicts import Finding
from gpuwatch.policy.air_conditions import fans_turn, hottest_inlet, inlet_limit_passed
from gpuwatch.policy.bmc_conditions import listed, telling
from gpuwatch.policy.log_conditions import grouped
from gpuwatch.policy.views import BmcView, HostView, PolicySettings

NEAR_SECONDS = 120.0

# GPUs that are lost, for which the log may have the reason.
LOST = frozenset({"off-the-bus", "board-missing", "board-missing-in-service", "gpu-unresponsive"})
_FANS = (
    "fans-insufficient", "fan-failed", "fan-redundancy-lost", "fan-slow", "cooling-fault",
)  # fmt: skip
_POWER = (
    "psu-lost-unprotected", "redundancy-lost", "psu-input-lost", "psu-failed", "power-fault",
)  # fmt: skip
# What slows GPUs, and the findings of a BMC that may be behind it, the likeliest first.
BEHIND = {
    "power-brake": _POWER,
    "cooling": ("inlet-hot", *_FANS),
    "gpu-cooling-path": _FANS,
}
_ALONE = "gpu-cooling-path"


@dataclass(frozen=True, slots=True)
class Joins:
    """The BMCs of this host, and the findings about them by `BmcView.subject`."""

    host: HostView
    settings: PolicySettings
    findings: Mapping[str, tuple[Finding, ...]]

    def join(self, found: Iterable[Finding]) -> tuple[Finding, ...]:
        """Findings of GPUs or of the host with what the BMCs know of them."""
        ours = tuple(bmc for bmc in self.host.bmcs if not bmc.host)
        return tuple(self._joined(each, ours) for each in found) if ours else tuple(found)

    def _joined(self, finding: Finding, ours: tuple[BmcView, ...]) -> Finding:
        if finding.code in LOST:
            return _with_log(finding, ours)
        if finding.code not in BEHIND:
            return finding
        causes = [
            cause
            for code in BEHIND[finding.code]
            for bmc in ours
            for cause in self.findings[bmc.subject]
            if cause.code == code
        ]
        if causes:
            return _with_cause(finding, causes[0])
        return self._placed(finding, ours) if finding.code == _ALONE else finding

    def _placed(self, finding: Finding, ours: tuple[BmcView, ...]) -> Finding:
        """A GPU that alone is too hot: whether the room is, too."""
        sweeps = [sweep for bmc in ours if (sweep := telling(bmc)) is not None]
        inlets = [inlet[1] for sweep in sweeps if (inlet := hottest_inlet(sweep)) is not None]
        if not inlets:
            return finding
        celsius = f"{max(inlets):.0f}"
        if inlet_limit_passed(self.host, self.settings) is not None:
            words = f"the air at the inlet has {celsius} degrees Celsius: the room, not the board"
            return _saying(finding, words, inlet_celsius=celsius, heat_of="room")
        if not any(fans_turn(sweep) for sweep in sweeps):
            return finding
        words = (
            f"the air at the inlet has {celsius} degrees Celsius and the fans turn as they should: "
            "the board, not the room"
        )
        return _saying(finding, words, inlet_celsius=celsius, heat_of="board")


def _with_log(finding: Finding, ours: tuple[BmcView, ...]) -> Finding:
    """A lost GPU with what the log has of power and PCIe within two minutes of its loss."""
    at = finding.evidence_at or finding.since
    near = [one for bmc in ours for one in bmc.entries if _is_near(one, at)]
    if not near:
        return finding
    entries = listed(grouped(sorted(near, key=lambda one: abs(one.at - at))))
    words = f"the BMC's log has within two minutes of it: {entries}"
    return _saying(finding, words, bmc_log=entries)


def _is_near(logged: Logged, at: float) -> bool:
    """Entries without a time of their own are of any time."""
    entry = logged.entry
    told = entry.told_at is not None and entry.asserted is not False
    grave = entry.severity is not LogSeverity.INFO
    about = entry.topic in (LogTopic.PCIE, LogTopic.POWER)
    return told and grave and about and abs(logged.at - at) <= NEAR_SECONDS


def _with_cause(finding: Finding, cause: Finding) -> Finding:
    words = f"behind it, says the BMC: {cause.sentence} ({cause.code})"
    return _saying(finding, words, behind=f"{cause.code}: {cause.sentence}")


def _saying(finding: Finding, words: str, **evidence: str) -> Finding:
    return replace(
        finding,
        sentence=f"{finding.sentence}; {words}",
        evidence=(*finding.evidence, *evidence.items()),
    )
