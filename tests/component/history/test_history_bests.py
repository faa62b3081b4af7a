"""What a board's links reached at best outlives restarts, and begins anew in another slot."""

from pathlib import Path

import pytest

from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.signals import Role
from tests.support.histories import FAST_CADENCE, Bench, board_key, device, row

LINKS = row("nvlink_active_links", Role.CAPABILITY)
FAILED = Gap(GapReason.FAILED, 999)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history is."""
    return tmp_path / "history.db"


def _read(bench: Bench, *values: Value | Gap) -> None:
    for value in values:
        bench.history.take_sweep(
            Sweep(
                board=board_key(0),
                at=bench.clock.pass_seconds(60.0),
                cadences=FAST_CADENCE,
                signals=(LINKS,),
                values=(value,),
            )
        )


def _bests(bench: Bench) -> dict[str, float]:
    return dict(bench.history.records()[board_key(0)].bests)


def test_the_best_outlives_changes_and_a_restart(path: Path) -> None:
    """Links that fell within the hour are known to have been up, also by the next agent."""
    bench = Bench.open(path)
    _read(bench, 18, 17, FAILED, 16)

    before, after = _bests(bench), _bests(bench.reopened_after_close())

    assert (before, after) == ({LINKS.key: 18}, {LINKS.key: 18})


def test_the_best_rises(path: Path) -> None:
    """A link that came up late counts from then on."""
    bench = Bench.open(path)
    _read(bench, 17, 18, 17)

    assert _bests(bench) == {LINKS.key: 18}


def test_a_board_in_another_slot_begins_anew(path: Path) -> None:
    """The slot may be wired otherwise: nothing is expected of it until it was read there."""
    bench = Bench.open(path)
    _read(bench, 18)
    bench.history.take_inventory((device(0, slot=5),), bench.clock.now())

    moved = _bests(bench)
    _read(bench, 12)
    read = _bests(bench)

    assert (moved, read) == ({}, {LINKS.key: 12})


def test_the_best_survives_a_file_that_is_written_anew(path: Path) -> None:
    """What memory knows goes into the new file when the old one is gone."""
    bench = Bench.open(path)
    _read(bench, 18, 17)
    bench.history.tick(bench.clock.pass_seconds(60.0))
    path.unlink()
    for _ in range(3):
        bench.history.tick(bench.clock.pass_seconds(600.0))
        bench.sweep()

    assert _bests(bench.reopened_after_close()) == {LINKS.key: 18}
