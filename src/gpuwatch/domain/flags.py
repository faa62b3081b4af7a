"""Flags: a record for people that a board should be replaced, with a life of its own."""

from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.verdicts import RmaStanding, Urgency


class FlagState(StrEnum):
    """Where a flag stands. Closed and dismissed flags are history."""

    OPEN = "open"
    IN_HANDS = "in_hands"
    VERIFYING = "verifying"
    CLOSED = "closed"
    DISMISSED = "dismissed"


class Disposition(StrEnum):
    """What people decided to do with the board; UNDECIDED until they say."""

    UNDECIDED = "undecided"
    RMA = "rma"
    QUARANTINE = "quarantine"
    RESET_AND_WATCH = "reset_and_watch"
    RUN_TO_FAILURE = "run_to_failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One board to replace, for one cause (`code` of the rule that raised it).

    Instants are Unix seconds. `number` is 0 until history has stored the flag. `evidence_at` is the
    latest evidence it rests on: only newer evidence raises the same cause again after a dismissal.
    `window` names the planned maintenance window, with its start; None while none is planned; a
    `pinned` one was chosen by a person and is not planned anew. `state_since` is when it came into
    its state, `outcome` how it ended, for people. `snoozed_until` keeps it from paging until then.
    `told_late` says that its owner has been told once that no window comes before `due_at`. `fru`
    is the field-replaceable unit to swap. `slot_note` is a remark on the slot it sits in.
    `successor` is the board that came in its place, once one did.
    """

    board: BoardKey
    code: str
    urgency: Urgency
    sentence: str
    raised_at: float
    evidence_at: float
    due_at: float
    rma: RmaStanding
    state: FlagState = FlagState.OPEN
    disposition: Disposition = Disposition.UNDECIDED
    number: int = 0
    window_name: str = ""
    window_start: float | None = None
    window_end: float | None = None
    slot_label: str = ""
    state_since: float = 0.0
    outcome: str = ""
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    snoozed_until: float | None = None
    pinned: bool = False
    told_late: bool = False
    vendor_case: str = ""
    fru: str = ""
    slot_note: str = ""
    successor: BoardKey | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act on it."""
        return self.state not in (FlagState.CLOSED, FlagState.DISMISSED)
