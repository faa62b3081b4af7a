"""An NVML error code becomes the reason that people read, and keeps its number."""

import pynvml
import pytest

from gpuwatch.sources.nvml.absences import absence, field_absence


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (pynvml.NVML_ERROR_NOT_SUPPORTED, "unsupported"),
        (pynvml.NVML_ERROR_FUNCTION_NOT_FOUND, "unsupported"),
        (pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH, "unsupported"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "denied"),
        (pynvml.NVML_ERROR_TIMEOUT, "timed_out"),
        (pynvml.NVML_ERROR_GPU_IS_LOST, "lost"),
        (pynvml.NVML_ERROR_RESET_REQUIRED, "failed"),
        (pynvml.NVML_ERROR_INVALID_ARGUMENT, "failed"),
        (pynvml.NVML_ERROR_UNKNOWN, "failed"),
        (31_337, "failed"),
    ],
)
def test_a_code_has_its_reason(code: int, reason: str) -> None:
    """Unsupported, denied, lost and timed out are told apart; what is new has failed."""
    assert absence(code) == (reason, code)


def test_an_invalid_field_id_is_one_that_the_driver_does_not_know() -> None:
    """The batch succeeded, so the handle was good and the id was not."""
    assert field_absence(pynvml.NVML_ERROR_INVALID_ARGUMENT) == ("unsupported", 2)


def test_any_other_code_of_a_field_means_what_it_means_of_a_call() -> None:
    """A field that is denied is denied."""
    assert field_absence(pynvml.NVML_ERROR_NO_PERMISSION) == ("denied", 4)
