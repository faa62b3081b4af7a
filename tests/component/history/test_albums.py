"""Albums: what is drawn of a board is read beside the agent that writes, and harms nothing."""

from pathlib import Path

import pytest

from gpuwatch.domain.albums import Album
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.records import Transition
from gpuwatch.history import HistoryError
from gpuwatch.history.albums import read_album
from tests.support.histories import Bench, board_key

POWER = "gpuwatch_gpu_power_watts"
ERRORS = "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history is."""
    return tmp_path / "history.db"


def _album(path: Path, board: BoardKey | None = None, since: float = 0.0) -> Album:
    return read_album(
        path, board or board_key(0), since, levels=(POWER, "no_such_key"), counters=(ERRORS,)
    )


def test_an_album_holds_the_buckets_that_are_in_the_file(path: Path) -> None:
    """In order, in base units, while the writer goes on; the bucket at hand is not there yet."""
    bench = Bench.open(path)
    for watts in (100_000, 300_000, 200_000):
        bench.sweep(instead={6: watts}, after=301.0)
    bench.history.tick(bench.clock.now())

    album = _album(path)

    assert [spread.mean for _, spread in album.levels[POWER]] == [100.0, 300.0]
    assert album.levels["no_such_key"] == ()


def test_an_album_begins_where_it_is_told_to(path: Path) -> None:
    """What is older is left out."""
    bench = Bench.open(path)
    for watts in (100_000, 300_000, 200_000):
        bench.sweep(instead={6: watts}, after=301.0)
    bench.history.tick(bench.clock.now())

    album = _album(path, since=bench.clock.wall - 400.0)

    assert [spread.mean for _, spread in album.levels[POWER]] == [300.0]


def test_a_search_ends_at_what_is_far_too_old(path: Path) -> None:
    """Six hours of a fortnight cost what six hours cost."""
    bench = Bench.open(path)
    for seconds in (301.0, 200_000.0, 301.0):
        bench.sweep(instead={6: 100_000}, after=seconds)
    bench.history.close()

    album = _album(path, since=bench.clock.wall - 400.0)

    assert len(album.levels[POWER]) == 2


def test_an_album_holds_changes_from_before_it_begins(path: Path) -> None:
    """A counter has had its value since whenever it was reached."""
    bench = Bench.open(path)
    bench.sweep()
    began = bench.clock.wall
    bench.boards[0].fail()
    bench.sweep()

    album = _album(path, since=bench.clock.wall)

    assert [one.at for one in album.transitions] == [began, bench.clock.wall]
    assert isinstance(album.transitions[0], Transition)
    assert album.levels[POWER] == ()


def test_an_album_holds_resets_and_drivers(path: Path) -> None:
    """Those of the board, and those of its host."""
    bench = Bench.open(path, boards=2)
    bench.sweep()
    bench.event(None, kind=EventKind.RESET)

    album, other = _album(path), _album(path, board_key(1))

    assert [version for _, version in album.epochs] == ["580.95.05"]
    assert album.resets == (bench.clock.wall,)
    assert other.resets == ()


def test_an_album_of_an_unknown_board_is_empty(path: Path) -> None:
    """As before its first reading was written."""
    bench = Bench.open(path)
    bench.sweep()

    album = _album(path, BoardKey("", "GPU-of-nobody"))

    assert album.levels == {POWER: (), "no_such_key": ()}
    assert album.transitions == ()


def test_a_file_that_cannot_be_read_is_said_to_be_one(path: Path) -> None:
    """With its path, and why."""
    path.write_bytes(b"no database" * 1_000)

    with pytest.raises(HistoryError, match=r"cannot read .*history\.db"):
        _album(path)
