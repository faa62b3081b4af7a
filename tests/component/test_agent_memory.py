"""The agent's memory on a real history: what sources deliver is charged to the right board."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.agent.remember import Memory
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.records import BoardRecord
from gpuwatch.history import History, HistorySettings
from gpuwatch.sources.base import DriverCondition, DriverState, Inventory, LogPosition
from tests.support.histories import HandClock, board_key, device

READY = DriverState(condition=DriverCondition.READY, driver_version="580.95.05", driver_load="7")


@pytest.fixture
def clock() -> HandClock:
    """A clock that is set by hand."""
    return HandClock()


@pytest.fixture
def history(tmp_path: Path, clock: HandClock) -> Iterator[History]:
    """A history that knows board 0 in slot 0, from an earlier boot."""
    opened = History.open(tmp_path / "history.db", clock, HistorySettings(retry_seconds=0.0))
    earlier = Memory(opened, kernel_log_readable=lambda: True)
    earlier.take(READY, clock.now())
    earlier.take(Inventory(devices=(device(0),)), clock.now())
    clock.pass_seconds(100)
    clock.boot("boot-2")
    yield opened
    opened.close()


def _xid(clock: HandClock, code: int = 48) -> Event:
    now = clock.now()
    return Event(
        kind=EventKind.XID,
        at=now.wall,
        source=EventSource.KERNEL_LOG,
        identity=f"{now.boot_id}/{code}/{now.boottime}",
        boot_id=now.boot_id,
        pci_address="0000:01:00.0",
        code=code,
        boottime=now.boottime,
    )


def _position(clock: HandClock) -> LogPosition:
    return LogPosition(boot_id=clock.boot_id, sequence=9, usec=1, booted_at=clock.wall - 10)


def _record(history: History, number: int) -> BoardRecord:
    return history.records()[board_key(number)]


def test_a_report_of_this_boot_waits_for_the_count_of_its_boards(
    history: History, clock: HandClock
) -> None:
    """The boards were exchanged while the host was off: the slot's old board is not charged."""
    memory = Memory(history, kernel_log_readable=lambda: True)

    memory.take(_xid(clock), clock.now())
    memory.settle(clock.now())
    clock.pass_seconds(30)
    memory.take(READY, clock.now())
    memory.take(Inventory(devices=(device(7, slot=0), device(0, slot=1))), clock.now())

    assert _record(history, 0).incidents == ()
    assert _record(history, 7).xids[48, "kernel_log"].count == 1


def test_a_board_that_stayed_is_charged_once_it_was_counted(
    history: History, clock: HandClock
) -> None:
    """Waiting loses nothing."""
    memory = Memory(history, kernel_log_readable=lambda: True)

    memory.take(_xid(clock), clock.now())
    memory.settle(clock.now())
    waiting = len(_record(history, 0).incidents)
    clock.pass_seconds(30)
    memory.take(READY, clock.now())
    memory.take(Inventory(devices=(device(0),)), clock.now())

    assert (waiting, len(_record(history, 0).incidents)) == (0, 1)


def test_the_position_in_the_log_waits_behind_the_reports(
    history: History, clock: HandClock
) -> None:
    """An agent killed meanwhile reads them again."""
    memory = Memory(history, kernel_log_readable=lambda: True)

    position = _position(clock)
    memory.take(_xid(clock), clock.now())
    memory.take(position, clock.now())
    before = history.kernel_log_position()
    memory.take(READY, clock.now())
    memory.take(Inventory(devices=(device(0),)), clock.pass_seconds(5))

    assert (before, history.kernel_log_position()) == (None, (str(position), 9))


def test_a_report_is_not_kept_waiting_for_ever(history: History, clock: HandClock) -> None:
    """The driver cannot be asked: the board that sat there last is the best that is known."""
    memory = Memory(history, kernel_log_readable=lambda: True)
    memory.take(_xid(clock), clock.now())
    memory.settle(clock.now())

    memory.settle(clock.pass_seconds(299))
    early = len(_record(history, 0).incidents)
    memory.settle(clock.pass_seconds(2))

    assert (early, len(_record(history, 0).incidents)) == (0, 1)


def test_reports_are_taken_at_once_when_this_boot_was_counted(
    history: History, clock: HandClock
) -> None:
    """The agent restarts on a host that goes on."""
    history.take_inventory((device(0),), clock.now())
    clock.pass_seconds(60)
    memory = Memory(history, kernel_log_readable=lambda: True)

    memory.take(_xid(clock), clock.now())
    memory.settle(clock.now())

    assert len(_record(history, 0).incidents) == 1
