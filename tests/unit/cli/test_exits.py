"""docs/cli.md names every exit status with its meaning."""

import re
from pathlib import Path

from gpuwatch.cli.exits import MEANINGS, Exit

DOCUMENT = Path(__file__).parents[3] / "docs" / "cli.md"


def test_every_status_is_documented_as_it_is_meant() -> None:
    """Scripts are written from the document."""
    documented = re.findall(r"^\| (\d+) \| (.*) \|$", DOCUMENT.read_text(), flags=re.MULTILINE)

    assert documented == [(str(int(status)), MEANINGS[status]) for status in Exit]
