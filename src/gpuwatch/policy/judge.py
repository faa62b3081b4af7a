"""Judge: rules over views become findings that hold, latch, silence each other and clear."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from gpuwatch.domain.moments import Moment
from gpuwatch.domain.verdicts import Finding, Remedy, Scope, Urgency, Verdict, is_newer, verdict_of
from gpuwatch.policy.attention import is_covered
from gpuwatch.policy.conditions import (
    Answer,
    GpuCondition,
    HostCondition,
    Match,
    Outcome,
)
from gpuwatch.policy.rules import RULES, Rule
from gpuwatch.policy.sight import FLAP_SECONDS, Sight
from gpuwatch.policy.silence import without_consequences
from gpuwatch.policy.slots import with_twins
from gpuwatch.policy.tracks import Track
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings

HOST = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules say of the host at one instant, keyed by the board's UUID.

    `unknown_because` has a sentence for every GPU whose verdict is unknown.
    """

    findings: Mapping[str, tuple[Finding, ...]]
    verdicts: Mapping[str, Verdict]
    host_findings: tuple[Finding, ...]
    host_verdict: Verdict
    newly_latched: tuple[Finding, ...] = ()
    unknown_because: Mapping[str, str] = field(default_factory=dict)


NOTHING_JUDGED = Judgement(findings={}, verdicts={}, host_findings=(), host_verdict=Verdict.UNKNOWN)


