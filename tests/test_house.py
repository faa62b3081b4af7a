"""The house's own rules: budgets of size, and what is generated is current."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "gpuwatch").rglob("*.py"))
MODULE_LINES = 300
FUNCTION_LINES = 40
TABLES = re.compile(r"(nvml_signals|rules|xids)\.py$")


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            yield (
                f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
                size - (docstring.count("\n") + 1 if docstring else 0),
            )


def test_no_module_outgrows_its_budget() -> None:
    """A module over 300 lines is two modules; table files may be longer."""
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in SOURCES
        if not TABLES.search(path.name)
        and (lines := len(path.read_text().splitlines())) > MODULE_LINES
    }

    assert too_long == {}


def test_no_function_outgrows_a_glance() -> None:
    """A function over 40 lines, docstring aside, is two functions."""
    too_long = [
        (name, size) for path in SOURCES for name, size in _functions(path) if size > FUNCTION_LINES
    ]

    assert too_long == []


def test_every_module_says_what_it_is() -> None:
    """A module docstring is one sentence a newcomer can repeat."""
    silent = [str(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]

    assert silent == []


def test_nothing_is_left_unfinished() -> None:
    """Marks of unfinished work do not land."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    found = [str(path) for path in SOURCES if marks.search(path.read_text())]

    assert found == []
