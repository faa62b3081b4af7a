"""Plots over the web: drawn beside the thread that answers, whatever the disk does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from gpuwatch.domain.albums import Album
from gpuwatch.domain.devices import BoardKey
from gpuwatch.exposition import site as module
from gpuwatch.exposition.figures import Figures
from tests.support.nights import album
from tests.support.snapshots import uuid_of
from tests.support.web import PATIENCE_SECONDS, Running, serving, site

PAGE = f"/gpu/{uuid_of(2)}"
DAY = b"GPU 2 in the last 24 hours. From"
NOT_YET = b"No plots yet: the history is slow to answer."


class Disk:
    """Albums from a disk that may hang."""

    def __init__(self) -> None:
        self.well = Event()
        self.well.set()
        self.asked = 0

    def read(self, board: BoardKey, since: float) -> Album:
        """The album of a busy fortnight, once the disk is well."""
        self.asked += 1
        self.well.wait(PATIENCE_SECONDS)
        return album(board, since)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """A disk that is well, and that is well again after the test."""
    disk = Disk()
    yield disk
    disk.well.set()


@pytest.fixture
def running(disk: Disk) -> Iterator[Running]:
    """The site of the rich snapshot, with plots."""
    with serving(site(figures=Figures(disk.read, lambda _what, _error: None))) as server:
        yield server


def test_the_page_of_a_gpu_has_its_plots(running: Running) -> None:
    """On the first request already, for the span that was asked."""
    _, day = running.ask(PAGE)
    _, fortnight = running.ask(f"{PAGE}?span=14d")

    assert DAY in day
    assert b"GPU 2 in the last 14 days. From" in fortnight


def test_a_page_that_is_asked_again_costs_the_disk_nothing(running: Running, disk: Disk) -> None:
    """A client that asks without pause makes nothing be read without pause."""
    for _ in range(5):
        running.ask(PAGE)

    assert disk.asked == 1


def test_a_span_that_there_is_not_is_refused(running: Running, disk: Disk) -> None:
    """In a sentence that says which there are; nothing is read for it."""
    response, body = running.ask(f"{PAGE}?span=99y")

    assert (response.status, body) == (400, b"span is one of 6h, 24h, 14d\n")
    assert disk.asked == 0


def test_a_disk_that_hangs_leaves_the_page_without_plots(
    running: Running, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else on it is from memory; it says that plots are late."""
    monkeypatch.setattr(module, "FIGURE_SECONDS", 0.2)
    disk.well.clear()

    response, body = running.ask(PAGE)

    assert response.status == 200
    assert NOT_YET in body
    assert b"Distance to NVIDIA" in body


def test_nobody_waits_for_a_disk_that_hangs_but_who_looks_at_plots(
    running: Running, disk: Disk
) -> None:
    """Scrapes from the same address are answered meanwhile."""
    disk.well.clear()
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(running.ask, PAGE)

        scrapes = [running.ask("/metrics")[0].status for _ in range(3)]
        waits = not looking.done()
        disk.well.set()
        _, page = looking.result(PATIENCE_SECONDS)

    assert scrapes == [200, 200, 200]
    assert waits
    assert DAY in page


def test_an_answer_that_fails_late_is_a_500_and_is_reported(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any other."""

    def fail(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "gpu_page", fail)
    with serving(site(figures=Figures(disk.read, lambda _what, _error: None))) as running:
        response, _ = running.ask(PAGE)

    assert response.status == 500
    assert [path for path, _ in running.reported] == [PAGE]


def test_a_server_stops_while_somebody_waits_for_plots(disk: Disk) -> None:
    """Nobody who looks keeps an agent from ending."""
    disk.well.clear()
    with (
        serving(site(figures=Figures(disk.read, lambda _what, _error: None))) as running,
        running.connect() as client,
    ):
        client.sendall(f"GET {PAGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        running.ask("/healthz")

        running.server.stop(PATIENCE_SECONDS)

        assert not running.server.alive


def test_a_flag_has_a_page(running: Running) -> None:
    """By its number; what is no number of a flag is not found."""
    found, page = running.ask("/flag/14")
    missing, sentence = running.ask("/flag/0")

    assert found.status == 200
    assert b"<h2>What happened to it</h2>" in page
    assert (missing.status, sentence) == (
        404,
        b"no flag of this host has that number; /flags lists them\n",
    )
