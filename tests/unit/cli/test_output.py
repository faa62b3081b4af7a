"""Tables and texts for a terminal."""

import json

import pytest

from gpuwatch.cli.output import at, clean, paragraph, print_json, table


def test_columns_align_and_numbers_stand_to_the_right() -> None:
    """Absent numbers leave their place empty."""
    lines = table(("GPU", "NAME", "WHY"), [(3, "a", "x y"), (None, "bcd", ""), (-12, "e", "")])

    assert lines == [
        "GPU  NAME  WHY",
        "  3  a     x y",
        "     bcd",
        "-12  e",
    ]


def test_a_table_without_rows_is_its_heading() -> None:
    """Nothing is remembered yet."""
    assert table(("A", "B"), []) == ["A  B"]


def test_a_name_cannot_move_the_cursor() -> None:
    """What a board says of itself is printed, not obeyed."""
    assert clean("H100\x1b[2J\n\u2028x") == "H100 [2J  x"


def test_json_moves_no_cursor_either(capsys: pytest.CaptureFixture[str]) -> None:
    """And says the same to whoever reads it."""
    told = {"name": "H100\x9b2J\x1b[2J\u202e\ud800 é"}

    print_json(told)

    printed = capsys.readouterr().out
    assert [one for one in printed if not one.isprintable() and one != "\n"] == []
    assert "é" in printed
    assert json.loads(printed) == told


def test_long_texts_wrap_at_80_columns() -> None:
    """Later lines are indented, nothing is lost."""
    words = [f"word{number}" for number in range(40)]

    lines = paragraph(" ".join(words), "  ")

    assert max(map(len, lines)) <= 80
    assert " ".join(line.strip() for line in lines).split() == words


def test_an_instant_is_read_to_the_minute() -> None:
    """Documents say milliseconds; a table does not."""
    instant = "2026-03-14T03:12:07.125Z"

    assert (at(instant), at(instant, seconds=True), at(None)) == (
        "2026-03-14 03:12",
        "2026-03-14 03:12:07",
        "-",
    )
