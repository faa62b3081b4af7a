"""Flags follow their boards on a real history: replaced again, put back, returned, forgotten."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.agent.decide import Decisions
from gpuwatch.agent.known import KnownFiles
from gpuwatch.agent.live import Live
from gpuwatch.agent.planning import Calendar
from gpuwatch.domain.acceptances import (
    Acceptance,
    AcceptanceState,
    Candidate,
    Diagnostic,
    DiagnosticResult,
)
from gpuwatch.domain.devices import Device
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.known_boards import read_all, told, write
from gpuwatch.domain.records import BoardState
from gpuwatch.domain.verdicts import Remedy
from gpuwatch.history import HistorySettings
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings
from tests.support.histories import DAY, Bench, board_key, device

OPEN, CLOSED, VERIFYING = FlagState.OPEN, FlagState.CLOSED, FlagState.VERIFYING
SETTINGS = HistorySettings(retry_seconds=0.0, max_gap_seconds=DAY)
ACCEPTANCE = Acceptance(
    flag=1,
    began_at=5.5,
    candidates=(
        Candidate(
            key=board_key(9), faults_before=2, load_seconds=7.5, poor_seconds=1.5, poor="ECC is off"
        ),
        Candidate(key=board_key(8)),
    ),
    state=AcceptanceState.ACCEPTED,
    diagnostic=Diagnostic(
        name="dcgmi.json",
        sha256="ab" * 32,
        size=1234,
        result=DiagnosticResult.PASSED,
        attached_at=6.5,
        actor="uid 0 (root)",
    ),
    sentence="4.0 h",
    decided_at=8.5,
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A host of two boards, of which the first has a flag for its rising errors."""
    bench = Bench.open(tmp_path / "history.db", boards=2, settings=SETTINGS)
    bench.event(48, identity="first")
    for _ in range(144):
        bench.sweep(after=7200.0)
    bench.event(48, identity="second")
    yield bench
    bench.history.close()


def _decisions(bench: Bench, files: Path | None = None) -> Decisions:
    decisions = Decisions(
        bench.history, Judge(PolicySettings()), Calendar(), known_files=KnownFiles(files)
    )
    decisions.restore(bench.clock.now())
    return decisions


def _decide(decisions: Decisions, bench: Bench) -> None:
    """Judge everything that is here, and let the flags follow."""
    records, now = bench.history.records(), bench.clock.now()
    gpus = tuple(
        GpuView(record=record, present=True, readings={"a": 1}, answers=1)
        for record in records.values()
        if record.state is not BoardState.LEFT
    )
    decisions.decide(HostView(now=now, gpus=gpus, driver=DriverHealth.READY), records)
    decisions.follow_boards(records, Live(), now)


def _boot(decisions: Decisions, bench: Bench, *devices: Device) -> None:
    bench.clock.boot(f"boot-{bench.clock.wall:.0f}")
    bench.history.take_inventory(devices, bench.clock.now())
    _decide(decisions, bench)


def _states(bench: Bench) -> list[tuple[str, FlagState]]:
    return [(flag.code, flag.state) for flag in bench.history.flags()]


def _codes(decisions: Decisions, number: int) -> list[str]:
    found = decisions.judgement.findings.get(board_key(number).uuid, ())
    return [finding.code for finding in found]


def _wanting(decisions: Decisions, number: int) -> list[str]:
    """The findings that want somebody to replace the board: each is a ticket."""
    found = decisions.judgement.findings[board_key(number).uuid]
    return [finding.code for finding in found if finding.remedy is Remedy.REPLACE]


def test_a_board_that_replaces_what_came_in_is_accepted_instead(bench: Bench) -> None:
    """From nothing: what its predecessor carried does not count."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _boot(decisions, bench, device(9, 0), device(1))
    first = bench.history.acceptances()[1]
    _boot(decisions, bench, device(8, 0), device(1))
    _decide(decisions, bench)

    again = bench.history.acceptances()[1]
    (flag,) = bench.history.flags()
    assert [one.key for one in first.candidates] == [board_key(9)]
    assert [one.key for one in again.candidates] == [board_key(8)]
    assert (flag.state, flag.successor) == (VERIFYING, board_key(8))


def test_an_empty_slot_waits_for_a_board(bench: Bench) -> None:
    """The flag moves when one is in it."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _boot(decisions, bench, device(1))
    empty = _states(bench)
    _boot(decisions, bench, device(9, 0), device(1))

    assert [state for _, state in empty] == [OPEN]
    assert [state for _, state in _states(bench)] == [VERIFYING]


