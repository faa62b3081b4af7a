"""Addresses and versions are written in one way only."""

import pytest

from gpuwatch.sources.nvml.gpu import driver_version, pci_address


def test_an_address_is_written_as_the_kernel_writes_it() -> None:
    """Four-digit domain, lower case, function 0."""
    assert pci_address(0, 0x1B, 0) == "0000:1b:00.0"


def test_a_long_domain_keeps_all_its_digits() -> None:
    """Virtual machines number domains beyond 16 bits."""
    assert pci_address(0x10009, 3, 0x1F) == "10009:03:1f.0"


@pytest.mark.parametrize(
    ("text", "version"),
    [("580.95.05", (580, 95, 5)), ("575.51", (575, 51)), ("", ()), ("580.x", ()), ("unknown", ())],
)
def test_a_driver_s_version_is_compared_as_numbers(text: str, version: tuple[int, ...]) -> None:
    """What is no version is an unknown driver."""
    assert driver_version(text) == version
