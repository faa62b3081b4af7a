"""A flag to bend by one thing: open, planned by nobody, untouched by people."""

from dataclasses import replace

from gpuwatch.domain.audit import Deed
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.verdicts import RmaStanding, Urgency

NOW = 1_773_554_400.0  # 2026-03-15 06:00 UTC, a Sunday
HOUR = 3600.0
DAY = 86_400.0
BOARD = BoardKey("1650923", "GPU-a")
NEW_BOARD = BoardKey("1650999", "GPU-b")
DEED = Deed(actor="uid 1000 (alice)", action="flag-set", reason="as agreed", at=5.5)


def a_flag(**changes: object) -> Flag:
    """Flag 14, raised an hour ago and due in 14 days."""
    base = Flag(
        board=BOARD,
        code="rising-uncorrectable-trend",
        urgency=Urgency.WINDOW,
        sentence="2 incidents 12 days apart.",
        raised_at=NOW - HOUR,
        evidence_at=NOW - 2 * HOUR,
        due_at=NOW + 14 * DAY,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        number=14,
        slot_label="module-3",
        fru="module",
    )
    return replace(base, **changes)  # type: ignore[arg-type]
