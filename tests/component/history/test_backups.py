"""Backups of a real history: whole or refused, put back or nothing changed, and never lost."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest

from gpuwatch.domain.events import EventKind
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardState, Departure
from gpuwatch.history import BackupError, Mark, Reader, SecondWriterError
from gpuwatch.history.backups import examine, make
from gpuwatch.history.migrations import MIGRATIONS
from gpuwatch.history.restoring import STAGE, Restored, restore
from tests.support.disk import fill, small_disk
from tests.support.histories import START, Bench, HandClock, board_key, device
from tests.support.history_writer import deed, raised

MARK = Mark(host="node-17", made_at=START, version="1.2.3")
OUTPUT = b"all of it passed"
DIAGNOSTIC = sha256(OUTPUT).hexdigest()
ACTOR = "uid 0 (root)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history lies."""
    return tmp_path / "state" / "history.db"


@pytest.fixture
def bench(path: Path) -> Iterator[Bench]:
    """A history of four boards with an incident, a flag and a diagnostic, being written."""
    bench = Bench.open(path, boards=4)
    for number in range(4):
        bench.sweep(number, slow=True)
    bench.event(48, identity="first")
    bench.history.save_flag(raised(START), deed("flag-raised", START))
    (path.parent / "diagnostics").mkdir()
    (path.parent / "diagnostics" / DIAGNOSTIC).write_bytes(OUTPUT)
    yield bench
    bench.history.close()


@pytest.fixture
def backup(bench: Bench, path: Path, tmp_path: Path) -> Path:
    """A backup of it, made while it was written; the writer has ended since."""
    target = tmp_path / "node-17.db"
    make(path, target, MARK)
    bench.history.close()
    return target


def _restore(source: Path, history: Path, clock: HandClock | None = None) -> Restored:
    return restore(source, history, clock or HandClock(), actor=ACTOR, reason="a test")


def _elsewhere(backup: Path, folder: Path, *, boot_id: str = "boot-9") -> Bench:
    """The backup restored into an empty folder, as another start of another host finds it."""
    history = folder / "history.db"
    clock = HandClock(wall=START + 86_400.0, boot_id=boot_id)
    _restore(backup, history, clock)
    return Bench.open(history, clock, boards=0)


def _told(path: Path) -> list[tuple[str, str]]:
    """Who did what, by the audit log of a history."""
    with closing(Reader.open(path)) as reader:
        return [(record.actor, record.action) for record in reader.audit(100)]


def test_a_backup_of_a_history_that_is_written_holds_all_of_it(
    bench: Bench, path: Path, tmp_path: Path
) -> None:
    """What lies in the write-ahead log too, and the diagnostics beside it."""
    made = make(path, tmp_path / "b.db", MARK)

    found = examine(tmp_path / "b.db")
    assert bench.history.degraded == ()
    assert found == made
    assert (found.mark, found.boards, found.flags, found.audit, found.diagnostics) == (
        MARK, 4, 1, 1, 1,
    )  # fmt: skip


def test_a_backup_is_for_its_owner_alone(backup: Path) -> None:
    """It has the serial numbers and the audit log."""
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_one_file_with_nothing_beside_it(backup: Path) -> None:
    """It is carried elsewhere alone."""
    assert [path.name for path in backup.parent.glob("*node-17*")] == [backup.name]


def test_a_backup_that_was_copied_into_its_place_can_be_backed_up_again(
    backup: Path, tmp_path: Path
) -> None:
    """Somebody copied it instead of restoring it: its mark is no part of what is remembered."""
    history = tmp_path / "elsewhere" / "history.db"
    history.parent.mkdir()
    history.write_bytes(backup.read_bytes())
    later = replace(MARK, made_at=START + 60.0)

    made = make(history, tmp_path / "again.db", later)

    assert (made.mark, made.flags, made.diagnostics) == (later, 1, 0)
    assert examine(tmp_path / "again.db") == made


def test_what_a_killed_maker_left_is_taken_away_by_the_next(backup: Path, path: Path) -> None:
    """A file of its kind whose lock nobody holds."""
    left = backup.with_name(f".{backup.name}.abc.making")
    left.write_bytes(b"half")

    make(path, backup, MARK)

    assert not left.exists()


