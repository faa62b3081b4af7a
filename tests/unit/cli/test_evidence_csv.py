"""CSV files: what spreadsheets and scripts read alike."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.cli.bundle.csv_files import csv_file
from gpuwatch.exposition.evidence_shapes import Cell

COLUMNS = ["at_unix_seconds", "text", "number"]


def _read(*rows: list[Cell], columns: list[str] | None = None) -> list[dict[str, str]]:
    written = csv_file({"columns": columns or COLUMNS, "rows": list(rows)})
    return list(csv.DictReader(io.StringIO(written.decode(), newline="")))


def test_an_instant_stands_in_utc_and_as_seconds() -> None:
    """One for people, one for scripts."""
    assert _read([1_773_457_927.25, "x", 1]) == [
        {
            "at_utc": "2026-03-14T03:12:07.250Z",
            "at_unix_seconds": "1773457927.25",
            "text": "x",
            "number": "1",
        }
    ]


def test_what_is_unknown_is_empty_and_zero_is_zero() -> None:
    """They are never the same."""
    rows = _read([None, None, None], [0.0, "", 0], [1e300, "x", 0.1 + 0.2])

    assert list(rows[0].values()) == ["", "", "", ""]
    assert list(rows[1].values()) == ["1970-01-01T00:00:00.000Z", "0.0", "", "0"]
    assert (rows[2]["at_utc"], rows[2]["number"]) == ("", "0.3")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_is_no_formula(begin: str) -> None:
    """A process may be called so that a spreadsheet would run it."""
    (row,) = _read([1.0, f'{begin}HYPERLINK("http://x")', -5])

    assert row["text"] == f'\'{begin}HYPERLINK("http://x")'
    assert row["number"] == "-5"


def test_a_statement_is_true_or_false() -> None:
    """As words."""
    assert list(_read([True, False], columns=["a", "b"])[0].values()) == ["true", "false"]


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_every_text_comes_back(texts: list[str]) -> None:
    """Quotes, commas and line ends included; an apostrophe says that it is no formula."""
    columns = [f"c{number}" for number, _ in enumerate(texts)]

    (row,) = _read(list(texts), columns=columns)

    assert [cell.removeprefix("'") for cell in row.values()] == [
        text.removeprefix("'") for text in texts
    ]
