"""Captures: kept with the history, read on demand, bounded, and there after whatever comes."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.domain.captures import FIRST_KEPT, LATEST_KEPT, Capture, Occasion
from gpuwatch.history import schema
from gpuwatch.history.migrations import MIGRATIONS
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
    added = bench.history.update_capture(first, DOCUMENT | {"afterwards": {}}, settled=True)

    (settled,) = bench.history.captures(board_key(0))
    assert added
    assert (settled.number, settled.at, settled.settled) == (first.number, first.at, True)
    assert "afterwards" in settled.document
    assert bench.history.unsettled_captures() == (second,)
    assert not bench.history.update_capture(first, DOCUMENT, settled=False)
    assert bench.history.captures(board_key(0)) == (settled,)


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


def test_what_waits_for_a_sick_disk_is_bounded_as_well(tmp_path: Path) -> None:
    """A board that falls off the bus every hour does not fill the memory."""
    path = tmp_path / "state" / "history.db"
    path.parent.mkdir()
    path.mkdir()  # nothing can be opened there
    bench = Bench.open(path)
    made = [_capture(bench) for _ in range(FIRST_KEPT + LATEST_KEPT + 5)]
    path.rmdir()
    bench.history.tick(bench.clock.now())

    numbers = [capture.number for capture in made]
    kept = [capture.number for capture in bench.history.captures(board_key(0))]
    assert kept == numbers[:FIRST_KEPT] + numbers[-LATEST_KEPT:]
    assert bench.history.degraded == ()


def test_a_capture_that_is_gone_is_not_settled(bench: Bench) -> None:
    """Nothing is written of it again."""
    made = _capture(bench)
    with closing(sqlite3.connect(bench.history.path)) as other:
        other.execute("delete from captures")
        other.commit()

    assert not bench.history.update_capture(made, DOCUMENT, settled=True)
    assert bench.history.captures(board_key(0)) == ()


def test_a_capture_is_dated_by_the_latest_word_on_the_clock(bench: Bench) -> None:
    """A host that started with a wrong clock dates what it captured once it knows better."""
    made = _capture(bench)
    bench.clock.step(DAY)
    bench.sweep()

    (read,) = bench.history.captures(board_key(0))
    assert read.at == pytest.approx(made.at + DAY)


def test_captures_are_read_out_of_a_damaged_file(bench: Bench, tmp_path: Path) -> None:
    """What pages hold that can be read is kept; a document that is rubbish is passed over."""
    path = tmp_path / "state" / "history.db"
    made = [_capture(bench, lines=["x" * 100] * 10) for _ in range(3)]
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "update captures set document = x'00' where number = ?", (made[1].number,)
        )
        connection.commit()
        (root,) = connection.execute(
            "select rootpage from sqlite_schema where name = 'events'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)
    reopened = bench.reopened(path)

    assert "corrupt-rebuilt" in reopened.history.degraded
    assert reopened.history.captures(board_key(0)) == (made[0], made[2])


def test_a_database_of_the_release_before_gains_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that it held stays, and captures can be kept from then on."""
    path = tmp_path / "state" / "history.db"
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", MIGRATIONS[:11])
        old = Bench.open(path)
        old.boards[0].fail("dram", 2)
        old.sweep(slow=True)
        records, told = old.history.records(), old.history.captures(board_key(0))
        old.history.close()
    new = old.reopened(path)
    made = _capture(new)

    assert told == ()
    assert new.history.records() == records
    assert new.history.captures(board_key(0)) == (made,)
    assert new.history.degraded == ()


def test_what_was_captured_while_the_file_could_not_be_read_joins_it(tmp_path: Path) -> None:
    """Under a number of its own, and of the board as the file knows it."""
    path = tmp_path / "state" / "history.db"
    bench = Bench.open(path, boards=2)
    first = _capture(bench, 1)
    bench.history.close()
    hidden = path.parent.rename(path.parent.with_name("hidden"))
    path.parent.touch()
    blind = Bench.open(path, bench.clock, boards=0)
    blind = blind.with_boards({1: bench.boards[1]})
    second = _capture(blind, 1, because="meanwhile")
    path.parent.unlink()
    hidden.rename(path.parent)
    blind.history.tick(blind.clock.now())

    kept = blind.history.captures(board_key(1))
    assert second.number == first.number
    assert [one.document["because"] for one in kept] == ["an Xid 48", "meanwhile"]
    assert [one.at for one in kept] == pytest.approx([first.at, second.at])
    assert len(blind.reopened_after_close().history.captures(board_key(1))) == 2
