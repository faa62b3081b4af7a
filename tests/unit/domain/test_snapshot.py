"""A snapshot holds the host at one instant; what nobody knows yet is unknown, not healthy."""

from datetime import UTC, datetime, timedelta

from gpuwatch.domain.devices import Board, BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.snapshot import BACKUP_OLD_SECONDS, BackupState, Snapshot
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.domain.windows import Outlook, Window


def test_a_snapshot_of_nothing_is_unknown() -> None:
    """Before the first sweep no verdict is claimed."""
    at = Moment(wall=1.0, boottime=1.0, boot_id="boot")

    snapshot = Snapshot(version=1, at=at, started_at=1.0, hostname="gpu-17")

    assert snapshot.host_verdict is Verdict.UNKNOWN
    assert snapshot.clock_synchronized is None


def test_a_snapshot_has_the_windows_of_its_outlook() -> None:
    """Those that boards may be swapped in."""
    at = Moment(wall=1.0, boottime=1.0, boot_id="boot")
    start = datetime(2026, 3, 22, 2, tzinfo=UTC)
    window = Window(start, start + timedelta(hours=4), "sunday")

    snapshot = Snapshot(
        version=1, at=at, started_at=1.0, hostname="gpu-17", outlook=Outlook(windows=(window,))
    )

    assert snapshot.windows == (window,)


def test_a_record_is_keyed_by_its_board() -> None:
    """Not by its slot or index, which move."""
    key = BoardKey("1650923", "GPU-a")

    record = BoardRecord(
        board=Board(key=key),
        slot=None,
        index=4,
        state=BoardState.PRESENT,
        first_seen=1.0,
        last_seen=2.0,
        exposure_seconds=1.0,
    )

    assert record.key == key


def test_a_backup_is_old_after_a_night_was_missed() -> None:
    """Where none is known it counts from the agent's start: a folder that hangs tells nothing."""
    made, none = BackupState(1000.0), BackupState()

    assert not made.is_old(1000.0 + BACKUP_OLD_SECONDS, 0.0)
    assert made.is_old(1001.0 + BACKUP_OLD_SECONDS, 0.0)
    assert not none.is_old(5.0 + BACKUP_OLD_SECONDS, 5.0)
    assert none.is_old(6.0 + BACKUP_OLD_SECONDS, 5.0)


def test_nobody_knows_how_backups_do_before_the_folder_was_looked_at() -> None:
    """One that was made or that failed is known."""
    assert not BackupState().is_known
    assert BackupState(1000.0).is_known
    assert BackupState(problem="no space", failing_since=5.0).is_known
