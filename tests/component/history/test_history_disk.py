"""History on a sick disk: it degrades, says so, loses nothing it need not, and recovers."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gpuwatch.domain.acceptances import Acceptance, Candidate
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.incidents import Memory
from gpuwatch.history import HistorySettings, Reader
from gpuwatch.history.albums import read_album
from tests.support.disk import small_disk
from tests.support.flags import DEED, a_flag
from tests.support.histories import Bench, board_key

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history lies."""
    return tmp_path / "state" / "history.db"


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two MiB of its own."""
    with small_disk(tmp_path / "disk") as directory:
        yield directory


def _remount(directory: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(directory)], check=True)  # noqa: S607


def _eventful(path: Path) -> Bench:
    """A history with an incident, an echo, an audit record and some hundreds of events."""
    bench = Bench.open(path, boards=4)
    for number in range(4):
        bench.sweep(number, slow=True)
    bench.boards[1].fail("sram", 2)
    bench.sweep(1, slow=True)
    bench.event(94, 1)
    for hour in range(60):
        for code in (13, 31, 43, 45):
            bench.event(code, hour % 4)
        bench.clock.pass_seconds(3600.0)
    bench.history.append_audit(
        AuditRecord(at=bench.clock.wall, actor="uid=0", action="test", subject="x", reason="why")
    )
    return bench


def _overwrite(path: Path, offset: int, count: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * count)


def test_a_corrupt_header_is_rebuilt_from_the_copy(path: Path) -> None:
    """The corrupt file is set aside, the copy takes over, and the loss is told."""
    bench = _eventful(path)
    before = bench.history.records()
    assert bench.history.copy()
    bench.history.close()
    _overwrite(path, 0, 100)

    bench = bench.reopened(path)

    assert bench.history.records() == before
    assert bench.history.degraded == ("corrupt-rebuilt",)
    assert "came from the copy of" in bench.history.losses()[0][1]
    assert bench.history.recent_events(1)[0].kind is EventKind.HISTORY_LOST
    assert len(list(path.parent.glob("history.db.corrupt-*"))) == 1


def test_a_corrupt_header_without_a_copy_starts_anew_and_says_so(path: Path) -> None:
    """Nothing can be saved: the boards are seen for the first time, not silently."""
    bench = _eventful(path)
    bench.history.close()
    _overwrite(path, 0, 100)

    bench = bench.reopened(path)

    assert bench.history.records() == {}
    assert "no copy was found" in bench.history.losses()[0][1]


def test_corrupt_pages_cost_only_what_was_on_them(path: Path) -> None:
    """Tables that can still be read are kept; the damaged one is named."""
    bench = _eventful(path)
    before = bench.history.records()
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        root = connection.execute(
            "select rootpage from sqlite_schema where name = 'events'"
        ).fetchone()[0]
    _overwrite(path, (root - 1) * PAGE, PAGE)

    bench = bench.reopened(path)

    assert bench.history.records() == before
    assert "not read in full: events" in bench.history.losses()[0][1]
    assert len(bench.history.audit()) == 1


@pytest.mark.parametrize("poison", [2**64 - 2, 2**63, "\ud800"])
def test_a_value_that_sqlite_cannot_keep_costs_only_its_row(path: Path, poison: int | str) -> None:
    """A counter of 64 bits without a sign ends nothing, and holds no other row up."""
    bench = _eventful(path)
    bench.sweep(2, instead={2: poison})
    bench.boards[3].fail("dram", 7)
    bench.sweep(3, slow=True)

    degraded = bench.history.degraded
    bench.history.close()
    bench = bench.reopened(path)

    assert degraded == ("rows-dropped",)
    assert bench.history.records()[board_key(3)].errors[Memory.DRAM] == 7
    assert bench.history.degraded == ()


def test_words_of_a_newer_gpuwatch_keep_no_older_one_from_starting(path: Path) -> None:
    """After a rollback: the rows stay in the file, the rest is remembered, and it is told."""
    bench = _eventful(path)
    before = bench.history.records()
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update events set kind = 'invented' where number % 2 = 0")
        connection.execute(
            "insert into verdicts values (900, 'GPU-x', 'invented', 'because', 1, 5.0)"
        )
        connection.commit()
        written = connection.execute("select count(*) from events").fetchone()

    bench = bench.reopened(path)

    assert bench.history.records() == before
    assert bench.history.degraded == ("rows-unread",)
    assert bench.history.recent_events(5)
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select count(*) from events").fetchone() == written


def test_what_happened_to_a_board_that_is_not_understood_charges_nobody_else(path: Path) -> None:
    """Its resets are no resets of the others, and its Xids none of the host."""
    bench = Bench.open(path, boards=2)
    bench.boards[1].action = "1"
    bench.sweep(1)
    bench.boards[1].action = "0"
    bench.sweep(1)
    bench.event(31, 1)
    reset_at = bench.history.records()[board_key(1)].last_reset_at
    before = bench.history.records()[board_key(0)]
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update boards set state = 'invented' where number = 2")
        connection.commit()

    bench = bench.reopened(path)

    assert reset_at is not None
    assert bench.history.records() == {board_key(0): before}
    assert bench.history.host_xids() == {}


def test_events_of_a_newer_gpuwatch_hide_none_of_the_others(path: Path) -> None:
    """What was told of a board is read without those that only the newer one knows."""
    bench = Bench.open(path)
    bench.event(31)
    bench.event(43)
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update events set kind = 'invented' where code = 31")
        connection.commit()

    bench = bench.reopened(path)

    codes = [event.code for event in bench.history.events(board_key(0))]
    assert 43 in codes
    assert 31 not in codes


def test_a_damaged_name_of_a_series_keeps_nobody_from_starting(path: Path) -> None:
    """Its buckets are passed over, here and on the pages; what is read since is kept."""
    bench = Bench.open(path)
    bench.sweeps(70)
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update series_columns set signals = '[damaged'")
        connection.commit()

    bench = bench.reopened(path)
    lost = bench.history.series(board_key(0), 0.0)
    album = read_album(path, board_key(0), 0.0, levels=("gpuwatch_x",), counters=())
    bench.sweeps(70)

    assert lost == ()
    assert album.levels == {"gpuwatch_x": ()}
    assert bench.history.series(board_key(0), 0.0) != ()


def test_readings_whose_names_were_lost_get_no_other_names(path: Path) -> None:
    """Of a damaged file: watts are not told as degrees."""
    bench = Bench.open(path)
    bench.sweeps(70)
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("delete from series_columns")
        connection.commit()
        (lost,) = connection.execute("select count(*) from series").fetchone()

    bench = bench.reopened(path)
    bench.sweeps(70)
    told = bench.history.series(board_key(0), 0.0)
    bench.history.close()

    with closing(sqlite3.connect(path)) as connection:
        (kept,) = connection.execute("select count(*) from series").fetchone()
    assert lost > 1
    assert len(told) == kept - lost


def test_what_the_copy_missed_is_counted_again_from_the_hardware(path: Path) -> None:
    """Errors after the copy was made show as a rise since then: none is lost."""
    bench = _eventful(path)
    bench.history.copy()
    bench.boards[1].fail("dram", 5)
    bench.sweep(1, slow=True)
    bench.history.close()
    _overwrite(path, 0, 100)

    bench = bench.reopened(path)
    bench.sweep(1, slow=True)

    errors = bench.history.records()[board_key(1)].errors
    assert errors == {Memory.DRAM: 5, Memory.SRAM: 2, Memory.UNKNOWN: 0}


def test_a_file_that_turns_corrupt_while_we_write_is_rebuilt_from_memory(path: Path) -> None:
    """The copy's check finds it; what memory knows is written again in full."""
    bench = _eventful(path)
    bench.history.copy()
    before = bench.history.records()
    store = bench.history._book.store
    assert store._connection is not None
    store._connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    _overwrite(path, 2 * PAGE, 40 * PAGE)

    copied = bench.history.copy()
    bench.history.tick(bench.clock.now())

    assert not copied
    assert bench.history.degraded[0] == "corrupt-rebuilt"
    assert bench.reopened_after_close().history.records() == before