def test_what_another_maker_is_still_at_is_left_to_it(backup: Path, path: Path) -> None:
    """The nightly backup and one by hand go into one folder."""
    left = backup.with_name(f".{backup.name}.abc.making")

    with left.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        make(path, backup, MARK)

    assert left.exists()


def test_a_full_disk_leaves_the_old_backup_and_nothing_else(
    bench: Bench, path: Path, tmp_path: Path
) -> None:
    """And says what to do."""
    assert bench.history.degraded == ()
    with small_disk(tmp_path / "disk") as disk:
        target = disk / "b.db"
        target.write_bytes(b"old")
        filler = fill(disk)

        with pytest.raises(BackupError, match=r"no space is left.*use another disk"):
            make(path, target, MARK)

        assert sorted(disk.iterdir()) == [target, filler]
        assert target.read_bytes() == b"old"


def test_a_server_without_locks_keeps_a_backup_all_the_same(
    bench: Bench, path: Path, tmp_path: Path
) -> None:
    """NFS without its lock daemon; what a killed maker left stays there then."""
    target = tmp_path / "node-17.db"
    (tmp_path / ".node-17.db.left.making").write_bytes(b"half")

    with patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available")):
        made = make(path, target, MARK)

    assert bench.history.path == path
    assert made.boards == 4
    assert sorted(found.name for found in tmp_path.glob("*node-17*")) == [
        ".node-17.db.left.making",
        "node-17.db",
    ]


def test_a_folder_that_is_not_there_is_named(bench: Bench, path: Path, tmp_path: Path) -> None:
    """It is not made: the name may be wrong."""
    assert bench.history.degraded == ()
    with pytest.raises(BackupError, match=r"gone/b\.db: No such file.*is the folder there"):
        make(path, tmp_path / "gone" / "b.db", MARK)


def test_a_history_that_is_not_there_cannot_be_backed_up(tmp_path: Path) -> None:
    """An empty backup would be worse than none."""
    with pytest.raises(BackupError, match="does not exist"):
        make(tmp_path / "history.db", tmp_path / "b.db", MARK)


def test_what_is_restored_is_what_was_backed_up(backup: Path, tmp_path: Path) -> None:
    """Boards, incidents, flags, audit and diagnostics; and who restored it is in the audit log."""
    history = tmp_path / "new" / "history.db"

    done = _restore(backup, history)

    with closing(Reader.open(history)) as reader:
        assert len(reader.records()) == 4
        assert [flag.board for flag in reader.flags()] == [board_key(0)]
    assert done.aside is None
    assert _told(history)[-1] == (ACTOR, "restore")
    assert (history.parent / "diagnostics" / DIAGNOSTIC).read_bytes() == OUTPUT
    assert sorted(found.name for found in history.parent.iterdir()) == ["diagnostics", "history.db"]


def test_the_history_before_it_is_kept_whole_under_a_dated_name(backup: Path, path: Path) -> None:
    """With what only its write-ahead log had, and it can be put back the same way."""
    (path.parent / "history.db.copy").write_bytes(b"the copy of the old one")
    bench = Bench.open(path, boards=5)
    bench.history.close()

    done = _restore(backup, path)

    assert done.aside == path.with_name("history.db.before-restore-20260101T000000Z")
    assert examine(done.aside).boards == 5
    assert not (path.parent / "history.db.copy").exists()
    assert _restore(done.aside, path).backup.boards == 5


@pytest.mark.skipif(os.geteuid() != 0, reason="missing: root (only root restores for another user)")
def test_what_root_restores_belongs_to_the_agents_user(backup: Path, tmp_path: Path) -> None:
    """As the folder does: the agent could not write it otherwise."""
    history = tmp_path / "new" / "history.db"
    history.parent.mkdir()
    os.chown(history.parent, 9_853, 9_854)

    _restore(backup, history)

    owned = (history, history.parent / "diagnostics", history.parent / "diagnostics" / DIAGNOSTIC)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in owned} == {(9_853, 9_854)}
    assert history.stat().st_mode & 0o777 == 0o640


def test_a_link_has_root_put_nothing_elsewhere(backup: Path, tmp_path: Path) -> None:
    """Where it led to, its owner could run it: a folder of jobs, for instance."""
    history, jobs = tmp_path / "new" / "history.db", tmp_path / "jobs"
    history.parent.mkdir()
    jobs.mkdir()
    (history.parent / "diagnostics").symlink_to(jobs)

    with pytest.raises(BackupError, match="diagnostics is no folder"):
        _restore(backup, history)

    assert list(jobs.iterdir()) == []
    assert [found.name for found in history.parent.iterdir()] == ["diagnostics"]


