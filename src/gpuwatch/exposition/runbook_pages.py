"""Runbook pages: a runbook, and the list of all of them, as pages of the agent."""

from typing import assert_never

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.frame import frame
from gpuwatch.exposition.markup import Markup, join, tag
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
from gpuwatch.exposition.runbooks import PATH, Runbook, code_of, index

_DOCUMENTS = "../"


def runbook_page(
    snapshot: Snapshot, runbook: Runbook, stalled_seconds: float | None = None
) -> bytes:
    """One runbook, as it is written."""
    title = f"runbook {runbook.code}"
    return _page(snapshot, title, runbook.markdown, stalled_seconds)


def runbooks_page(snapshot: Snapshot, stalled_seconds: float | None = None) -> bytes:
    """How runbooks are read, and which there are."""
    return _page(snapshot, "runbooks", index(), stalled_seconds)


def _page(snapshot: Snapshot, title: str, markdown: str, stalled_seconds: float | None) -> bytes:
    blocks = (_block(block) for block in tree(markdown))
    content = tag("article", *blocks, class_="runbook")
    return frame(snapshot, title, content, stalled_seconds=stalled_seconds, refreshed=False)


def _block(block: Block) -> Markup:
    match block:
        case Heading():
            return tag(f"h{block.level}", *_spans(block.spans))
        case Paragraph(quoted=True):
            return tag("p", *_spans(block.spans), class_="rule")
        case Paragraph():
            return tag("p", *_spans(block.spans))
        case Commands():
            return tag("pre", tag("code", block.text))
        case Points():
            points = (tag("li", *(_block(one) for one in point)) for point in block.points)
            return tag("ol" if block.ordered else "ul", *points)
        case _:
            assert_never(block)


def _spans(spans: tuple[Span, ...]) -> tuple[Markup, ...]:
    return tuple(_span(span) for span in spans)


def _span(span: Span) -> Markup:
    match span:
        case Words():
            return join(span.text)
        case Code():
            return tag("code", span.text)
        case Strong():
            return tag("strong", span.text)
        case Stressed():
            return tag("em", span.text)
        case Link():
            return _link(span)
        case _:
            assert_never(span)


def _link(link: Link) -> Markup:
    """A link; to a document that the agent does not serve it is the text and the file's name."""
    code = code_of(link.target)
    if code is not None:
        return tag("a", link.text, href=f"{PATH}{code}")
    if link.target.startswith("https://"):
        return tag("a", link.text, href=link.target)
    document = link.target.removeprefix(_DOCUMENTS)
    return join(f"{link.text} (", tag("code", f"docs/{document}"), ")")
