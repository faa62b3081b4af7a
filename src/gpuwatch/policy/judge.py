"""Judge: rules over views become findings that hold, latch, silence each other and clear."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gpuwatch.domain.moments import Moment
from gpuwatch.domain.verdicts import Finding, Remedy, Scope, Verdict, is_newer, verdict_of
from gpuwatch.policy.bmc_troubles import UNREACHABLE
from gpuwatch.policy.conditions import (
    Answer,
    BmcCondition,
    GpuCondition,
    HostCondition,
    Match,
    Outcome,
)
from gpuwatch.policy.following import Following
from gpuwatch.policy.joins import Joins
from gpuwatch.policy.routes import routed
from gpuwatch.policy.rules import RULES, Rule
from gpuwatch.policy.sight import Sight
from gpuwatch.policy.silence import without_consequences
from gpuwatch.policy.slots import with_twins
from gpuwatch.policy.supply_conditions import Protection
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings

HOST = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules say of the host at one instant.

    `findings` and `verdicts` are by the board's UUID, those of BMCs by `BmcView.subject`.
    `unknown_because` has a sentence for every GPU and BMC whose verdict is unknown; `host_basis` is
    all that makes the host's verdict: its own findings and those of its BMCs.
    """

    findings: Mapping[str, tuple[Finding, ...]]
    verdicts: Mapping[str, Verdict]
    host_findings: tuple[Finding, ...]
    host_verdict: Verdict
    newly_latched: tuple[Finding, ...] = ()
    unknown_because: Mapping[str, str] = field(default_factory=dict)
    bmc_findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    bmc_verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    host_basis: tuple[Finding, ...] = ()

    def by_subject(self) -> Iterator[tuple[str, Verdict, tuple[Finding, ...]]]:
        """Everything that was judged: the host (""), its GPUs, the BMCs."""
        yield HOST, self.host_verdict, self.host_findings
        for subject, verdict in self.verdicts.items():
            yield subject, verdict, self.findings[subject]
        for subject, verdict in self.bmc_verdicts.items():
            yield subject, verdict, self.bmc_findings[subject]


NOTHING_JUDGED = Judgement(findings={}, verdicts={}, host_findings=(), host_verdict=Verdict.UNKNOWN)


