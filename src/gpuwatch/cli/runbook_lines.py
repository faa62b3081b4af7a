"""Runbook lines: a runbook as lines of a terminal, broken between words, commands left whole."""

import textwrap
from collections.abc import Iterator
from typing import assert_never

from gpuwatch.cli.output import clean
from gpuwatch.exposition.runbook_tree import (
    Block,
    Code,
    Commands,
    Heading,
    Link,
    Paragraph,
    Points,
    Span,
    Stressed,
    Strong,
    Words,
    tree,
)
from gpuwatch.exposition.runbooks import code_of

_INDENT = "  "
_DOCUMENTS = "../"


def runbook_lines(markdown: str, columns: int) -> list[str]:
    """The lines of a page, none of text wider than `columns`; commands and addresses stay whole."""
    told = [line for block in tree(markdown) for line in _block(block, columns)]
    return told[1:]  # every block begins with an empty line


def _block(block: Block, columns: int) -> Iterator[str]:
    yield ""
    match block:
        case Heading(level=1):
            yield from _wrapped(_text(block.spans), columns)
        case Heading():
            yield clean(_text(block.spans)).upper()
        case Paragraph() | Commands():
            yield from _leaf(block, columns, _INDENT)
        case Points():
            yield from _points(block, columns)
        case _:
            assert_never(block)


def _leaf(block: Paragraph | Commands, columns: int, first: str, indent: str = "") -> Iterator[str]:
    """A paragraph or commands; `first` begins the first line, as wide as the indent of the rest."""
    indent = indent or first
    if isinstance(block, Commands):
        yield from (f"{indent}{_INDENT}{clean(line)}".rstrip() for line in block.text.split("\n"))
    else:
        yield from _wrapped(_text(block.spans), columns, first, indent)


def _points(points: Points, columns: int) -> Iterator[str]:
    for number, (head, *more) in enumerate(points.points, 1):
        mark = f"{number}. " if points.ordered else "- "
        indent = _INDENT + " " * len(mark)
        yield from _leaf(head, columns, _INDENT + mark, indent)
        for block in more:
            yield from _leaf(block, columns, indent)


def _wrapped(text: str, columns: int, first: str = "", following: str = "") -> list[str]:
    return textwrap.wrap(
        clean(text),
        max(columns, len(first) + 1),
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _text(spans: tuple[Span, ...]) -> str:
    return "".join(_span(span) for span in spans)


def _span(span: Span) -> str:
    match span:
        case Words() | Strong() | Stressed():
            return span.text
        case Code():
            return f"`{span.text}`"
        case Link():
            return _link(span)
        case _:
            assert_never(span)


def _link(link: Link) -> str:
    """What leads there from a terminal: the name of another runbook, a file, or an address."""
    if code_of(link.target) is not None:
        return link.text
    if link.target.startswith(_DOCUMENTS):
        return f"{link.text} (docs/{link.target.removeprefix(_DOCUMENTS)})"
    return link.text if link.text == link.target else f"{link.text}: {link.target}"
