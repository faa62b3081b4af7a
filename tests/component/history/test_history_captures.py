"""Captures: kept with the history, read on demand, bounded, and there after whatever comes."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.domain.captures import FIRST_KEPT, LATEST_KEPT, Capture, Occasion
from gpuwatch.history.reader import Reader
from gpuwatch.history.retention import Retention
from tests.support.histories import DAY, Bench, board_key

DOCUMENT: dict[str, Any] = {"version": 1, "because": "an Xid 48", "kernel_lines": []}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A history of two boards that were read once."""
    bench = Bench.open(tmp_path / "state" / "history.db", boards=2)
    bench.sweep()
    return bench


def _capture(bench: Bench, board: int = 0, **changes: Any) -> Capture:  # noqa: ANN401 - JSON
    """One capture of a board, a minute after whatever came before."""
    at = bench.clock.pass_seconds(60.0)
    document = DOCUMENT | changes
    made = bench.history.save_capture(board_key(board), Occasion.INCIDENT, document, at)
    assert made is not None
    return made


def test_a_capture_is_read_again_also_offline(bench: Bench, tmp_path: Path) -> None:
    """By the board that it is of; what it holds is what was put in."""
    made = _capture(bench)
    bench.history.close()
    reader = Reader.open(tmp_path / "state" / "history.db")

    read, others = reader.captures(board_key(0)), reader.captures(board_key(1))
    assert read == (made,)
    assert (made.at, made.settled, dict(made.document)) == (bench.clock.wall, False, DOCUMENT)
    assert others == ()


def test_what_followed_is_added_once(bench: Bench) -> None:
    """The capture stays where it stands; the one that waits for it is another's."""
    first, second = _capture(bench), _capture(bench, 1)
    added = bench.history.settle_capture(first, DOCUMENT | {"afterwards": {}})

    (settled,) = bench.history.captures(board_key(0))
    assert added
    assert (settled.number, settled.at, settled.settled) == (first.number, first.at, True)
    assert "afterwards" in settled.document
    assert bench.history.unsettled_captures() == (second,)


def test_a_capture_of_nobody_is_none(bench: Bench) -> None:
    """A board that was never here has no place in the history."""
    made = bench.history.save_capture(
        board_key(7), Occasion.FLAG, DOCUMENT, bench.clock.pass_seconds(1.0)
    )

    assert made is None
    assert bench.history.captures(board_key(7)) == ()


def test_the_first_and_the_latest_captures_of_a_board_are_kept(bench: Bench) -> None:
    """How it began, and how it is; another board's are its own."""
    made = [_capture(bench) for _ in range(FIRST_KEPT + LATEST_KEPT + 5)]
    other = _capture(bench, 1)
    deleted = Retention(bench.history._book).run()

    kept = [capture.number for capture in bench.history.captures(board_key(0))]
    numbers = [capture.number for capture in made]
    assert deleted == 5
    assert kept == numbers[:FIRST_KEPT] + numbers[-LATEST_KEPT:]
    assert bench.history.captures(board_key(1)) == (other,)


def test_a_capture_that_is_gone_is_not_settled(bench: Bench) -> None:
    """Nothing is written of it again."""
    made = _capture(bench)
    with closing(sqlite3.connect(bench.history.path)) as other:
        other.execute("delete from captures")
        other.commit()

    assert not bench.history.settle_capture(made, DOCUMENT)
    assert bench.history.captures(board_key(0)) == ()


def test_a_capture_is_dated_by_the_latest_word_on_the_clock(bench: Bench) -> None:
    """A host that started with a wrong clock dates what it captured once it knows better."""
    made = _capture(bench)
    bench.clock.step(DAY)
    bench.sweep()

    (read,) = bench.history.captures(board_key(0))
    assert read.at == pytest.approx(made.at + DAY)
