"""A year of ordinary life pages nobody: what happens to every fleet is no reason to wake people."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.driven import MEMORY_DISK
from tests.support.ordinary import OrdinaryHost

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
HOSTS = 100 if SOAK else 10
DAYS = 365 if SOAK else 60
SHARE = 20 if SOAK else 5  # hosts in a test: each has a deadline of its own
WITH_ERRORS = 3  # hosts of which a board has an uncorrectable error


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The agent's log lines are not what these tests look at."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory: a year of commits is not what a disk is tested with."""
    with tempfile.TemporaryDirectory(prefix="gpuwatch-year-", dir=MEMORY_DISK) as name:
        yield Path(name)


def _live(folder: Path, numbers: range, days: int) -> list[OrdinaryHost]:
    """Hosts that lived for so many days, one after the other."""
    hosts = []
    for number in numbers:
        own = folder / str(number)
        own.mkdir()
        has_error = number < WITH_ERRORS
        host = OrdinaryHost(own, number, days, errors=int(has_error), floods=number % 3)
        host.live()
        hosts.append(host)
    return hosts


@pytest.mark.xdist_group("ordinary year")  # computes: one core for all of its shares
@pytest.mark.timeout(2900 if SOAK else 300)
@pytest.mark.parametrize("first", range(0, HOSTS, SHARE))
def test_ordinary_life_pages_nobody(folder: Path, first: int) -> None:
    """Nobody is paged, no board is flagged, and verdicts change no more often than told."""
    hosts = _live(folder, range(first, first + SHARE), DAYS)

    assert [host.pages for host in hosts if host.pages] == []
    assert [host.flags for host in hosts if host.flags] == []
    assert [
        (host.transitions, host.told_transitions)
        for host in hosts
        if host.transitions > host.told_transitions
    ] == []


def test_ordinary_life_has_what_it_tells_of(folder: Path) -> None:
    """The hot hall, the crashed jobs, corrected errors and the error were seen, and said."""
    (host,) = _live(folder, range(2, 3), 60)

    assert {
        "cooling",
        "application-xid",
        "many-correctable-errors",
        "correctable-errors",
        "recent-uncorrectable-error",
        "row-remap-pending",
        "rma-signals-unreadable",
    } <= host.findings.keys()


def test_what_breaks_in_an_ordinary_life_pages(folder: Path) -> None:
    """A row that cannot be remapped: the same watch sees that somebody is paged."""
    (host,) = _live(folder, range(3, 4), 20)

    host.parts[5].tell("gpuwatch_gpu_row_remap_failed", 1)
    host.pulse(20.0)

    assert {finding.code for finding in host.pages} == {"row-remap-failed"}
    assert [flag.code for flag in host.flags] == ["row-remap-failed"]
