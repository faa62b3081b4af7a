"""How far a log was read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.redfish.log_position import REMEMBERED, Entry, Position

MARKS = st.tuples(st.text(), st.none() | st.floats(1e9, 2e9))
POSITIONS = st.builds(Position, st.lists(MARKS).map(tuple), st.integers(0, 100_000))


def _entry(record: str, written: float | None = None) -> Entry:
    return {"record": record, "written": written}


@given(POSITIONS)
def test_a_position_survives_a_store(position: Position) -> None:
    """As text."""
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "7", "{}", "[]", '{"marks": 7, "entries": 1}', "null"])
def test_what_is_no_position_is_none(text: str) -> None:
    """Of another version, or of another protocol."""
    assert Position.parse(text) is None


def test_a_position_remembers_the_last_entries() -> None:
    """A few, so that one may be deleted."""
    entries = [_entry(str(number)) for number in range(20)]

    position = Position().after(entries, 20)

    assert [record for record, _ in position.marks] == [str(n) for n in range(20 - REMEMBERED, 20)]


def test_the_newest_known_entry_is_where_to_go_on() -> None:
    """Also where it is not the last that was told."""
    position = Position().after([_entry("1"), _entry("2"), _entry("3")], 3)

    assert position.found_in([_entry("1"), _entry("2"), _entry("4")]) == 2
    assert position.found_in([_entry("3"), _entry("4")]) == 1
    assert position.found_in([_entry("4")]) is None


def test_an_id_that_begins_anew_is_another_entry() -> None:
    """It was written at another time."""
    position = Position().after([_entry("1", 1e9)], 1)

    assert position.found_in([_entry("1", 1.1e9)]) is None
