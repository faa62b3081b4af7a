"""Absences: what an NVML error code means for the value that should have been there."""

import pynvml

from gpuwatch.domain.readings import GapReason

Absence = tuple[str, int | None]
Answer = int | float | str | Absence

# Several codes say "not here": the board cannot, the driver is too old for the symbol or for the
# structure's version, or too new for a call that is gone.
_REASONS = {
    pynvml.NVML_ERROR_NOT_SUPPORTED: GapReason.UNSUPPORTED,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: GapReason.UNSUPPORTED,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH: GapReason.UNSUPPORTED,
    pynvml.NVML_ERROR_VGPU_ECC_NOT_SUPPORTED: GapReason.UNSUPPORTED,
    pynvml.NVML_ERROR_DEPRECATED: GapReason.UNSUPPORTED,
    pynvml.NVML_ERROR_NO_PERMISSION: GapReason.DENIED,
    pynvml.NVML_ERROR_TIMEOUT: GapReason.TIMED_OUT,
    pynvml.NVML_ERROR_GPU_IS_LOST: GapReason.LOST,
}

LOST_CODE = pynvml.NVML_ERROR_GPU_IS_LOST
LOST: Absence = (GapReason.LOST.value, LOST_CODE)
UNSUPPORTED: Absence = (GapReason.UNSUPPORTED.value, None)  # known without asking
UNREADABLE: Absence = (GapReason.FAILED.value, None)  # answered, but with what is no text


def absence(code: int) -> Absence:
    """What stands in a sweep for a call that answered with this error code."""
    return _REASONS.get(code, GapReason.FAILED).value, code


def field_absence(code: int) -> Absence:
    """The same for one value of a batch of fields.

    The batch itself succeeded, so the handle is good: an "invalid argument" is an id that this
    driver does not know.
    """
    if code == pynvml.NVML_ERROR_INVALID_ARGUMENT:
        return GapReason.UNSUPPORTED.value, code
    return absence(code)
