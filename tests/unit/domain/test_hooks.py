"""Hooks: at which transitions a command is run."""

import pytest

from gpuwatch.domain.hooks import Hook, Transition


@pytest.mark.parametrize("transition", Transition)
def test_a_hook_that_names_no_transition_wants_every_one(transition: Transition) -> None:
    """Whatever happens to a flag."""
    assert Hook(name="all", command=("/bin/true",)).wants(transition)


def test_a_hook_wants_what_it_names_and_nothing_else() -> None:
    """A drain is not run at every note that somebody writes on a flag."""
    hook = Hook(name="drain", command=("/bin/true",), on=frozenset({"raised"}))

    assert hook.wants("raised")
    assert not hook.wants("set")
