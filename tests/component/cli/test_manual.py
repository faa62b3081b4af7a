"""The manual pages as man renders them."""

import os
import subprocess

import pytest

from gpuwatch.cli.manual import pages
from tests.support.require import require

WAIT = 60.0


@pytest.mark.parametrize("name", ["gpuwatch.1", "gpuwatch-maintenance.1", "gpuwatch.toml.5"])
def test_a_page_is_rendered_without_a_warning(name: str) -> None:
    """With all warnings on; the page has its name and its parts."""
    man = require("man", "man-db")

    done = subprocess.run(
        [man, "--warnings", "-E", "UTF-8", "-l", "-"],
        input=pages()[name],
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT,
        env={"PATH": os.environ["PATH"], "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"},
    )

    assert done.stderr == ""
    assert done.stdout.startswith(name[:-2].upper())
    assert "DESCRIPTION" in done.stdout
