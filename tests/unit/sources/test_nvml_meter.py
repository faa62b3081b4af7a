"""What a source counts about itself."""

import math

from gpuwatch.sources.nvml_meter import BUCKETS, Meter


def test_durations_are_a_cumulative_histogram() -> None:
    """Each sweep counts in its bucket and all above; a bound belongs to its bucket."""
    meter = Meter("nvml", required=True)
    for seconds in (0.001, 0.005, 0.3, 75.0):
        meter.swept(seconds, wall=1_000.0)

    state = meter.state(up=True, fresh=True, released=False, reason="", problem="")

    counts = dict(state.durations)
    assert tuple(counts) == BUCKETS
    assert [counts[0.005], counts[0.25], counts[0.5], counts[60.0], counts[math.inf]] == [
        2, 2, 3, 3, 4,
    ]  # fmt: skip
    assert state.durations_sum == 75.306
    assert state.last_success == 1_000.0


def test_a_source_that_never_swept_has_no_last_success() -> None:
    """Absent, not zero; the counters exist from the start."""
    state = Meter("nvml", required=False).state(
        up=False, fresh=False, released=False, reason="old", problem="p"
    )

    assert state.last_success is None
    assert (state.timeouts, state.restarts, state.unkillable) == (0, 0, 0)
    assert (state.released_reason, state.problem, state.required) == ("", "p", False)
    assert {count for _, count in state.durations} == {0}
