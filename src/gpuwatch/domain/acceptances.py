"""Acceptances: how far the boards that came in for a flagged one have proved themselves."""

from dataclasses import dataclass, replace
from enum import StrEnum

from gpuwatch.domain.devices import BoardKey, same_board

NEEDED_LOAD_SECONDS = 4 * 3600.0
DIAGNOSTIC_LIMIT = 1 << 20  # bytes


class AcceptanceState(StrEnum):
    """Where an acceptance stands. All but RUNNING are final, save that a proof may come late."""

    RUNNING = "running"
    ACCEPTED = "accepted"
    ACCEPTED_UNPROVEN = "accepted_unproven"
    FAILED = "failed"


class DiagnosticResult(StrEnum):
    """What a person states that a diagnostic came to."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A diagnostic's output as it was attached: its file's name, SHA-256 and size in bytes."""

    name: str
    sha256: str
    size: int
    result: DiagnosticResult
    attached_at: float
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One GPU that came in. Seconds are of its exposure clock, while it was under load.

    `load_seconds` count while nothing was wrong with it, `poor_seconds` while `poor` was.
    `faults_before` are its incidents and falls off the bus when the acceptance began: what a
    board brings along is not held against it.
    """

    key: BoardKey
    faults_before: int = 0
    load_seconds: float = 0.0
    poor_seconds: float = 0.0
    poor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The acceptance of everything that came in for one flag. Instants are Unix seconds.

    `sentence` says how it was decided, `decided_at` when; "" and None while it runs.
    """

    flag: int
    began_at: float
    candidates: tuple[Candidate, ...]
    state: AcceptanceState = AcceptanceState.RUNNING
    diagnostic: Diagnostic | None = None
    sentence: str = ""
    decided_at: float | None = None

    def __post_init__(self) -> None:
        if not self.candidates:
            raise ValueError(f"flag {self.flag}: an acceptance is of at least one board")

    @property
    def load_seconds(self) -> float:
        """How long the board with the least has been under load, in seconds."""
        return min(candidate.load_seconds for candidate in self.candidates)

    def candidate(self, key: BoardKey) -> Candidate | None:
        """The board with this key among what came in."""
        return next((one for one in self.candidates if same_board(one.key, key)), None)

    def of_flag(self, number: int) -> "Acceptance":
        """The same for a flag that has another number elsewhere."""
        return replace(self, flag=number)

    def decided(self, state: AcceptanceState, sentence: str, at: float) -> "Acceptance":
        """The same with its outcome."""
        return replace(self, state=state, sentence=sentence, decided_at=at)
