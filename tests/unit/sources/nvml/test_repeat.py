"""What is asked per link becomes one sum, in which only links that are down may be missing."""

import pynvml
import pytest

from gpuwatch.sources.nvml.repeat import LINK_IS_DOWN, link_sum


def test_links_are_summed() -> None:
    """Three links, 12 errors."""
    assert link_sum(iter([(0, 4), (0, 3), (0, 5)])) == (0, 12)


@pytest.mark.parametrize("code", sorted(LINK_IS_DOWN))
def test_a_link_that_is_down_counts_nothing(code: int) -> None:
    """It has no counter to add."""
    assert link_sum(iter([(0, 4), (code, 99), (0, 5)])) == (0, 9)


def test_a_device_none_of_whose_links_tells_has_no_sum() -> None:
    """Nought would say that nothing happened."""
    assert link_sum(iter([(3, 0), (3, 0)])) == (3, 0)


def test_an_error_of_one_link_hides_the_sum() -> None:
    """A counter that leaves a link out falls, and rises again when it is back."""
    assert link_sum(iter([(0, 4), (pynvml.NVML_ERROR_UNKNOWN, 0), (0, 5)])) == (999, 0)


def test_a_device_without_links_has_no_sum() -> None:
    """There is nothing to add up."""
    assert link_sum(iter([])) == (pynvml.NVML_ERROR_NOT_SUPPORTED, 0)
