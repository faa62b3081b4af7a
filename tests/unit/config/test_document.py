"""docs/configuration.md is what the models say."""

import os
from pathlib import Path

from gpuwatch.config.document import markdown
from gpuwatch.config.schema import sections

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_golden_document_of_the_configuration_is_current() -> None:
    """`make golden` writes it anew; nobody edits it by hand."""
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        DOCUMENT.write_text(markdown(), encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == markdown()


def test_every_setting_says_what_it_is_for() -> None:
    """A setting nobody can explain is none."""
    silent = [
        f"{name}.{key}"
        for name, model in sections()
        for key, field in model.model_fields.items()
        if not (field.description or "").endswith(".")
    ]

    assert silent == []
