"""A flag is open until somebody has closed or dismissed it."""

import pytest

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.verdicts import RmaStanding, Urgency


@pytest.mark.parametrize(
    ("state", "is_open"),
    [
        (FlagState.OPEN, True),
        (FlagState.IN_HANDS, True),
        (FlagState.VERIFYING, True),
        (FlagState.CLOSED, False),
        (FlagState.DISMISSED, False),
    ],
)
def test_a_flag_is_open_while_somebody_has_to_act(state: FlagState, is_open: bool) -> None:
    """In hands and verifying are still work; closed and dismissed are history."""
    flag = Flag(
        board=BoardKey("1650923", "GPU-a"),
        code="rising-uncorrectable-trend",
        urgency=Urgency.WINDOW,
        sentence="Two incidents.",
        raised_at=1.0,
        evidence_at=2.0,
        due_at=3.0,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        state=state,
    )

    assert flag.is_open is is_open
