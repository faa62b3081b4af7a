"""Trails: what rules may know of single Xids, in bounded memory and over restarts."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.xids import XidAdvice, XidTrace
from gpuwatch.history import History, HistorySettings
from gpuwatch.history.xid_traces import CODES_A_DEVICE, ENTRIES_A_CODE, ENTRIES_A_DAY
from tests.support.histories import DAY, Bench, board_key

RESET = XidAdvice.RESET


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A history of one board that was read once."""
    bench = Bench.open(tmp_path / "state" / "history.db")
    bench.sweep()
    return bench


def _xid(bench: Bench, code: int, process: str = "7 train", **changes: object) -> None:
    """One Xid of the board, a minute after whatever came before."""
    at = bench.clock.pass_seconds(60.0)
    event = Event(
        kind=EventKind.XID,
        at=at.wall,
        source=EventSource.KERNEL_LOG,
        identity=f"{at.boot_id}/{code}/{at.wall}",
        boot_id=at.boot_id,
        pci_address="0000:01:00.0",
        code=code,
        process=process,
        advice=RESET,
        boottime=at.boottime,
    )
    bench.history.take_event(replace(event, **changes), at)  # type: ignore[arg-type]


def _traces(bench: Bench, code: int) -> tuple[XidTrace, ...]:
    return bench.history.records()[board_key(0)].traces.get(code, ())


def test_occurrences_that_are_alike_are_one_trace(bench: Bench) -> None:
    """A storm of one program grows a count; its words and its dates are kept."""
    for _ in range(50):
        _xid(bench, 31)

    last = bench.clock.now().wall
    assert _traces(bench, 31) == (
        XidTrace(
            code=31,
            advice=RESET,
            count=50,
            first_at=last - 49 * 60.0,
            last_at=last,
            process="7 train",
        ),
    )


def test_another_process_another_day_and_another_life_are_traces_of_their_own(
    bench: Bench,
) -> None:
    """Rules count processes, days, and the resets in between."""
    _xid(bench, 119)
    _xid(bench, 119, "8 train")
    bench.clock.pass_seconds(DAY)
    _xid(bench, 119, "8 train")
    bench.clock.pass_seconds(60.0)
    bench.reload_driver("2")
    _xid(bench, 119, "8 train")

    kept = [(one.process, one.count, one.resets_since) for one in _traces(bench, 119)]
    assert kept == [("7 train", 1, 1), ("8 train", 1, 1), ("8 train", 1, 1), ("8 train", 1, 0)]


def test_many_programs_of_one_day_do_not_push_out_the_days_before(bench: Bench) -> None:
    """An array of a thousand jobs fails in an hour: the latest entry of that day counts them."""
    _xid(bench, 13, "1 old")
    bench.clock.pass_seconds(DAY)
    for number in range(3 * ENTRIES_A_CODE):
        _xid(bench, 13, f"{number} array")

    kept = _traces(bench, 13)
    assert (len(kept), kept[0].process) == (1 + ENTRIES_A_DAY, "1 old")
    assert sum(one.count for one in kept) == 1 + 3 * ENTRIES_A_CODE


def test_no_flood_hides_what_asks_for_more(bench: Bench) -> None:
    """After many occurrences that ask for nothing, one that wants a reset stands by itself."""
    for link in range(10):
        _xid(bench, 149, subcode=f"link {link}", advice=XidAdvice.NOTHING_URGENT)
    _xid(bench, 149, subcode="link 17")

    assert [one.subcode for one in _traces(bench, 149) if one.advice is RESET] == ["link 17"]


def test_what_is_kept_is_bounded(bench: Bench) -> None:
    """Of a code the latest days, of a board the latest codes, whatever the log holds."""
    for _ in range(ENTRIES_A_CODE + 5):
        _xid(bench, 31)
        bench.clock.pass_seconds(DAY)
    days = _traces(bench, 31)
    for code in range(1000, 1000 + CODES_A_DEVICE):
        _xid(bench, code)
    traces = bench.history.records()[board_key(0)].traces

    assert len(days) == ENTRIES_A_CODE
    assert days[-1].last_at - days[0].last_at == (ENTRIES_A_CODE - 1) * (DAY + 60.0)
    assert (len(traces), 31 in traces, 1000 in traces) == (CODES_A_DEVICE, False, True)
    assert bench.reopened_after_close().history.records()[board_key(0)].traces == traces


def test_a_boot_since_then_is_a_reset_before_the_driver_is_met(
    bench: Bench, tmp_path: Path
) -> None:
    """What the boot before left in the log is over, also while no driver has answered yet."""
    _xid(bench, 119)
    before = _traces(bench, 119)[0].resets_since
    bench.history.close()
    bench.clock.boot("boot-2")
    history = History.open(tmp_path / "state" / "history.db", bench.clock, HistorySettings())

    after = history.records()[board_key(0)].traces[119][0].resets_since
    assert (before, after) == (0, 1)


def test_what_came_before_first_sight_leaves_no_trace(bench: Bench) -> None:
    """It may have been another board's, and proves nothing."""
    at = bench.clock.now()
    _xid(bench, 119, at=at.wall - DAY, boottime=1.0)

    assert _traces(bench, 119) == ()


def test_a_late_report_reaches_back(bench: Bench) -> None:
    """The log is read late: the trace begins with the earliest and ends with the latest."""
    _xid(bench, 119)
    at = bench.clock.now()
    _xid(bench, 119, at=at.wall - 30, boottime=at.boottime - 30, identity="late")

    (kept,) = _traces(bench, 119)
    assert (kept.count, kept.first_at, kept.last_at) == (2, at.wall - 30, at.wall)


def test_errors_of_switches_are_the_hosts(bench: Bench) -> None:
    """An NVSwitch is no board: its errors stand beside the boards, over restarts too."""
    switch = {"kind": EventKind.SXID, "pci_address": "0000:05:00.0", "process": ""}
    _xid(bench, 20034, subcode="fatal link 30", **switch)

    traces = bench.history.sxid_traces()
    assert [one.subcode for one in traces[20034]] == ["fatal link 30"]
    assert bench.reopened_after_close().history.sxid_traces() == traces
    assert _traces(bench, 20034) == ()
