"""Conditions: what a signal answers that tells no number."""

import pytest

from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.policy.conditions import Answer, AtLeast, GpuCondition, Reads
from gpuwatch.policy.views import PolicySettings
from tests.support.views import gpu, host

SIGNAL = "gpuwatch_gpu_ecc_enabled"


@pytest.mark.parametrize("condition", [AtLeast(SIGNAL, 0), Reads(SIGNAL, 0)])
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (Gap(GapReason.DENIED, 4), Answer.CANNOT_TELL),
        (Gap(GapReason.TIMED_OUT), Answer.CANNOT_TELL),
        (Gap(GapReason.UNSUPPORTED, 3), Answer.NO),
        ("enabled", Answer.CANNOT_TELL),
    ],
)
def test_what_is_no_number_is_neither_zero_nor_healthy(
    condition: GpuCondition, told: Gap | str, expected: Answer
) -> None:
    """Only a signal that the board does not have says no."""
    view = gpu(readings={SIGNAL: told})

    assert condition(view, host(view), PolicySettings()) is expected
