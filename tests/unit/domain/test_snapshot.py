"""A snapshot holds the host at one instant; what nobody knows yet is unknown, not healthy."""

from gpuwatch.domain.devices import Board, BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.domain.verdicts import Verdict


def test_a_snapshot_of_nothing_is_unknown() -> None:
    """Before the first sweep no verdict is claimed."""
    at = Moment(wall=1.0, boottime=1.0, boot_id="boot")

    snapshot = Snapshot(version=1, at=at, started_at=1.0, hostname="gpu-17")

    assert snapshot.host_verdict is Verdict.UNKNOWN
    assert snapshot.clock_synchronized is None


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
