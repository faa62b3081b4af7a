"""Following: conditions of rules through time become findings that hold, flap and clear."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from gpuwatch.domain.moments import Moment
from gpuwatch.domain.verdicts import Finding, Scope, Urgency
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.rules import Rule
from gpuwatch.policy.sight import FLAP_SECONDS
from gpuwatch.policy.tracks import Track


@dataclass(slots=True)
class Following:
    """For how long the condition of each rule has held on each subject.

    Holding times run on the boot clock, which a step of the wall clock does not touch.
    """

    _tracks: dict[tuple[str, str], Track] = field(default_factory=dict)
    _ended: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def restless(self) -> bool:
        """Whether the next sweep may make a condition a finding."""
        return any(track.restless for track in self._tracks.values())

    def tracked(self, subject: str) -> set[str]:
        """The codes of rules whose condition held on a subject, and may not be over."""
        return {code for code, owner in self._tracks if owner == subject}

    def drop(self, code: str, subject: str) -> None:
        """Forget that this condition held."""
        self._tracks.pop((code, subject), None)

    def forget(self, subjects: Collection[str], disabled: Collection[str]) -> None:
        """Keep only these subjects, and no rule that is disabled."""
        for kept in (self._tracks, self._ended):
            for key in [key for key in kept if key[1] not in subjects or key[0] in disabled]:
                kept.pop(key)

    def follow(
        self, rule: Rule, subject: str, outcome: Outcome, now: Moment, *, answers: int
    ) -> Finding | None:
        """Advance the track of one rule on one subject; the finding when it has held enough.

        `answers` is how many sweeps of the subject there were; a host has none.
        """
        key = (rule.code, subject)
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
        swept = track.last_answers - track.first_answers + 1
        enough = rule.scope is Scope.HOST or swept >= rule.sweeps
        if held_for < rule.hold.total_seconds() or not enough:
            return None
        if not track.found and not (isinstance(outcome, Match) and self._begin(key, rule, now)):
            return None
        track.redate(now)
        return _finding(rule, subject, track, held_for)

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


def _finding(rule: Rule, subject: str, track: Track, held_for: float) -> Finding:
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
        due=rule.due,
        clears=rule.clears,
        escalates=rule.escalates,
    )
