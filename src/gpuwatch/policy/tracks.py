"""Tracks: for how long the condition of one rule has held on one subject."""

from dataclasses import dataclass

from gpuwatch.domain.moments import Moment
from gpuwatch.policy.conditions import Match

_STEP_SECONDS = 1.0


@dataclass(slots=True)
class Track:
    """How long one rule's condition has held on one subject, in seconds of the boot clock.

    `since` is `first` in Unix seconds; it follows the wall clock's steps, not its every drift.
    `found` says that it has held long enough to be a finding: only then it needs `clear_seconds`
    to clear.
    `restless` that the next sweep may make it one.
    """

    first: float
    first_answers: int
    last: float
    last_answers: int
    since: float
    match: Match
    found: bool = False
    restless: bool = True
    clear_seconds: float = 0.0

    def redate(self, now: Moment) -> None:
        """Date it by the wall clock as it stands now, if that stepped."""
        since = now.wall - (now.boottime - self.first)
        if abs(since - self.since) > _STEP_SECONDS:
            self.since = since
