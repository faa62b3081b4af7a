"""Hooks: what the owner of a host wants to have run when something happens to a flag."""

from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.domain.audit import AuditRecord


class Transition(StrEnum):
    """What may happen to a flag, as audit records call it behind "flag-"."""

    RAISED = "raised"
    CONFIRMED = "confirmed"
    ESCALATED = "escalated"
    REPLANNED = "replanned"
    POSTPONED = "postponed"
    LATE = "late"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    SCHEDULED = "scheduled"
    UNPINNED = "unpinned"
    SET = "set"
    STARTED = "started"
    BOARD_CHANGED = "board-changed"
    SUCCESSOR_CHANGED = "successor-changed"
    FOLLOWS_BOARD = "follows-board"
    ACCEPTED = "accepted"
    ACCEPTANCE_FAILED = "acceptance-failed"
    DONE = "done"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A command to run at some transitions; `on` empty is at every one. No shell reads it."""

    name: str
    command: tuple[str, ...]
    on: frozenset[str] = frozenset()
    timeout_seconds: float = 30.0

    def wants(self, transition: str) -> bool:
        """Whether it is to be run at this transition."""
        return not self.on or transition in self.on


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """How one hook is doing since the agent started. `problem` is "" or why its last run failed.

    `waiting` are transitions for which it has still to be run. `given_up` are those for which it
    failed at every attempt. `last_success` is Unix seconds, None before the first.
    """

    name: str
    waiting: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    given_up: int = 0
    last_success: float | None = None
    problem: str = ""


def transition_of(record: AuditRecord) -> str:
    """What happened to a flag, as settings and documents call it."""
    return record.action.removeprefix("flag-")
