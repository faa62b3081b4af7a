"""What sources hand to the agent survives the way through a store."""

import pytest

from gpuwatch.sources.base import LogPosition


def test_a_log_position_is_read_back_as_it_was_written() -> None:
    """History keeps it as text."""
    position = LogPosition(
        boot_id="0b5e-44",
        sequence=812,
        usec=61_000_131,
        booted_at=1e9 + 0.25,
        skew=-0.125,
        skew_at=70.5,
    )

    assert LogPosition.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "boot 1 2", "boot one 2 3.0 4.0 5.0"])
def test_a_damaged_log_position_is_refused(text: str) -> None:
    """The caller then reads the log from its start."""
    with pytest.raises(ValueError):
        LogPosition.parse(text)
