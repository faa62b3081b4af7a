"""A history of years, as any release left it, is taken over whole by this one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.records import BoardRecord
from gpuwatch.history import History, HistorySettings, Reader
from gpuwatch.history.migrations import MIGRATIONS
from tests.support.driven import DrivenHost, Part
from tests.support.histories import DAY, HandClock
from tests.support.old_schemas import DAYS, as_of, columns_of, dump
from tests.support.operators import act

RELEASES = range(1, len(MIGRATIONS))
FLAGS_SINCE = 2  # before that release there were none


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of this release: incidents, a dismissed flag, one being verified, a fall."""
    folder = tmp_path_factory.mktemp("current")
    host = DrivenHost(folder)
    host.slots = {number: Part(number) for number in range(3)}
    host.start()
    host.pulse()
    _two_incidents(host)
    act(host, host.agent.history.flags()[0], "dismiss")
    _fail_for_good(host.slots[1])
    host.log_line(2, 79)
    host.deliver_log()
    host.pulse()
    host.stop()
    host.reboot()
    host.slots[1] = Part(7)
    host.start()
    host.pulse()
    host.stop()
    return folder / "history.db"


def _two_incidents(host: DrivenHost) -> None:
    for _ in range(2):
        host.pulse(5 * DAY)
        host.pulse(5 * DAY)
        part = host.slots[0]
        assert part is not None
        part.fail("dram", 1)
        host.log_line(0, 48)
        host.deliver_log()
        host.pulse()


def _fail_for_good(part: Part | None) -> None:
    assert part is not None
    part.failed = 1


def _kept(record: BoardRecord) -> tuple[object, ...]:
    """What every release remembered of a board."""
    return (
        record.board,
        record.slot,
        record.state,
        record.incidents,
        record.errors,
        record.prior,
        record.exposure_seconds,
        record.off_bus_at,
        record.held,
        record.first_seen,
        record.last_seen,
    )


def _told(flags: tuple[Flag, ...]) -> list[tuple[object, ...]]:
    return [(one.number, one.board, one.code, one.state, one.evidence_at) for one in flags]


def _records(history: Reader) -> dict[BoardKey, tuple[object, ...]]:
    return {key: _kept(record) for key, record in history.records().items()}


def _open(path: Path) -> History:
    return History.open(path, HandClock(boot_id="boot-after"), HistorySettings())


@pytest.mark.parametrize("released", RELEASES)
def test_an_upgrade_loses_no_row_and_nothing_that_was_remembered(
    current: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: int
) -> None:
    """Of every table that the older release had; also once what is too old was thinned out."""
    old = tmp_path / "history.db"
    as_of(current, old, released, monkeypatch)
    with closing(sqlite3.connect(old)) as connection:
        columns = columns_of(connection)
    before = dump(old, columns)

    history = _open(old)
    degraded = history.degraded
    after = dump(old, columns)
    history._retention.run()
    history.close()

    assert degraded == ()
    assert len(before["changes"]) > DAYS
    assert [table for table, rows in before.items() if rows - after[table]] == []
    with closing(Reader.open(current)) as known, closing(Reader.open(old)) as upgraded:
        assert _records(upgraded) == _records(known)
        assert _told(upgraded.flags()) == _told(known.flags()) * (released >= FLAGS_SINCE)
        assert upgraded.rule_set() is not None
