"""docs/operating.md says what each line of the journal means."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "operating.md").read_text()
LOGGERS = re.compile(r"\b(log|probes|get_logger\([^)]*\))\.(debug|info|warning|error|critical)\b")


def _calls() -> Iterator[ast.Call]:
    for path in (ROOT / "src" / "gpuwatch").rglob("*.py"):
        tree = ast.walk(ast.parse(path.read_text()))
        yield from (node for node in tree if isinstance(node, ast.Call) and node.args)


def _events() -> set[str]:
    """The events that are logged under a name that stands in the code."""
    return {
        str(call.args[0].value)
        for call in _calls()
        if LOGGERS.search(ast.unparse(call.func)) and isinstance(call.args[0], ast.Constant)
    }


def test_every_event_of_the_journal_is_explained() -> None:
    """Whoever reads a line at night finds what it means, and what to do."""
    _, _, journal = DOCUMENT.partition("## The journal")
    explained = set(re.findall(r"`([a-z-]+)`", journal))

    assert {"started", "flag-board-changed", "ended-by-failure"} <= _events()
    assert _events() - explained == set()
