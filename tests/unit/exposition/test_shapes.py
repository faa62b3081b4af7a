"""Shapes: docs/api.md describes every member of every object, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints, is_typeddict

from gpuwatch.exposition import (
    acceptance_shapes,
    bmc_shapes,
    explanation_shapes,
    finding_shapes,
    flag_shapes,
    shapes,
    window_shapes,
)

_MODULES = (
    shapes,
    explanation_shapes,
    finding_shapes,
    flag_shapes,
    acceptance_shapes,
    window_shapes,
    bmc_shapes,
)
API = Path(__file__).parents[3] / "docs" / "api.md"


def _documented(text: str) -> Iterator[tuple[str, str]]:
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = section.split("\n", 1)[0]
        for cell in re.findall(r"^\| (`[^|]*) \|", section, flags=re.MULTILINE):
            yield from ((heading, member) for member in re.findall(r"`(\w+)`", cell))


def _built() -> Iterator[tuple[str, str]]:
    for module in _MODULES:
        for name, shape in vars(module).items():
            if is_typeddict(shape) and shape.__module__ == module.__name__:
                yield from ((name.removesuffix("Shape"), one) for one in get_type_hints(shape))


def test_every_member_of_the_documents_is_described() -> None:
    """An undocumented member, or a description of none, is a difference here."""
    documented = sorted(_documented(API.read_text()))

    assert sorted(_built()) == documented
