"""Health: why history is not written, in words that help."""

import pytest

from gpuwatch.history import Degraded, remedy_of


@pytest.mark.parametrize("reason", Degraded)
def test_every_reason_has_a_remedy(reason: Degraded) -> None:
    """Nobody reads a reason in the journal without what becomes of it."""
    assert remedy_of(reason.value)