def test_a_corrupt_file_is_not_copied_over_a_good_copy(path: Path) -> None:
    """Damage that a page-wise copy would carry along is found before the last copy is replaced."""
    bench = _eventful(path)
    assert bench.history.copy()
    good = path.with_name("history.db.copy").read_bytes()
    store = bench.history._book.store
    assert store._connection is not None
    store._connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    with closing(sqlite3.connect(path)) as connection:
        root = connection.execute(
            "select rootpage from sqlite_schema where name = 'events'"
        ).fetchone()[0]
    _overwrite(path, (root - 1) * PAGE, PAGE)

    copied = bench.history.copy()

    assert not copied
    assert "copy-failed" in bench.history.degraded
    assert path.with_name("history.db.copy").read_bytes() == good
    assert list(path.parent.glob("*.making")) == []


def test_a_removed_file_is_written_again(path: Path) -> None:
    """Somebody removed the file under the agent: memory is written to a new one, loudly."""
    bench = _eventful(path)
    before, began = bench.history.records(), bench.history.epoch_began()
    for name in path.parent.glob("history.db*"):
        name.unlink()

    bench.history.tick(bench.clock.now())

    assert "file was removed" in bench.history.losses()[0][1]
    history = bench.reopened_after_close().history
    assert history.records() == before
    assert history.epoch_began() == began == 1000.0


