"""The child's command line."""

import pytest

from gpuwatch.sources.nvml.__main__ import Options, options


def test_all_options_are_taken() -> None:
    """As the agent starts it."""
    line = ["--table", "dd16e93b", "--sysfs", "/world/sys", "--progress-fd", "7"]

    assert options(line) == Options(7, "dd16e93b", "/world/sys")


def test_only_the_progress_page_must_be_named() -> None:
    """The kernel's tree is where it always is."""
    assert options(["--progress-fd", "3"]) == Options(3, "", "/sys")


@pytest.mark.parametrize(
    "line", [[], ["--progress-fd"], ["--progress-fd", "x"], ["--progress-fd", "3", "--tabel", "t"]]
)
def test_anything_else_is_refused_with_the_usage(line: list[str]) -> None:
    """A misspelt option would otherwise be without effect."""
    with pytest.raises(ValueError, match="usage: python"):
        options(line)
