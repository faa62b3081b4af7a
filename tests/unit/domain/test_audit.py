"""An audit record says who did what."""

import pytest

from gpuwatch.domain.audit import AuditRecord


@pytest.mark.parametrize(("actor", "action"), [("", "flag-dismissed"), ("gpuwatch", "")])
def test_a_record_without_actor_or_action_is_unbuildable(actor: str, action: str) -> None:
    """A change by nobody, or of nothing, proves nothing."""
    with pytest.raises(ValueError, match="names its actor and what was done"):
        AuditRecord(at=1.0, actor=actor, action=action, subject="flag 3", reason="seen")


def test_a_record_is_numbered_by_history() -> None:
    """Until it is stored its number is 0."""
    record = AuditRecord(
        at=1.0, actor="gpuwatch", action="flag-raised", subject="flag 3", reason="two incidents"
    )

    assert record.number == 0