def test_a_history_that_is_a_link_is_not_followed(backup: Path, tmp_path: Path) -> None:
    """What it leads to would be copied, or opened, by root."""
    history, other = tmp_path / "new" / "history.db", tmp_path / "other"
    history.parent.mkdir()
    other.write_bytes(b"somebody else's")
    history.symlink_to(other)

    with pytest.raises(BackupError, match="is a link"):
        _restore(backup, history)

    assert history.is_symlink()
    assert other.read_bytes() == b"somebody else's"


class Exchanging(HandClock):
    """While somebody looks at this clock, the folder in which is restored becomes another."""

    def __init__(self, stage: Path, victim: Path) -> None:
        super().__init__()
        self._stage, self._victim = stage, victim

    def now(self) -> Moment:
        """The time, after the exchange, which happens once."""
        with suppress(OSError):
            self._stage.rename(self._stage.with_name("taken-away"))
            self._stage.mkdir()
            (self._stage / "history.db").symlink_to(self._victim)
        return super().now()


def test_names_that_are_exchanged_while_root_restores_give_nothing_away(
    backup: Path, tmp_path: Path
) -> None:
    """The agent's user owns the folder; what root owns keeps its rights."""
    history, victim = tmp_path / "new" / "history.db", tmp_path / "roots-own"
    victim.touch(mode=0o600)

    with pytest.raises(BackupError):
        _restore(backup, history, Exchanging(history.parent / STAGE, victim))

    assert victim.stat().st_mode & 0o777 == 0o600
    assert not history.exists()


def test_a_crashed_writer_leaves_nothing_that_gets_into_the_restored_history(
    backup: Path, path: Path, tmp_path: Path
) -> None:
    """Its write-ahead log, beside the new file, would be taken for the new file's own."""
    crashed = tmp_path / "crashed"
    bench = Bench.open(path, boards=6)
    crashed.mkdir()
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        (crashed / source.name).write_bytes(source.read_bytes())
    bench.history.close()

    done = _restore(backup, crashed / "history.db")

    assert done.aside is not None
    assert examine(done.aside).boards == 6
    assert examine(crashed / "history.db").boards == 4


def test_nothing_is_restored_while_an_agent_runs(backup: Path, bench: Bench, path: Path) -> None:
    """It would go on writing what is aside."""
    again = bench.reopened(path)

    with pytest.raises(SecondWriterError, match="another gpuwatch writes"):
        _restore(backup, path)

    assert again.history.degraded == ()
    again.history.close()


def test_an_older_backup_is_migrated_and_is_itself_left_as_it_was(
    backup: Path, tmp_path: Path
) -> None:
    """A copy of it is."""
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("drop table backup")
        connection.execute("drop table rule_sets")
        connection.execute("drop table rule_starts")
        connection.execute("delete from migrations where name like '%-rule-sets'")
        connection.commit()
    before = backup.read_bytes()

    done = _restore(backup, tmp_path / "new" / "history.db")

    assert [name.partition("-")[2] for name in done.backup.missing] == ["rule-sets"]
    assert examine(tmp_path / "new" / "history.db").missing == ()
    assert backup.read_bytes() == before


def test_a_newer_backup_is_refused_with_the_way_out(backup: Path, tmp_path: Path) -> None:
    """Nothing is changed by trying."""
    history = tmp_path / "new" / "history.db"
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("drop table backup")
        connection.execute("insert into migrations values ('0999-of-tomorrow')")
        connection.commit()

    with pytest.raises(BackupError, match=r"0999-of-tomorrow \(install that version or a newer"):
        _restore(backup, history)

    assert list(history.parent.iterdir()) == []


