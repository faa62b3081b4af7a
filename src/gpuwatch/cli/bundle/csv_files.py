"""CSV files: tables of evidence as text that spreadsheets and scripts read alike (RFC 4180).

Every instant stands twice, in UTC and as Unix seconds. An empty cell is unknown, and never 0.
"""

import csv
import io
from collections.abc import Iterator

from gpuwatch.exposition.evidence_shapes import Cell, TableShape
from gpuwatch.exposition.evidence_tables import iso

_SECONDS = "_unix_seconds"
# A spreadsheet takes a text that begins so for a formula; an apostrophe before it says it is none.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_file(table: TableShape) -> bytes:
    """The table as UTF-8, its first line the names of the columns."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_names(table["columns"]))
    instants = [name.endswith(_SECONDS) for name in table["columns"]]
    for row in table["rows"]:
        writer.writerow(_cells(row, instants))
    return text.getvalue().encode(errors="backslashreplace")


def _names(columns: list[str]) -> Iterator[str]:
    for name in columns:
        if name.endswith(_SECONDS):
            yield f"{name.removesuffix(_SECONDS)}_utc"
        yield name


def _cells(row: list[Cell], instants: list[bool]) -> Iterator[str]:
    for cell, instant in zip(row, instants, strict=True):
        if instant:
            known = isinstance(cell, int | float)
            yield iso(cell) if known and cell is not None else ""  # type: ignore[arg-type]  # so
        yield _cell(cell)


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return repr(round(cell, 6))
        case _:
            return f"'{cell}" if cell.startswith(_FORMULA) else cell