def test_a_full_disk_keeps_evidence_in_memory_and_writes_it_later(small_disk: Path) -> None:
    """Errors on a full disk are counted and written once there is room again."""
    bench = Bench.open(small_disk / "history.db")
    bench.sweep(slow=True)
    filler = small_disk / "filler"
    _fill(filler)
    bench.boards[0].fail("dram", 3)
    bench.fill_until_degraded()

    degraded = bench.history.degraded
    filler.unlink()
    bench.history.tick(bench.clock.now())
    after = bench.history.degraded
    seen = Reader.open(small_disk / "history.db")
    stored = seen.records()
    seen.close()

    assert degraded == ("disk-full",)
    assert after == ()
    assert stored == bench.history.records()
    assert stored[board_key(0)].errors[Memory.DRAM] == 3
    bench.history.close()


def test_a_history_opens_on_a_full_disk(small_disk: Path) -> None:
    """With no room for a single page the agent starts, remembers, and writes when it can."""
    filler = small_disk / "filler"
    _fill(filler)
    bench = Bench.open(small_disk / "history.db")
    bench.sweep(slow=True)
    bench.boards[0].fail()
    bench.sweep(slow=True)

    degraded = bench.history.degraded
    filler.unlink()
    bench.history.tick(bench.clock.now())
    bench.history.tick(bench.clock.now())

    assert degraded == ("disk-full",)
    assert bench.history.degraded == ()
    stored = bench.reopened_after_close()
    assert stored.history.records()[board_key(0)].errors[Memory.DRAM] == 1
    stored.history.close()


def test_a_disk_that_turns_read_only_is_told_and_outlived(small_disk: Path) -> None:
    """What happens while the disk is read-only is written when it is writable again."""
    path = small_disk / "history.db"
    bench = Bench.open(path)
    bench.sweep()
    bench.history.close()
    _remount(small_disk, "ro")
    bench = bench.reopened(path)
    bench.boards[0].fail()
    bench.sweep()

    degraded = bench.history.degraded
    incidents = len(bench.history.records()[board_key(0)].incidents)
    _remount(small_disk, "rw")
    bench.history.tick(bench.clock.now())

    assert degraded == ("read-only",)
    assert incidents == 1
    assert bench.history.degraded == ()
    stored = bench.reopened_after_close()
    assert len(stored.history.records()[board_key(0)].incidents) == 1
    stored.history.close()