def _cut(backup: Path) -> None:
    os.truncate(backup, backup.stat().st_size // 2)


def _overwrite(backup: Path) -> None:
    with backup.open("r+b") as file:
        file.seek(backup.stat().st_size // 2)
        file.write(b"\xa5" * 8192)


def _change_a_value(backup: Path) -> None:
    """As a bit that flips in a value does: SQLite does not see it."""
    content = backup.read_bytes()
    backup.write_bytes(content.replace(b"a trend", b"a treat"))


def _empty(backup: Path) -> None:
    backup.write_bytes(b"")


def _text(backup: Path) -> None:
    backup.write_text("no database at all, but rather long" * 100)


def _other_database(backup: Path) -> None:
    backup.unlink()
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("create table migrations (name text)")


def _later_format(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("update backup set value = 'gpuwatch-backup/2' where key = 'format'")
        connection.commit()


def _rubbish_mark(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("update backup set value = 'yesterday' where key = 'made_at'")
        connection.commit()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "is no backup of gpuwatch, or is damaged"),
        (_overwrite, "is no backup of gpuwatch, or is damaged"),
        (_change_a_value, "is not as it was written"),
        (_empty, "is no backup of gpuwatch"),
        (_text, "is no backup of gpuwatch, or is damaged"),
        (_other_database, "is no backup of gpuwatch"),
        (_later_format, "has the format gpuwatch-backup/2"),
        (_rubbish_mark, "is not as it was written"),
        (Path.unlink, "is no file"),
    ],
)
def test_what_is_no_whole_backup_is_refused_and_nothing_changed(
    bench: Bench, backup: Path, path: Path, damage: Callable[[Path], None], said: str
) -> None:
    """By the restore and by the check before it."""
    damage(backup)
    before = path.read_bytes()

    with pytest.raises(BackupError, match=said):
        _restore(backup, path)
    with pytest.raises(BackupError, match=said):
        examine(backup)

    assert path.read_bytes() == before
    assert bench.history.path == path
    assert sorted(found.name for found in path.parent.iterdir()) == ["diagnostics", "history.db"]


def test_a_disk_that_is_full_leaves_the_history_as_it_was(backup: Path, tmp_path: Path) -> None:
    """The restore says what to do."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "history.db"
        Bench.open(path, boards=2).history.close()
        filler = fill(disk)

        with pytest.raises(BackupError, match="no space is left"):
            _restore(backup, path)

        filler.unlink()
        assert examine(path).boards == 2
        assert not (disk / STAGE).exists()


def test_a_history_restored_on_replaced_hardware_remembers_and_blames_nobody(
    backup: Path, tmp_path: Path
) -> None:
    """All boards are others: the old ones have left with their platform."""
    bench = _elsewhere(backup, tmp_path / "new")

    said = bench.history.take_inventory(
        tuple(device(number, number - 10) for number in range(10, 14)), bench.clock.now()
    )

    old = bench.history.records()[board_key(0)]
    new = bench.history.record(board_key(10))
    bench.history.close()
    assert EventKind.PLATFORM_CHANGED in {event.kind for event in said}
    assert (old.state, old.departure) == (BoardState.LEFT, Departure.REPLACED)
    assert len(old.incidents) == 1
    assert new is not None
    assert (new.incidents, sum(new.errors.values())) == ((), 0)


def test_a_flagged_board_in_another_host_is_still_flagged(backup: Path, tmp_path: Path) -> None:
    """It goes by its serial number, in whatever slot of whatever host."""
    bench = _elsewhere(backup, tmp_path / "new")

    bench.history.take_inventory(
        (device(0, 5), *(device(number, number - 10) for number in range(10, 14))),
        bench.clock.now(),
    )

    board = bench.history.record(board_key(0))
    flag = bench.history.flags()[0]
    bench.history.close()
    assert board is not None
    assert (board.state, flag.board, flag.is_open) == (BoardState.PRESENT, board_key(0), True)
    assert len(board.incidents) == 1


def test_errors_since_the_backup_are_seen_again_in_the_boards_own_counters(
    backup: Path, tmp_path: Path
) -> None:
    """What the hardware counts for itself is not lost with the days between."""
    bench = _elsewhere(backup, tmp_path / "new", boot_id="boot-2")
    bench.history.take_inventory(tuple(map(device, range(4))), bench.clock.now())
    bench.boards = {0: Bench.open(tmp_path / "hardware.db").boards[0]}
    bench.boards[0].fail("dram", 3)

    bench.sweep(0, slow=True)

    board = bench.history.record(board_key(0))
    bench.history.close()
    assert board is not None
    assert sum(board.errors.values()) == 3


def test_every_migration_that_there_was_can_be_restored_from(backup: Path) -> None:
    """A backup of today lacks none."""
    assert examine(backup).missing == ()
    assert MIGRATIONS[0].name.startswith("0001-")
