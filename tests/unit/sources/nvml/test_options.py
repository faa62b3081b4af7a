"""The child's command line."""

import pytest

import gpuwatch.sources.nvml.__main__ as program
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


def test_a_child_without_memory_says_so_and_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a line, not where every call was: the agent starts a fresh one."""

    def run(_child: object) -> int:
        raise MemoryError

    monkeypatch.setattr(program, "Child", lambda _chosen: type("Full", (), {"run": run})())
    monkeypatch.setattr(program, "end_with_parent", lambda: True)
    monkeypatch.setattr(program, "die_first", lambda: None)

    status = program.main(["--progress-fd", "3"])

    assert status == 1
    assert capsys.readouterr().err == (
        "nvml: no memory is left for this child: a fresh one does better\n"
    )
