"""Driver releases: versions, CUDA, symbols."""

import pytest

from simulator import drivers


@pytest.mark.parametrize(
    ("version", "cuda"),
    [("535.183.01", 12020), ("580.95.05", 13000), ("615.71.01", 13020)],
)
def test_a_driver_brings_its_cuda(version: str, cuda: int) -> None:
    """The newest known branch not after the driver's."""
    assert drivers.cuda_version(version) == cuda


def test_older_drivers_lack_more() -> None:
    """What 550 lacks includes all that 580 lacks; the newest lacks nothing."""
    old, new = drivers.missing_symbols("550.163.01"), drivers.missing_symbols("580.95.05")

    assert set(new) < set(old)
    assert "nvmlDeviceGetRepairStatus" in old
    assert drivers.missing_symbols("615.71.01") == ()


def test_the_library_is_named_after_cuda_and_driver() -> None:
    """As nvmlSystemGetNVMLVersion says it."""
    assert drivers.library_values("580.95.05")["nvml_version"] == "13.580.95.05"


@pytest.mark.parametrize("text", ["", "580", "580.95.05.1", "r580.95"])
def test_what_is_no_version_is_refused(text: str) -> None:
    """The text and what would be right."""
    with pytest.raises(ValueError, match=r"not like 580\.95\.05"):
        drivers.branch(text)
