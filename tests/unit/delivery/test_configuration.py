"""The file that packages install: valid as it is, and every default in it is the default."""

import os
import re
import tomllib
from pathlib import Path

from delivery.configuration import defaults
from delivery.places import PACKAGING
from gpuwatch.config.layers import KEYED, NAMED
from gpuwatch.config.loading import load
from gpuwatch.config.models import Settings
from gpuwatch.config.schema import sections

FILE = PACKAGING / "gpuwatch.toml"
# Sections of which there may be several, and so none at first.
SEVERAL = rf"(?s)\n#\[\[?({'|'.join((*KEYED, *NAMED))})\b.*?(?=\n\n\n|\Z)"


def test_golden_configuration_of_the_packages_is_current() -> None:
    """A setting that was added stands in the file."""
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        FILE.write_text(defaults())

    assert FILE.read_text() == defaults(), "packaging/gpuwatch.toml: make golden"


def test_the_installed_file_changes_nothing() -> None:
    """An agent with the file runs with the same settings as one without any."""
    loaded = load(file=FILE, environment={})

    assert loaded.settings == Settings()
    assert {one.origin for one in loaded.effective()} == {"default"}


def test_every_line_that_is_uncommented_says_the_default(tmp_path: Path) -> None:
    """Who takes all the marks away still has the defaults."""
    alone = re.sub(SEVERAL, "\n", FILE.read_text())
    path = tmp_path / "gpuwatch.toml"
    path.write_text(re.sub(r"(?m)^#(\w+ = )", r"\1", alone))

    loaded = load(file=path, environment={})

    assert loaded.settings == Settings()
    assert len(tomllib.loads(path.read_text())["nvml"]) > 10


def test_every_setting_stands_in_the_file() -> None:
    """Keys without a default are there too, to be filled in."""
    text = FILE.read_text()
    missing = [
        f"{name}.{key}"
        for name, model in sections()
        for key in model.model_fields
        if f"\n#{key} =" not in text
    ]

    assert missing == []