@dataclass(slots=True)
class Judge:
    """Applies the rule table; remembers only how long conditions have held.

    `latched` are findings restored from history by (code, subject); `dismissed` the evidence (Unix
    seconds) up to which a person dismissed one: only newer evidence raises it again. Time comes
    with each view; holding times run on the boot clock, which a step of the wall clock does not
    touch.
    """

    settings: PolicySettings
    rules: tuple[Rule, ...] = RULES
    latched: dict[tuple[str, str], Finding] = field(default_factory=dict)
    dismissed: dict[tuple[str, str], float] = field(default_factory=dict)
    _tracks: dict[tuple[str, str], Track] = field(default_factory=dict)
    _ended: dict[tuple[str, str], float] = field(default_factory=dict)
    _sight: Sight = field(default_factory=Sight)

    @property
    def following(self) -> bool:
        """Whether every sweep counts: a condition has to hold over several of them.

        For what time alone decides, a judgement now and then is enough. Some findings hold for ever
        on a sound host, and some conditions for long without ever becoming one.
        """
        return any(track.restless for track in self._tracks.values())

    def judge(self, host: HostView) -> Judgement:
        """Every finding and verdict at this instant."""
        fresh: list[Finding] = []
        host_findings = self._host_findings(host)
        causes = {finding.code for finding in host_findings}
        findings: dict[str, tuple[Finding, ...]] = {}
        verdicts: dict[str, Verdict] = {}
        unknown: dict[str, str] = {}
        rules = tuple(self._for(Scope.GPU))
        for gpu in host.gpus:
            uuid = gpu.uuid
            held = self._held_by(gpu, uuid, rules, host)
            fresh.extend(self._latch(held))
            kept = self._without_consequences(self._with_latched(uuid, held), causes)
            findings[uuid] = self._routed(kept, host)
        findings = with_twins(findings, host.gpus)
        for gpu in host.gpus:
            uuid, blindness = gpu.uuid, self._sight.look(gpu, host)
            verdicts[uuid] = verdict_of(findings[uuid], blind=bool(blindness))
            if verdicts[uuid] is Verdict.UNKNOWN:
                unknown[uuid] = blindness
        self._forget({HOST, *(gpu.uuid for gpu in host.gpus)})
        ours = (verdicts[gpu.uuid] for gpu in host.gpus if gpu.managed)
        blind = host.driver is not DriverHealth.READY or Verdict.UNKNOWN in ours
        return Judgement(
            findings=findings,
            verdicts=verdicts,
            host_findings=self._routed(host_findings, host),
            host_verdict=verdict_of(host_findings, blind=blind),
            newly_latched=tuple(fresh),
            unknown_because=unknown,
        )

    def dismiss(self, code: str, subject: str, evidence_at: float) -> None:
        """A person dismissed a latched finding that rested on evidence up to `evidence_at`."""
        self.dismissed[code, subject] = evidence_at
        self.leave(code, subject)

    def remember_dismissal(self, code: str, subject: str, evidence_at: float) -> None:
        """Take up a dismissal of before the start; what was latched on newer evidence stays."""
        key = (code, subject)
        latest = max(evidence_at, self.dismissed.get(key, evidence_at))
        latched = self.latched.get(key)
        self.dismissed[key] = latest
        if latched is None or not is_newer(latched.evidence_at, latest):
            self.leave(code, subject)

    def leave(self, code: str, subject: str) -> None:
        """Forget a latched finding: the board left."""
        self.latched.pop((code, subject), None)
        self._tracks.pop((code, subject), None)

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

    def _held_by(
        self, gpu: GpuView, uuid: str, rules: Iterable[Rule], host: HostView
    ) -> list[Finding]:
        """The findings of one GPU. Every rule of every GPU at every sweep: few steps for a no."""
        held = []
        settings = self.settings
        tracked = {code for code, subject in self._tracks if subject == uuid}
        for rule in rules:
            when: GpuCondition = rule.when  # type: ignore[assignment]  # scope decides
            outcome = when(gpu, host, settings)
            if outcome.__class__ is Match:
                if self._is_settled(rule, gpu, outcome):
                    outcome = Answer.NO
            elif rule.code not in tracked:
                continue
            found = self._follow(rule, uuid, outcome, host, answers=gpu.answers)
            if found is not None:
                held.append(found)
        return held

    def _is_settled(self, rule: Rule, gpu: GpuView, match: Match) -> bool:
        """Whether people, or rules before these, have dealt with what a match rests on.

        A rule set flags no board for what was known before its installation; what holds now it
        does, and what is latched stays.
        """
        at = match.evidence_at
        dismissed = self.dismissed.get((rule.code, gpu.uuid))
        if dismissed is not None and not is_newer(at or 0.0, dismissed):
            return True
        if rule.remedy is not Remedy.REPLACE or match.standing or at is None:
            return False
        return not is_newer(at, gpu.record.judged_from)

    def _follow(
        self, rule: Rule, subject: str, outcome: Outcome, host: HostView, *, answers: int
    ) -> Finding | None:
        """Advance the track of one rule on one subject; the finding when it has held enough."""
        key, now = (rule.code, subject), host.now
        track = self._tracks.get(key)
        if isinstance(outcome, Match):
            if track is None:
                track = Track(now.boottime, answers, now.boottime, answers, now.wall, outcome)
                self._tracks[key] = track
            track.last, track.last_answers, track.match = now.boottime, answers, outcome
        elif track is None:
            return None
        elif outcome is Answer.NO and (
            not track.found or now.boottime - track.last >= track.clear_seconds
        ):
            del self._tracks[key]
            if track.found:
                self._ended[key] = now.boottime
            return None
        track.restless = rule.sweeps > 1 and isinstance(outcome, Match) and not track.found
        held_for = track.last - track.first
        swept = (
            track.last_answers - track.first_answers + 1 if rule.scope is Scope.GPU else rule.sweeps
        )
        if held_for < rule.hold.total_seconds() or swept < rule.sweeps:
            return None
        if not track.found and not (isinstance(outcome, Match) and self._begin(key, rule, now)):
            return None
        track.redate(now)
        return self._finding(rule, subject, track, held_for)

    def _begin(self, key: tuple[str, str], rule: Rule, now: Moment) -> bool:
        """Whether a finding begins now that its condition has held enough.

        One that ended lately would flap. A level waits for its clearing time; an error is told at
        once, and then needs five minutes to clear.
        """
        track, ended = self._tracks[key], self._ended.get(key, -math.inf)
        clear = rule.clear.total_seconds()
        lately = now.boottime - ended < (clear or FLAP_SECONDS)
        if lately and clear:
            return False
        self._ended.pop(key, None)
        track.found, track.restless = True, False
        track.clear_seconds = FLAP_SECONDS if lately else clear
        return True

    def _finding(self, rule: Rule, subject: str, track: Track, held_for: float) -> Finding:
        escalated = rule.pages_after is not None and held_for >= rule.pages_after.total_seconds()
        facts = track.match.facts
        return Finding(
            code=rule.code,
            scope=rule.scope,
            subject=subject,
            urgency=Urgency.PAGE if escalated else rule.urgency,
            route=Urgency.INFO,
            remedy=rule.remedy,
            since=track.since,
            sentence=rule.because.format_map(facts),
            source=rule.source,
            evidence=tuple(facts.items()),
            evidence_at=track.match.evidence_at or 0.0,
            latched=rule.latch,
            rma=rule.rma,
            due=self._due(rule),
            clears=rule.clears,
            escalates=rule.escalates,
        )

    def _due(self, rule: Rule) -> timedelta | None:
        return self.settings.trend_due if rule.code == "rising-uncorrectable-trend" else rule.due

    def _routed(self, found: Iterable[Finding], host: HostView) -> tuple[Finding, ...]:
        """The same findings with the route that settings, maintenance and people leave them."""
        return tuple(replace(finding, route=self._route(finding, host)) for finding in found)

    def _route(self, finding: Finding, host: HostView) -> Urgency:
        quiet = HOST in host.in_maintenance or finding.subject in host.in_maintenance
        if self.settings.shadow or quiet or host.released or is_covered(finding, host):
            return Urgency.INFO
        if finding.urgency is Urgency.PAGE and finding.code in self.settings.not_paging:
            return Urgency.WINDOW
        return finding.urgency

    def _latch(self, held: Iterable[Finding]) -> list[Finding]:
        """Latch what latches; the findings that are new, or rest on newer evidence."""
        fresh = []
        for finding in held:
            key = (finding.code, finding.subject)
            known = self.latched.get(key)
            if not finding.latched:
                continue
            if known is None or is_newer(finding.evidence_at, known.evidence_at):
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
        disabled = self.settings.disabled
        for kept in (self._tracks, self._ended):
            for key in [key for key in kept if key[1] not in subjects or key[0] in disabled]:
                kept.pop(key)
