"""Figures: drawn once for many, never on the thread that asks, and whatever a disk does."""

from threading import Event

import pytest

from gpuwatch.domain.albums import Album
from gpuwatch.domain.devices import BoardKey
from gpuwatch.exposition import figures as module
from gpuwatch.exposition.figures import AlbumError, Figures
from gpuwatch.exposition.gpu_plots import SPANS, Span
from gpuwatch.exposition.markup import Markup
from tests.support.snapshots import rich_snapshot

_PATIENCE_SECONDS = 30.0
_SNAPSHOT = rich_snapshot()
_GPU = _SNAPSHOT.gpus[0]
_DAY = SPANS["24h"]
_AT_ONCE_OLD = Span("24h", "24 hours", 86_400.0, 0.0)


class _Disk:
    """Albums from a disk that may hang, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.well = Event()
        self.well.set()
        self.error: Exception | None = None

    def read(self, _board: BoardKey, since: float) -> Album:
        self.asked.append(since)
        self.well.wait(_PATIENCE_SECONDS)
        if self.error is not None:
            raise self.error
        return Album()


@pytest.fixture
def disk() -> _Disk:
    """A disk that is well."""
    return _Disk()


@pytest.fixture
def reported() -> list[str]:
    """What was told to the log."""
    return []


@pytest.fixture
def figures(disk: _Disk, reported: list[str]) -> Figures:
    """Figures from the disk."""
    return Figures(disk.read, lambda what, _error: reported.append(what))


def _drawn(figures: Figures, span: Span = _DAY) -> Markup | None:
    ready = figures.ask(_SNAPSHOT, _GPU, span)
    if ready is not None:
        ready.result(_PATIENCE_SECONDS)
    return figures.get(_GPU, span)


def test_a_figure_is_drawn_of_the_time_that_was_asked(figures: Figures, disk: _Disk) -> None:
    """And is there once it is said to be."""
    drawn = _drawn(figures)

    assert drawn is not None
    assert drawn.startswith("<figure>")
    assert disk.asked == [_SNAPSHOT.at.wall - 86_400.0]


def test_a_figure_is_kept_for_its_time(figures: Figures, disk: _Disk) -> None:
    """Who asks again gets the same, and the disk rests."""
    first = _drawn(figures)

    assert figures.ask(_SNAPSHOT, _GPU, _DAY) is None
    assert figures.get(_GPU, _DAY) is first
    assert len(disk.asked) == 1


def test_a_figure_that_is_old_is_drawn_again(figures: Figures, disk: _Disk) -> None:
    """Each time that somebody asks."""
    _drawn(figures, _AT_ONCE_OLD)
    _drawn(figures, _AT_ONCE_OLD)

    assert len(disk.asked) == 2


def test_many_who_ask_wait_for_one_figure(figures: Figures, disk: _Disk) -> None:
    """A disk that hangs is asked once, and nobody who asks hangs with it."""
    disk.well.clear()

    waiting = [figures.ask(_SNAPSHOT, _GPU, _DAY) for _ in range(100)]

    assert len(set(waiting)) == 1
    assert figures.get(_GPU, _DAY) is None
    disk.well.set()
    assert _drawn(figures) is not None
    assert len(disk.asked) == 1


def test_a_history_that_cannot_be_read_is_said_to_be_one(
    figures: Figures, disk: _Disk, reported: list[str]
) -> None:
    """On the page; the log has it from the history itself."""
    disk.error = AlbumError("history: cannot read history.db: disk I/O error")

    drawn = _drawn(figures)

    assert drawn is not None
    assert "No plots: history: cannot read history.db: disk I/O error." in drawn
    assert reported == []


def test_a_fault_of_ours_is_reported_and_ends_nothing(
    figures: Figures, disk: _Disk, reported: list[str]
) -> None:
    """The next figure is drawn as ever."""
    disk.error = ZeroDivisionError()
    failed = _drawn(figures, _AT_ONCE_OLD)
    disk.error = None

    drawn = _drawn(figures, _AT_ONCE_OLD)

    assert failed is not None
    assert "drawing them failed" in failed
    assert reported == [f"the plots of {_GPU.record.key}"]
    assert drawn is not None
    assert drawn.startswith("<figure>")


def test_figures_that_nobody_looks_at_are_forgotten(
    figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred pages of one evening are not held for years."""
    _drawn(figures)
    monkeypatch.setattr(module, "_FORGOTTEN_SECONDS", 0.0)

    _drawn(figures, SPANS["6h"])

    assert figures.get(_GPU, _DAY) is None
    assert figures.get(_GPU, SPANS["6h"]) is not None


def test_no_thread_runs_before_somebody_looks(disk: _Disk) -> None:
    """An agent whose pages nobody reads pays nothing for them."""
    assert Figures(disk.read, lambda _what, _error: None)._thread is None
