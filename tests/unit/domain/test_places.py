"""What leaves in a window: a board once, and boards of one field-replaceable unit as one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.places import is_late, place_of, place_of_flag, unit_of, units_in
from gpuwatch.domain.verdicts import RmaStanding, Urgency
from gpuwatch.domain.windows import Window

START = datetime(2026, 3, 22, 2, tzinfo=UTC)
SUNDAY = Window(START, START + timedelta(hours=4), "sunday")
FLAG = Flag(
    board=BoardKey("17", "GPU-17"),
    code="rising-uncorrectable-trend",
    urgency=Urgency.WINDOW,
    sentence="2 incidents.",
    raised_at=1.0,
    evidence_at=1.0,
    due_at=START.timestamp() + 60.0,
    rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
    window_name="sunday",
    window_start=START.timestamp(),
    window_end=SUNDAY.end.timestamp(),
)
OTHER = replace(FLAG, board=BoardKey("18", "GPU-18"))


def test_a_flag_is_in_the_window_of_its_name_and_start() -> None:
    """Both make the place; a flag without a window is in none."""
    assert place_of(SUNDAY) == place_of_flag(FLAG) == ("sunday", START.timestamp())
    assert place_of_flag(replace(FLAG, window_name="", window_start=None)) is None


@pytest.mark.parametrize(
    ("fru", "units"),
    [("", 2), ("module", 2), ("baseboard", 1), ("tray", 1), ("server", 1)],
)
def test_boards_that_leave_together_are_one(fru: str, units: int) -> None:
    """A module is one board; a baseboard takes all of its boards along."""
    flags = (replace(FLAG, fru=fru), replace(OTHER, fru=fru))

    assert len(units_in(SUNDAY, flags)) == units


def test_a_board_with_two_flags_leaves_once() -> None:
    """One swap closes both; a board without a serial is told by its UUID."""
    second = replace(FLAG, code="row-remap-failed")
    silent = replace(FLAG, board=BoardKey("", "GPU-19"))

    assert units_in(SUNDAY, (FLAG, second)) == {"board 17"}
    assert unit_of(silent) == "board GPU-19"


def test_only_flags_that_still_wait_take_room() -> None:
    """A closed flag, and one of another window, leave the place free."""
    closed = replace(FLAG, state=FlagState.CLOSED)
    elsewhere = replace(OTHER, window_start=START.timestamp() + 1.0)

    assert units_in(SUNDAY, (closed, elsewhere)) == frozenset()


@pytest.mark.parametrize(
    ("changes", "late"),
    [
        ({}, False),
        ({"due_at": START.timestamp()}, False),
        ({"due_at": START.timestamp() - 1.0}, True),
        ({"window_start": None}, True),
        ({"window_start": None, "state": FlagState.CLOSED}, False),
        ({"window_start": None, "state": FlagState.IN_HANDS}, False),
    ],
)
def test_a_flag_is_late_when_no_window_starts_before_it_is_due(
    changes: dict[str, object], late: bool
) -> None:
    """A window that starts at the very instant is in time."""
    assert is_late(replace(FLAG, **changes)) is late  # type: ignore[arg-type]