def test_a_newer_schema_is_read_and_never_written(path: Path) -> None:
    """An older program shows what it can, keeps watching in memory, and leaves the file alone."""
    bench = _eventful(path)
    before = bench.history.records()
    bench.history.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("insert into migrations (name) values ('9999-from-the-future')")
        connection.commit()
    content = path.read_bytes()

    bench = bench.reopened(path, HistorySettings(retry_seconds=0.0, max_waiting_rows=100))
    read = bench.history.records()
    bench.boards[0].fail("dram", 4)
    bench.sweep(0, slow=True)
    for _ in range(200):
        bench.event(13)
        bench.clock.pass_seconds(3600.0)
    bench.history.tick(bench.clock.now())

    assert read == before
    assert bench.history.degraded == ("newer-schema", "rows-dropped")
    assert bench.history.records()[board_key(0)].errors[Memory.DRAM] == 4
    assert sum(bench.history.dropped.values()) > 0
    bench.history.close()
    assert path.read_bytes() == content


def test_a_history_that_could_not_be_read_at_first_is_joined_not_replaced(path: Path) -> None:
    """The state directory appears late: its history goes on, with what was seen meanwhile."""
    bench = _eventful(path)
    errors = bench.history.records()[board_key(1)].errors
    bench.history.close()
    hidden = path.parent.rename(path.parent.with_name("hidden"))
    path.parent.touch()

    bench = Bench.open(path, bench.clock, boards=0).with_boards(bench.boards)
    bench.sweep(1, slow=True)
    bench.boards[1].fail("dram", 3)
    bench.sweep(1, slow=True)
    bench.event(13, 1)
    degraded = bench.history.degraded
    path.parent.unlink()
    hidden.rename(path.parent)
    bench.history.tick(bench.clock.now())
    bench.sweep(1, slow=True)
    record = bench.history.records()[board_key(1)]

    assert degraded == ("unavailable",)
    assert bench.history.degraded == ()
    assert record.errors == {**errors, Memory.DRAM: 3}
    assert [signal.memory for signal in record.incidents[-1].signals][-1] is Memory.DRAM
    assert bench.reopened_after_close().history.records()[board_key(1)] == record


def test_a_flag_of_the_time_without_the_file_gets_a_number_of_its_own(path: Path) -> None:
    """So do its acceptance and its audit record, which would speak of another flag otherwise."""
    bench = Bench.open(path, boards=2)
    bench.history.save_flag(a_flag(number=0, board=board_key(0)), DEED)
    bench.history.close()
    hidden = path.parent.rename(path.parent.with_name("hidden"))
    path.parent.touch()
    bench = Bench.open(path, bench.clock, boards=2)
    flag = bench.history.save_flag(a_flag(number=0, board=board_key(1)), DEED)
    proof = Acceptance(flag=flag.number, began_at=5.5, candidates=(Candidate(key=board_key(1)),))
    bench.history.save_acceptance(proof)
    path.parent.unlink()
    hidden.rename(path.parent)

    bench.history.tick(bench.clock.now())

    history = bench.reopened_after_close().history
    assert flag.number == 1
    assert [one.board for one in history.flags()] == [board_key(0), board_key(1)]
    assert history.acceptances() == {2: proof.of_flag(2)}
    assert [record.subject for record in history.audit()] == ["flag 1", "flag 2"]


def test_an_audit_record_is_never_rewritten(path: Path) -> None:
    """Not even by somebody with the file in hand and plain SQL."""
    bench = _eventful(path)
    bench.history.close()

    with closing(sqlite3.connect(path)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            connection.execute("update audit set actor = 'nobody'")
        with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
            connection.execute("delete from audit")


def _fill(filler: Path) -> None:
    with filler.open("wb") as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    os.write(file.fileno(), b"\0" * size)
            except OSError:
                continue
