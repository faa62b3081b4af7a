"""Output: tables for people, JSON for scripts, one line for what went wrong."""

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence

COLUMNS = 80
INDENT = 2
_LABEL = 11  # columns of a fact's name
# Beside those that JSON escapes itself: controls, what turns a line about, halves of pairs.
_UNPRINTABLE = re.compile(
    r"[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def clean(value: object) -> str:
    """`value` for a terminal: what a driver or a board says cannot move its cursor."""
    text = "" if value is None else str(value)
    return "".join(one if one.isprintable() else " " for one in text)


def at(instant: object, *, seconds: bool = False) -> str:
    """An instant of a document, `2026-03-14T03:12:07.000Z`, as people read it; "-" for none."""
    if not isinstance(instant, str) or not instant:
        return "-"
    return clean(instant[: 19 if seconds else 16].replace("T", " "))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines with aligned columns; numbers to the right, the last column as long as it is."""
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [
        max(len(row[column]) for row in [list(headings), *cells]) for column in range(len(headings))
    ]
    right = [
        bool(cells) and all(row[column].lstrip("-").isdecimal() or not row[column] for row in cells)
        for column in range(len(headings))
    ]

    def line(row: Sequence[str]) -> str:
        parts = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        return "  ".join(parts).rstrip()

    return [line(headings), *(line(row) for row in cells)]


def paragraph(text: str, indent: str = "") -> list[str]:
    """`text` in lines of at most 80 columns, those after the first indented."""
    return textwrap.wrap(
        clean(text), COLUMNS, subsequent_indent=indent, break_long_words=False
    ) or [""]


def wrapped(text: str, indent: int = 0, following: int | None = None) -> list[str]:
    """`text` in lines of at most 80 columns that break between words only.

    Codes stay whole, and so does an address that is longer than a line, to be clicked on.
    """
    return textwrap.wrap(
        clean(text),
        COLUMNS,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if following is None else following),
        break_long_words=False,
        break_on_hyphens=False,
    )


def paragraphs(texts: Iterable[str]) -> list[str]:
    """Each text in lines of at most 80 columns, indented."""
    return [line for text in texts for line in wrapped(text, INDENT)]


def fact(name: str, value: str) -> list[str]:
    """A name and what it is, indented and aligned with other facts."""
    label = f"{name:<{_LABEL}}"
    if " " not in value and INDENT + len(label) + len(value) > COLUMNS:
        return [*wrapped(label, INDENT), *wrapped(value, INDENT)]
    return wrapped(label + value, INDENT, INDENT + _LABEL)


def print_lines(lines: Iterable[str]) -> None:
    """Lines to standard output."""
    print("\n".join(lines))


def print_json(document: object) -> None:
    """One JSON document to standard output; what would move a terminal's cursor is escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    print(_UNPRINTABLE.sub(lambda found: json.dumps(found[0])[1:-1], text))


def print_refusal(problems: Iterable[object], *, as_json: bool) -> None:
    """A configuration that is refused: a line for each problem, or one document for scripts."""
    if as_json:
        way_out = "correct it, or name another file with --config"
        print_error("; ".join(map(str, problems)), way_out, as_json=True)
    else:
        for problem in problems:
            print(f"config: {problem}", file=sys.stderr)


def print_error(what: str, remedy: str, *, as_json: bool) -> None:
    """What is wrong, then the way out: one line to standard error, or JSON to standard output."""
    if as_json:
        print_json({"error": {"what": what, "remedy": remedy}})
    else:
        print(clean(f"gpuwatch: {what} ({remedy})"), file=sys.stderr)
