"""Xid traces: what is remembered of a board's Xids."""

import pytest

from gpuwatch.domain.xids import XidAdvice, XidTrace


def test_a_trace_of_nothing_cannot_be_built() -> None:
    """What never happened leaves no trace."""
    with pytest.raises(ValueError, match="Xid 31: a trace holds at least one occurrence"):
        XidTrace(code=31, advice=XidAdvice.NOTHING_URGENT, count=0, first_at=1.0, last_at=1.0)
