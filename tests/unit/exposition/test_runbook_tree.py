"""Runbook tree: the little Markdown that runbooks are written in, and nothing else."""

import pytest

from gpuwatch.exposition.runbook_tree import (
    Code,
    Commands,
    Heading,
    Link,
    Paragraph,
    Points,
    Stressed,
    Strong,
    Words,
    tree,
)


def test_a_page_becomes_a_tree() -> None:
    """Heading, the rule's line, paragraphs with all that may stand in them."""
    told = tree("# a: b\n\n> **c** d\n\nSee `e`, *f* and\n[g](h.md) <https://i.example/j>.\n")

    assert told == (
        Heading(1, (Words("a: b"),)),
        Paragraph((Strong("c"), Words(" d")), quoted=True),
        Paragraph(
            (
                Words("See "),
                Code("e"),
                Words(", "),
                Stressed("f"),
                Words(" and"),
                Words(" "),
                Link("g", "h.md"),
                Words(" "),
                Link("https://i.example/j", "https://i.example/j"),
                Words("."),
            )
        ),
    )


def test_points_hold_text_and_commands() -> None:
    """A step, and below it what to type, letter by letter."""
    told = tree("1. one\n\n   ```sh\n   a | b\n\n   c\n   ```\n\n2. two\n\n- three\n")

    assert told == (
        Points(
            ((Paragraph((Words("one"),)), Commands("a | b\n\nc")), (Paragraph((Words("two"),)),)),
            ordered=True,
        ),
        Points(((Paragraph((Words("three"),)),),)),
    )


@pytest.mark.parametrize(
    ("markdown", "named"),
    [
        ("<script>alert(1)</script>\n", "block_html"),
        ("a <b>c</b>\n", "inline_html"),
        ("![a](https://b.example/c.png)\n", "image"),
        ("a\n\n---\n\nb\n", "thematic_break"),
        ("- a\n  - b\n", "list"),
        ("two spaces  \nbreak a line\n", "linebreak"),
    ],
)
def test_what_nobody_thought_of_is_refused(markdown: str, named: str) -> None:
    """By its name, with what may be written instead."""
    with pytest.raises(ValueError, match=f"a runbook has no {named} \\(write"):
        tree(markdown)