@dataclass(slots=True)
class Judge:
    """Applies the rule table; remembers only how long conditions have held.

    `latched` are findings restored from history by (code, subject); `dismissed` the evidence (Unix
    seconds) up to which people dismissed one, each time they did: only what is newer than all of
    that raises it again. Time comes with each view.
    """

    settings: PolicySettings
    rules: tuple[Rule, ...] = RULES
    latched: dict[tuple[str, str], Finding] = field(default_factory=dict)
    dismissed: dict[tuple[str, str], frozenset[float]] = field(default_factory=dict)
    _following: Following = field(default_factory=Following)
    _sight: Sight = field(default_factory=Sight)
    _protection: Protection = field(default_factory=Protection)

    @property
    def following(self) -> bool:
        """Whether every sweep counts: a condition has to hold over several of them.

        For what time alone decides, a judgement now and then is enough. Some findings hold for ever
        on a sound host, and some conditions for long without ever becoming one.
        """
        return self._following.restless

    def judge(self, host: HostView) -> Judgement:
        """Every finding and verdict at this instant."""
        host_findings = self._host_findings(host)
        causes = {finding.code for finding in host_findings}
        findings, fresh = self._gpu_findings(host, causes)
        verdicts: dict[str, Verdict] = {}
        unknown: dict[str, str] = {}
        for gpu in host.gpus:
            uuid, blindness = gpu.uuid, self._sight.look(gpu, host)
            verdicts[uuid] = verdict_of(findings[uuid], blind=bool(blindness))
            if verdicts[uuid] is Verdict.UNKNOWN:
                unknown[uuid] = blindness
        bmc_findings = self._bmc_findings(host, findings, causes)
        bmc_verdicts: dict[str, Verdict] = {}
        for bmc in host.bmcs:
            subject, blindness = bmc.subject, self._sight.look_at_bmc(bmc, host)
            # That it does not answer is no verdict on the server.
            told = [each for each in bmc_findings[subject] if each.code != UNREACHABLE]
            bmc_verdicts[subject] = verdict_of(told, blind=bool(blindness))
            if bmc_verdicts[subject] is Verdict.UNKNOWN:
                unknown[subject] = blindness
        self._forget({HOST, *findings, *bmc_findings})
        joins = Joins(host, self.settings, bmc_findings)
        of_ours = (each for bmc in host.bmcs if not bmc.host for each in bmc_findings[bmc.subject])
        basis = (*host_findings, *of_ours)
        return Judgement(
            findings={uuid: joins.join(found) for uuid, found in findings.items()},
            verdicts=verdicts,
            host_findings=joins.join(routed(host_findings, host, self.settings)),
            host_verdict=verdict_of(basis, blind=_is_blind(host, verdicts)),
            newly_latched=tuple(fresh),
            unknown_because=unknown,
            bmc_findings=bmc_findings,
            bmc_verdicts=bmc_verdicts,
            host_basis=basis,
        )

    def dismiss(self, code: str, subject: str, evidence_at: float) -> None:
        """A person dismissed a latched finding that rested on evidence up to `evidence_at`."""
        self.remember_settled(code, subject, evidence_at)
        self.leave(code, subject)

    def remember_dismissal(self, code: str, subject: str, evidence_at: float, now: Moment) -> None:
        """Take up a dismissal of before the start; what was latched on newer evidence stays."""
        self.remember_settled(code, subject, evidence_at)
        latched = self.latched.get((code, subject))
        if latched is None or not is_newer(latched.evidence_at, evidence_at, now):
            self.leave(code, subject)

    def remember_settled(self, code: str, subject: str, evidence_at: float) -> None:
        """Take up that nobody is asked again for this evidence: its board left, or a flag followed.

        What is latched stays. It came afterwards, whatever the dates say, for the clocks of earlier
        boots may have been wrong.
        """
        key = (code, subject)
        self.dismissed[key] = self.dismissed.get(key, frozenset()) | {evidence_at}

    def leave(self, code: str, subject: str) -> None:
        """Forget a latched finding: the board left."""
        self.latched.pop((code, subject), None)
        self._following.drop(code, subject)

    def _for(self, scope: Scope) -> Iterable[Rule]:
        disabled = self.settings.disabled
        return (rule for rule in self.rules if rule.scope is scope and rule.code not in disabled)

    def _host_findings(self, host: HostView) -> tuple[Finding, ...]:
        held = []
        for rule in self._for(Scope.HOST):
            when: HostCondition = rule.when  # type: ignore[assignment]  # scope decides
            found = self._follow(rule, HOST, when(host, self.settings), host, answers=0)
            if found is not None:
                held.append(found)
        return self._without_consequences(held, set())

    def _gpu_findings(
        self, host: HostView, causes: set[str]
    ) -> tuple[dict[str, tuple[Finding, ...]], list[Finding]]:
        """The findings of every GPU by its UUID, and those that latched just now."""
        fresh: list[Finding] = []
        findings: dict[str, tuple[Finding, ...]] = {}
        rules = tuple(self._for(Scope.GPU))
        for gpu in host.gpus:
            uuid = gpu.uuid
            held = self._held_by(gpu, uuid, rules, host)
            fresh.extend(self._latch(held, host.now))
            kept = self._without_consequences(self._with_latched(uuid, held), causes)
            findings[uuid] = routed(kept, host, self.settings)
        return with_twins(findings, host.gpus), fresh

    def _bmc_findings(
        self, host: HostView, of_gpus: Mapping[str, tuple[Finding, ...]], causes: set[str]
    ) -> dict[str, tuple[Finding, ...]]:
        """The findings of every BMC by its subject."""
        told = frozenset((each.code, uuid) for uuid, found in of_gpus.items() for each in found)
        host = replace(host, told_of_gpus=told) if host.bmcs else host
        rules = tuple(self._for(Scope.BMC))
        findings = {}
        for bmc in map(self._protection.recall, host.bmcs):
            held = []
            for rule in rules:
                when: BmcCondition = rule.when  # type: ignore[assignment]  # scope decides
                outcome = when(bmc, host, self.settings)
                found = self._follow(rule, bmc.subject, outcome, host, answers=bmc.answers)
                if found is not None:
                    held.append(found)
            kept = self._without_consequences(held, causes)
            findings[bmc.subject] = routed(kept, host, self.settings, bmc)
        return findings

    def _held_by(
        self, gpu: GpuView, uuid: str, rules: Iterable[Rule], host: HostView
    ) -> list[Finding]:
        """The findings of one GPU. Every rule of every GPU at every sweep: few steps for a no."""
        held = []
        settings = self.settings
        tracked = self._following.tracked(uuid)
        for rule in rules:
            when: GpuCondition = rule.when  # type: ignore[assignment]  # scope decides
            outcome = when(gpu, host, settings)
            if outcome.__class__ is Match:
                if self._is_settled(rule, gpu, outcome, host.now):
                    outcome = Answer.NO
            elif rule.code not in tracked:
                continue
            found = self._follow(rule, uuid, outcome, host, answers=gpu.answers)
            if found is not None:
                held.append(found)
        return held

    def _is_settled(self, rule: Rule, gpu: GpuView, match: Match, now: Moment) -> bool:
        """Whether people, or rules before these, have dealt with what a match rests on.

        A rule set flags no board for what was known before its installation; what holds now it
        does, and what is latched stays.
        """
        at = match.evidence_at
        dismissed = self.dismissed.get((rule.code, gpu.uuid), ())
        if any(not is_newer(at or 0.0, known, now) for known in dismissed):
            return True
        if rule.remedy is not Remedy.REPLACE or match.standing or at is None:
            return False
        return not is_newer(at, gpu.record.judged_from, now)

    def _follow(
        self, rule: Rule, subject: str, outcome: Outcome, host: HostView, *, answers: int
    ) -> Finding | None:
        found = self._following.follow(rule, subject, outcome, host.now, answers=answers)
        if found is not None and found.code == "rising-uncorrectable-trend":
            return replace(found, due=self.settings.trend_due)
        return found

    def _latch(self, held: Iterable[Finding], now: Moment) -> list[Finding]:
        """Latch what latches; the findings that are new, or rest on newer evidence."""
        fresh = []
        for finding in held:
            key = (finding.code, finding.subject)
            known = self.latched.get(key)
            if not finding.latched:
                continue
            if known is None or is_newer(finding.evidence_at, known.evidence_at, now):
                since = finding.since if known is None else known.since
                self.latched[key] = replace(finding, since=since)
                fresh.append(self.latched[key])
        return fresh

    def _with_latched(self, subject: str, held: list[Finding]) -> list[Finding]:
        disabled = self.settings.disabled
        kept = [
            finding
            for (code, owner), finding in self.latched.items()
            if owner == subject and code not in disabled
        ]
        codes = {finding.code for finding in kept}
        return kept + [finding for finding in held if finding.code not in codes]

    def _without_consequences(
        self, held: Iterable[Finding], causes: set[str]
    ) -> tuple[Finding, ...]:
        return without_consequences(held, causes, self.rules, self.settings.not_paging)

    def _forget(self, subjects: set[str]) -> None:
        """Drop tracks of boards that left, and of rules that are disabled."""
        self._sight.forget(subjects)
        self._protection.forget(subjects)
        self._following.forget(subjects, self.settings.disabled)


def _is_blind(host: HostView, verdicts: Mapping[str, Verdict]) -> bool:
    """Whether the host cannot be called well. A BMC that does not answer leaves that as it is."""
    ours = (verdicts[gpu.uuid] for gpu in host.gpus if gpu.managed)
    asked = host.driver in (DriverHealth.READY, DriverHealth.NOT_ASKED)
    return not asked or Verdict.UNKNOWN in ours
