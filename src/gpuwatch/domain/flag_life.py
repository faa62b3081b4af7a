"""Flag life: which step leads a flag from which state to which, and why another is refused."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.verdicts import RmaStanding, Urgency

# The code of the flag that a board gets which came in as a replacement and failed.
ACCEPTANCE_FAILED = "acceptance-failed"


class Step(StrEnum):
    """What can happen to a flag."""

    START = "start"
    BOARD_CHANGED = "board-changed"
    PASSED = "pass"
    FAILED = "fail"
    DONE = "done"
    DISMISS = "dismiss"


class Outcome(StrEnum):
    """How a flag ended."""

    ACCEPTED = "accepted"
    ACCEPTED_UNPROVEN = "accepted_unproven"
    FAILED = "failed"
    RESEATED = "reseated"
    REFUSED = "refused"
    RETURNED = "returned"
    DISMISSED = "dismissed"


# With these a person ends a flag whose board was not changed: the board itself stays in service.
WITHOUT_SWAP = (Outcome.RESEATED, Outcome.REFUSED, Outcome.RETURNED)

TRANSITIONS: Mapping[tuple[FlagState, Step], FlagState] = {
    (FlagState.OPEN, Step.START): FlagState.IN_HANDS,
    (FlagState.OPEN, Step.BOARD_CHANGED): FlagState.VERIFYING,
    (FlagState.OPEN, Step.DISMISS): FlagState.DISMISSED,
    (FlagState.IN_HANDS, Step.BOARD_CHANGED): FlagState.VERIFYING,
    (FlagState.IN_HANDS, Step.DONE): FlagState.CLOSED,
    (FlagState.VERIFYING, Step.PASSED): FlagState.CLOSED,
    (FlagState.VERIFYING, Step.FAILED): FlagState.CLOSED,
}

_REFUSED: Mapping[Step, str] = {
    Step.START: "it cannot be taken in hands",
    Step.BOARD_CHANGED: "a changed board does not concern it",
    Step.PASSED: "there is no board to accept",
    Step.FAILED: "there is no board to refuse",
    Step.DONE: "it cannot be done",
    Step.DISMISS: "it cannot be dismissed",
}

POSSIBLE: Mapping[FlagState, str] = {
    FlagState.OPEN: "possible now: start or dismiss; that another board is in its slot is noticed"
    " without being told",
    FlagState.IN_HANDS: "possible now: swap the board, which is noticed without being told, or"
    " done with the outcome reseated, refused or returned; there is no way back to open: newer"
    " evidence raises a new flag",
    FlagState.VERIFYING: "possible now: wait until the board that came in is accepted or fails;"
    " gpuwatch boards accept takes a diagnostic's result",
    FlagState.CLOSED: "nothing moves a closed flag; newer evidence raises a new one",
    FlagState.DISMISSED: "nothing moves a dismissed flag; newer evidence raises a new one",
}


class FlagError(ValueError):
    """A change of a flag that is refused: which flag, in which state, and what is possible now.

    `misuse` says that the value asked for is wrong whatever the flag's state.
    """

    def __init__(self, what: str, remedy: str, *, misuse: bool = False) -> None:
        self.what, self.remedy, self.misuse = what, remedy, misuse
        super().__init__(f"{what} ({remedy})")


def started(flag: Flag, now: float) -> Flag:
    """Somebody has the board in hands. `now` is Unix seconds, here and below.

    This and the other steps raise FlagError where the flag's state does not allow them.
    """
    return _moved(flag, Step.START, now)


def board_changed(flag: Flag, successor: BoardKey, now: float) -> Flag:
    """Another board sits in the flagged one's slot, announced by `start` or not."""
    return replace(_moved(flag, Step.BOARD_CHANGED, now), successor=successor)


def accepted(flag: Flag, now: float, *, proven: bool) -> Flag:
    """The board that came in passed; `proven` when a diagnostic's result says so, too."""
    outcome = Outcome.ACCEPTED if proven else Outcome.ACCEPTED_UNPROVEN
    return _moved(flag, Step.PASSED, now, outcome)


def failed(
    flag: Flag, board: BoardKey, sentence: str, now: float, *, due_at: float
) -> tuple[Flag, Flag]:
    """The `board` that came in failed, for the reason in `sentence`.

    The flag is closed and a new one (number 0, not planned yet) is raised for that board, in the
    same slot and for the same field-replaceable unit. `due_at` is Unix seconds.
    """
    raised = Flag(
        board=board,
        code=ACCEPTANCE_FAILED,
        urgency=Urgency.WINDOW,
        sentence=sentence,
        raised_at=now,
        evidence_at=now,
        due_at=due_at,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        slot_label=flag.slot_label,
        state_since=now,
        fru=flag.fru,
    )
    return _moved(flag, Step.FAILED, now, Outcome.FAILED), raised


def done(flag: Flag, outcome: Outcome, now: float) -> Flag:
    """A person ends the work without another board: reseated, refused or returned."""
    if outcome not in WITHOUT_SWAP:
        raise FlagError(
            f'flag {flag.number}: "{outcome}" is not for a person to say',
            f"there are: {', '.join(WITHOUT_SWAP)}",
            misuse=True,
        )
    return _moved(flag, Step.DONE, now, outcome)


def dismissed(flag: Flag, now: float) -> Flag:
    """A person says that the board need not be replaced on this evidence."""
    return _moved(flag, Step.DISMISS, now, Outcome.DISMISSED)


def stays_in_service(flag: Flag) -> bool:
    """Whether a person ended it and the board stayed: its cause is silent on the same evidence."""
    return flag.state is FlagState.DISMISSED or flag.outcome in WITHOUT_SWAP


def _moved(flag: Flag, step: Step, now: float, outcome: Outcome | None = None) -> Flag:
    state = TRANSITIONS.get((flag.state, step))
    if state is None:
        raise FlagError(f"{named(flag)}: {_REFUSED[step]}", POSSIBLE[flag.state])
    ended = flag.outcome if outcome is None else outcome.value
    return replace(flag, state=state, state_since=now, outcome=ended)


def named(flag: Flag) -> str:
    """Which flag, of which board, in which state: how every refusal begins."""
    board = flag.board.serial or flag.board.uuid
    return f"flag {flag.number} ({flag.code} of {board}) is {flag.state.replace('_', ' ')}"
