"""Golden files: what the product says in one scenario, reviewed as a diff when it changes."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent.parent / "golden"


def assert_golden(name: str, actual: str) -> None:
    """Compare with `tests/golden/NAME`; `GPUWATCH_GOLDEN=rewrite` (make golden) writes it anew."""
    path = GOLDEN / name
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        path.write_text(actual, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == actual, f"{name} changed: make golden, review it"