def test_a_flagged_board_that_is_put_back_fails_the_acceptance(bench: Bench) -> None:
    """One flag ends, one stands for the board; its old errors raise no third, nor a trend.

    One ticket, too: that it is back is why it was refused.
    """
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _boot(decisions, bench, device(9, 0), device(1))
    _boot(decisions, bench, device(0), device(1))
    _decide(decisions, bench)

    assert _states(bench) == [
        ("rising-uncorrectable-trend", CLOSED),
        ("acceptance-failed", OPEN),
    ]
    assert _wanting(decisions, 0) == ["acceptance-failed"]


def test_a_board_that_another_host_flagged_gets_one_flag_when_it_is_refused(
    bench: Bench, tmp_path: Path
) -> None:
    """It comes in as a replacement: its flag is that of the refusal, and so is its ticket."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    record, flags = bench.history.records()[board_key(0)], bench.history.flags()
    line = write(told(record, flags, "node-2", 10.0))
    folder = tmp_path / "known-boards.d"
    folder.mkdir()
    came_in = line.replace(record.key.serial, board_key(9).serial)
    (folder / "bad.ndjson").write_text(f"{came_in}\n")
    again = _decisions(bench, folder)
    _boot(again, bench, device(9, 0), device(1))  # it is on trial,
    _decide(again, bench)  # and is refused
    _decide(again, bench)

    assert _states(bench) == [
        ("rising-uncorrectable-trend", CLOSED),
        ("acceptance-failed", OPEN),
    ]
    assert _wanting(again, 9) == ["acceptance-failed"]


def test_a_board_that_returns_says_so_and_not_its_old_trend(bench: Bench) -> None:
    """Also in another agent; a new error is a new trend."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _boot(decisions, bench, device(9, 0), device(1))
    _boot(decisions, bench, device(9, 0), device(0, 1))
    live = _codes(decisions, 0)
    again = _decisions(bench)
    _decide(again, bench)
    restarted = _codes(again, 0)
    bench.sweeps(96, after=7200.0)
    bench.event(48, 1, identity="third")  # by the address of the slot in which it is now
    _decide(again, bench)

    assert "flagged-board-returned" in live
    assert "rising-uncorrectable-trend" not in live
    assert restarted == live
    assert "rising-uncorrectable-trend" in _codes(again, 0)


def test_what_proves_a_board_outlives_a_restart(bench: Bench) -> None:
    """Every number of an acceptance, and its diagnostic."""
    bench.history.save_acceptance(ACCEPTANCE)

    kept = bench.reopened_after_close().history.acceptances()

    assert kept == {1: ACCEPTANCE}


def test_what_proves_boards_is_written_into_a_new_file(bench: Bench) -> None:
    """Somebody removed the history under the agent, which still knows all of it."""
    known = told(bench.history.records()[board_key(0)], (), "node-2", 10.0)
    bench.history.save_acceptance(ACCEPTANCE)
    bench.history.import_boards((known,))
    bench.history.path.unlink()

    bench.history.tick(bench.clock.now())

    history = bench.reopened_after_close().history
    assert (history.acceptances(), history.known_boards()) == ({1: ACCEPTANCE}, (known,))


def test_what_other_hosts_told_is_kept_once(bench: Bench) -> None:
    """The same again is no news, an older word neither; a newer one replaces it."""
    record = bench.history.records()[board_key(0)]
    old, new = (told(record, (), "node-2", at) for at in (10.0, 20.0))

    taken = [bench.history.import_boards((known,)) for known in (old, old, new, old)]
    kept = bench.reopened_after_close().history.known_boards()

    assert taken == [1, 0, 1, 0]
    assert kept == (new,)


def test_files_of_known_boards_are_read_whole_or_not_at_all(bench: Bench, tmp_path: Path) -> None:
    """A board they name is recognised; a file with a wrong line is refused."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    records, folder = bench.history.records(), tmp_path / "known-boards.d"
    folder.mkdir()
    line = write(told(records[board_key(0)], bench.history.flags(), "node-2", 10.0))
    elsewhere = line.replace(str(board_key(0).serial), board_key(1).serial)
    (folder / "good.ndjson").write_text(elsewhere + "\n")
    (folder / "bad.ndjson").write_text(line + "\n{}\n")

    again = _decisions(bench, folder)
    _decide(again, bench)

    assert list(again.known_boards) == [board_key(1).serial]
    assert "flagged-board-returned" in _codes(again, 1)
    assert len(list(read_all(elsewhere))) == 1
