"""Settings that cannot work are refused."""

import pytest

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.nvml_settings import NvmlSettings, RetryPlan


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"fast": 0.0}, "longer than 0 s"),
        ({"fast": 61.0}, "at least as long"),
        ({"rare": 4_000.0}, "at least as long"),
        ({"init_deadline": 0.0}, "longer than 0 s"),
        ({"slow_deadline": -1.0}, "longer than 0 s"),
        ({"max_unkillable": 0}, "at least 1, not 0"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, float], text: str) -> None:
    """With the value and the rule."""
    with pytest.raises(ValueError, match=text):
        NvmlSettings(**changes)  # type: ignore[arg-type]  # numbers by name


@pytest.mark.parametrize("changes", [{"later": ()}, {"later": (0.0,)}, {"soon": 0.0}])
def test_a_plan_without_pauses_is_refused(changes: dict[str, float]) -> None:
    """A GPU that hung would be asked without end."""
    with pytest.raises(ValueError, match="asked again some time later"):
        RetryPlan(**changes)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("cadences", "seconds"),
    [
        ({Cadence.FAST}, 10.0),
        ({Cadence.FAST, Cadence.SLOW}, 30.0),
        ({Cadence.RARE}, 30.0),
        ({Cadence.FAST, Cadence.INVENTORY}, 30.0),
    ],
)
def test_a_sweep_with_slow_rows_may_take_longer(cadences: set[Cadence], seconds: float) -> None:
    """The fast deadline is for a sweep of fast rows alone."""
    assert NvmlSettings().sweep_deadline(frozenset(cadences)) == seconds


def test_a_sweep_is_stale_after_three_cadences_and_a_deadline() -> None:
    """3 x 10 s + 30 s by default."""
    assert NvmlSettings().stale_after == 60.0
