"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.config.durations import format_duration, parse_duration


@given(st.integers(min_value=0, max_value=10**13))
def test_a_duration_written_and_read_again_is_the_same(milliseconds: int) -> None:
    """What check-config prints can be pasted into the file."""
    duration = timedelta(milliseconds=milliseconds)

    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("250ms", 0.25),
        ("5m", 300.0),
        ("1h30m", 5_400.0),
        ("14d", 1_209_600.0),
        ("2w1d", 1_296_000.0),
        ("0s", 0.0),
        ("90m", 5_400.0),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, seconds: float) -> None:
    """Every unit, alone and one after the other."""
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "s", "10 s", "30m1h", "1h1h", "-5s", "1.5h", "10S", "5min", "٣s", "1e3s"]
)
def test_what_could_mean_two_things_is_no_duration(text: str) -> None:
    """A number alone, units out of order, fractions, other scripts: all refused."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)
