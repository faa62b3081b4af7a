"""Hooks: at which transitions a command is run."""

import pytest

from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.hooks import Hook, Transition, transition_of


@pytest.mark.parametrize("transition", Transition)
def test_a_hook_that_names_no_transition_wants_every_one(transition: Transition) -> None:
    """Whatever happens to a flag."""
    assert Hook(name="all", command=("/bin/true",)).wants(transition)


def test_a_hook_wants_what_it_names_and_nothing_else() -> None:
    """A drain is not run at every note that somebody writes on a flag."""
    hook = Hook(name="drain", command=("/bin/true",), on=frozenset({"raised"}))

    assert hook.wants("raised")
    assert not hook.wants("set")


def test_a_transition_is_what_its_audit_record_calls_it() -> None:
    """Without the word that says it is a flag's."""
    record = AuditRecord(
        at=1.0, actor="gpuwatch", action="flag-raised", subject="flag 3", reason=""
    )

    assert transition_of(record) == Transition.RAISED
