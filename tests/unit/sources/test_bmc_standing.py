"""How the source of a BMC is doing."""

import math

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc_standing import Standing


def _standing(stale_seconds: float = 600.0) -> Standing:
    return Standing("bmc.host", required=True, stale_seconds=stale_seconds)


def test_a_source_that_was_never_swept_is_neither_up_nor_fresh() -> None:
    """Its histogram is there all the same, at 0."""
    state = _standing().state()

    assert (state.name, state.required) == ("bmc.host", True)
    assert (state.up, state.fresh, state.problem, state.last_success) == (False, False, "", None)
    assert state.durations[-1] == (math.inf, 0)


def test_a_sweep_makes_it_up_and_is_counted() -> None:
    """With how long it took, and when it was."""
    standing = _standing()

    standing.swept(0.3, 1_800_000_000.0)

    state = standing.state()
    assert (state.up, state.fresh, state.last_success) == (True, True, 1_800_000_000.0)
    assert (dict(state.durations)[0.25], dict(state.durations)[0.5]) == (0, 1)
    assert state.durations_sum == 0.3


def test_a_failure_takes_it_down_and_leaves_what_was_told_fresh_for_a_while() -> None:
    """One lost answer is no reason to mistrust the last."""
    standing = _standing()
    standing.swept(0.3, 1_800_000_000.0)

    standing.failed(BmcTrouble.UNREACHABLE, "it does not answer")

    state = standing.state()
    assert (state.up, state.fresh, state.problem) == (False, True, "it does not answer")


def test_a_sweep_that_is_too_old_is_not_fresh() -> None:
    """Whatever the source thinks."""
    standing = _standing(stale_seconds=-1.0)
    standing.swept(0.3, 1_800_000_000.0)

    assert not standing.state().fresh


def test_only_what_was_waited_for_is_a_timeout() -> None:
    """A refusal comes at once."""
    standing = _standing()

    standing.failed(BmcTrouble.TIMED_OUT, "it fell silent")
    standing.failed(BmcTrouble.PASSWORD, "it refused")

    assert standing.state().timeouts == 1


def test_children_that_were_replaced_or_left_are_counted() -> None:
    """The ones that are left are those of this moment."""
    standing = _standing()

    standing.restarted()
    standing.restarted()
    standing.abandoned(2)
    standing.abandoned(1)

    assert (standing.state().restarts, standing.state().unkillable) == (2, 1)
