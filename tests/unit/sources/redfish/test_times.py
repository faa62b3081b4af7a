"""The instants that a service writes."""

import pytest

from gpuwatch.sources.redfish.times import instant


@pytest.mark.parametrize(
    ("written", "offset", "expected"),
    [
        ("2025-06-01T00:00:00Z", "", 1_748_736_000.0),
        ("2025-06-01T02:00:00+02:00", "", 1_748_736_000.0),
        ("2025-06-01T00:00:00.250000+00:00", "", 1_748_736_000.25),
        ("2025-06-01T00:00:00", "", 1_748_736_000.0),
        ("2025-06-01T02:00:00", "+02:00", 1_748_736_000.0),
        ("2025-06-01T00:00:00", "odd", 1_748_736_000.0),
        ("1970-01-01T00:03:12+00:00", "", None),
        ("", "", None),
        ("yesterday", "", None),
        ("9999-99-99T00:00:00Z", "", None),
    ],
)
def test_a_time_is_read_or_none(written: str, offset: str, expected: float | None) -> None:
    """A clock that was never set tells no time."""
    assert instant(written, offset) == expected
