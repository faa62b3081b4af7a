"""An acceptance is of everything that came in; the board with the least load sets the pace."""

import pytest

from gpuwatch.domain.acceptances import Acceptance, AcceptanceState, Candidate
from gpuwatch.domain.devices import BoardKey

ONE, TWO = BoardKey("1650001", "GPU-1"), BoardKey("1650002", "GPU-2")
BOTH = Acceptance(
    flag=3,
    began_at=5.0,
    candidates=(Candidate(key=ONE, load_seconds=60.0), Candidate(key=TWO, load_seconds=20.0)),
)


def test_the_board_with_the_least_load_counts() -> None:
    """A baseboard is accepted as one piece."""
    assert BOTH.load_seconds == 20.0


def test_an_acceptance_is_of_something() -> None:
    """Nothing that came in cannot be accepted."""
    with pytest.raises(ValueError, match="flag 3: an acceptance is of at least one board"):
        Acceptance(flag=3, began_at=5.0, candidates=())


def test_a_candidate_is_found_by_its_board() -> None:
    """Any GPU of it does."""
    assert BOTH.candidate(BoardKey("1650002", "GPU-twin")) is BOTH.candidates[1]
    assert BOTH.candidate(BoardKey("1650003", "GPU-3")) is None


def test_an_outcome_says_how_and_when() -> None:
    """Nothing else changes, and neither does it for another number of the flag."""
    decided = BOTH.decided(AcceptanceState.FAILED, "ECC is off", 9.0)

    assert (decided.state, decided.sentence, decided.decided_at) == (
        AcceptanceState.FAILED,
        "ECC is off",
        9.0,
    )
    assert decided.candidates == BOTH.candidates
    assert BOTH.of_flag(4).flag == 4
