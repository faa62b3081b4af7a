"""Readme: the first page of evidence as text, for who has no browser."""

from collections.abc import Iterable, Sequence

from gpuwatch.cli.output import INDENT, paragraphs, wrapped
from gpuwatch.exposition.evidence_page import written
from gpuwatch.exposition.evidence_shapes import EvidenceShape
from gpuwatch.exposition.evidence_timeline import timeline
from gpuwatch.exposition.evidence_words import headline, sections, steps, summary
from gpuwatch.exposition.paper import Row

_INSTANT = 21  # columns of an instant and what follows it
_WIDEST = 20  # columns of a name beside its text


def readme(told: EvidenceShape, contents: Sequence[Row], notes: Sequence[str]) -> bytes:
    """The page; `contents` are files with what they hold, `notes` what was done to all of them."""
    lines = [headline(told), "", *wrapped(summary(told))]
    for part in sections(told):
        lines += ["", part.title.upper(), *_rows(part.rows)]
    lines += ["", "WHAT TO DO"]
    for number, step in enumerate(steps(told), 1):
        lines += wrapped(f"{number}. {step}", 2, 5)
    moments, before = timeline(told)
    lines += ["", "WHAT HAPPENED (UTC)"]
    if before:
        lines += wrapped(f"{before:,} earlier moments are in events.csv and audit.csv", 2)
    for at, text in moments:
        lines += wrapped(f"{at[:19].replace('T', ' ')}  {text}", 2, _INSTANT + 2)
    lines += ["", "THE FILES BESIDE THIS ONE", *_rows(contents)]
    missing = [f"{one['what']}: {one['why']}" for one in told["missing"]]
    for title, texts in (
        ("WHAT IS MISSING, AND WHY", missing),
        ("WHAT WAS DONE TO THESE FILES", notes),
    ):
        if texts:
            lines += ["", title, *paragraphs(texts)]
    lines += ["", *wrapped(written(told))]
    return ("\n".join(lines) + "\n").encode(errors="backslashreplace")


def _rows(rows: Sequence[Row]) -> Iterable[str]:
    """Names beside texts; a name that is longer than most has a line of its own."""
    width = min(max(len(name) for name, _ in rows), _WIDEST) + 2
    for name, text in rows:
        if len(name) + 2 > width:
            yield from (*wrapped(name, INDENT), *wrapped(text, INDENT + width))
        else:
            yield from wrapped(f"{name:<{width}}{text}", INDENT, INDENT + width)
