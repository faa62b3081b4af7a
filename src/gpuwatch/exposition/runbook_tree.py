"""Runbook tree: the little Markdown that runbooks are written in, as a tree; all else is refused.

A library reads the Markdown; what shows it (a page, a terminal) sees this tree only, so that no
HTML and no element that nobody thought of can come through.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Token: TypeAlias = Mapping[str, Any]  # what the library gives


@dataclass(frozen=True, slots=True)
class Words:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be typed or compared, letter by letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Text that must not be missed."""

    text: str


@dataclass(frozen=True, slots=True)
class Stressed:
    """Text that is read with stress."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads to `target`: another page (`CODE.md`), a document, or an https address."""

    text: str
    target: str


Span = Words | Code | Strong | Stressed | Link


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `level` 1 is the page's own."""

    level: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `quoted` is the one that tells the columns of the page's rule."""

    spans: tuple[Span, ...]
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines for a terminal, as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """Points of a list, each of one or more blocks; `ordered` ones are done one after the other."""

    points: tuple[tuple["Paragraph | Commands", ...], ...]
    ordered: bool = False


Block = Heading | Paragraph | Commands | Points


def tree(markdown: str) -> tuple[Block, ...]:
    """The blocks of a page in their order. Raises ValueError for what is not in this subset."""
    # Seldom needed, and five MiB: paid for by whoever reads the first page.
    import mistune  # noqa: PLC0415

    tokens = mistune.create_markdown(renderer=None)(markdown)
    return tuple(_block(token) for token in _told(tokens))


def _told(tokens: str | Sequence[Token]) -> Iterator[Token]:
    """The tokens that are something; there is nothing in a blank line."""
    if isinstance(tokens, str):
        raise TypeError("the library rendered the page instead of reading it")
    return (token for token in tokens if token["type"] != "blank_line")


def _block(token: Token) -> Block:
    match token["type"]:
        case "heading":
            return Heading(int(token["attrs"]["level"]), _spans(token))
        case "block_quote":
            (paragraph,) = _told(token["children"])
            return Paragraph(_spans(paragraph), quoted=True)
        case "list":
            points = tuple(_point(item) for item in _told(token["children"]))
            return Points(points, ordered=bool(token["attrs"]["ordered"]))
        case _:
            return _leaf(token)


def _point(item: Token) -> tuple[Paragraph | Commands, ...]:
    return tuple(_leaf(token) for token in _told(item["children"]))


def _leaf(token: Token) -> Paragraph | Commands:
    match token["type"]:
        case "paragraph" | "block_text":
            return Paragraph(_spans(token))
        case "block_code":
            return Commands(str(token["raw"]).rstrip("\n"))
        case other:
            raise ValueError(f"a runbook has no {other} (write headings, lists, code and links)")


def _spans(token: Token) -> tuple[Span, ...]:
    return tuple(_span(child) for child in token["children"])


def _span(token: Token) -> Span:
    match token["type"]:
        case "text":
            return Words(str(token["raw"]))
        case "softbreak":
            return Words(" ")
        case "codespan":
            return Code(str(token["raw"]))
        case "strong":
            return Strong(_plain(token))
        case "emphasis":
            return Stressed(_plain(token))
        case "link":
            return Link(_plain(token), str(token["attrs"]["url"]))
        case other:
            raise ValueError(f"a runbook has no {other} (write text, code, stress and links)")


def _plain(token: Token) -> str:
    """The text of an element in which there is nothing but text and code."""
    told = (_span(child) for child in token["children"])
    return "".join(span.text for span in told)
